import type { ReleaseReport, ServiceReport } from "@stackyard/sdk/releases";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aReport, aServiceReport } from "../testing/a-report.ts";
import { toReleasePicture } from "./to-release-picture.ts";

const NOW = Date.UTC(2026, 0, 1, 0, 2, 30);
const WIDE = { columns: 100, colour: false, now: NOW };

const colours = { green: 32, yellow: 33, red: 31, grey: 90 };
const paint = (colour: keyof typeof colours, text: string) => `\u001b[${colours[colour]}m${text}\u001b[39m`;

function drawn(services: Readonly<Record<string, Partial<ServiceReport>>>, over: Partial<ReleaseReport> = {}) {
  const whole = Object.entries(services).map(([name, service]) => [name, aServiceReport(service)]);
  return toReleasePicture(aReport({ services: Object.fromEntries(whole), ...over }), WIDE).split("\n");
}

describe("toReleasePicture", () => {
  it("has a line per service, one dot for each instance and a bar behind as many as must be healthy", () => {
    const lines = drawn({
      web: { healthy: 2, unhealthy: 1, terminating: 1, launching: 4, targetHealthy: 3, targetLaunched: 6 },
      worker: { healthy: 1, launching: 1, targetHealthy: 1, targetLaunched: 1 },
    });

    expect(lines).toEqual([
      "release-2: CheckHealthy, 2m 30s of 10m",
      "web     ●●◐|×··  2 of 3 healthy, 1 not yet, 1 terminating, 2 missing",
      "worker  ●|  1 of 1 healthy",
    ]);
  });

  it("is coloured where that is wanted, also over the bar", () => {
    const web = aServiceReport({ healthy: 2, unhealthy: 2, launching: 5, terminating: 1, targetHealthy: 1 });
    const report = aReport({ services: { web: { ...web, targetLaunched: 6 } } });

    const [, line] = toReleasePicture(report, { ...WIDE, colour: true }).split("\n");

    const dots = `${paint("green", "●")}|${paint("green", "●")}${paint("yellow", "◐◐")}${paint("red", "×")}${paint("grey", "·")}`;
    expect(line).toBe(`web  ${dots}  2 of 1 healthy, 2 not yet, 1 terminating, 1 missing`);
  });

  it("draws more dots than the target where more instances are there", () => {
    const [, line] = drawn({ web: { healthy: 3, launching: 3, targetHealthy: 1, targetLaunched: 2 } });

    expect(line).toBe("web  ●|●●  3 of 1 healthy");
  });

  it("lets a dot stand for several where there is no room", () => {
    const web = { healthy: 500, launching: 500, targetHealthy: 800, targetLaunched: 1_000 };

    const [, line = ""] = drawn({ web });

    expect(line).toMatch(/^web {2}●+·+\|·+ {2}500 of 800 healthy, 500 missing \(\d+ each\)$/);
    expect(line.length).toBeLessThanOrEqual(100);
  });

  it("has no dots before anything is known", () => {
    expect(drawn({ web: {} }, { state: "Lock" })[1]).toBe("web  |  0 of 0 healthy");
  });

  it("tells why instances do not come, the error, and the end", () => {
    const causes = ["one", "two", "no Spot capacity"];
    const error = { class: "HaltError", message: "Timeout: Halting Release" };

    expect(drawn({ web: { causes }, api: { causes: ["x"] } }, { error, end: "FailureClean" })).toEqual([
      "release-2: FailureClean",
      "web  |  0 of 0 healthy",
      "api  |  0 of 0 healthy",
      "! web: two",
      "! web: no Spot capacity",
      "! api: x",
      "HaltError: Timeout: Halting Release",
    ]);
  });

  it("lets nothing of others move the cursor", () => {
    const picture = drawn({ "w\u001b[2Jeb": { causes: ["a\u001b[31m\rb"] } }).join("\n");

    expect(["\u001b", "\r"].filter((control) => picture.includes(control))).toEqual([]);
    expect(picture).toContain("! web: a b");
  });

  it("keeps every kind in sight and the bar where it belongs, whatever the counts", () => {
    const count = fc.integer({ min: 0, max: 3_000 });
    const counts = fc.tuple(count, count, count, count, count, fc.integer({ min: 40, max: 200 }));

    fc.assert(
      fc.property(counts, ([healthy, unhealthy, terminating, targetHealthy, targetLaunched, columns]) => {
        const launching = healthy + unhealthy + terminating;
        const web = aServiceReport({ healthy, unhealthy, terminating, launching, targetHealthy, targetLaunched });

        const [, line = ""] = toReleasePicture(aReport({ services: { web } }), { ...WIDE, columns }).split("\n");

        const [, dots = ""] = /^web {2}(\S*)/.exec(line) ?? [];
        expect(dots.split("|")).toHaveLength(2);
        for (const [glyph, counted] of [
          ["●", healthy],
          ["◐", unhealthy],
          ["×", terminating],
        ] as const) {
          expect(dots.includes(glyph)).toBe(counted > 0);
        }
      }),
    );
  });
});
