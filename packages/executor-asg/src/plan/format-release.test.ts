import type { ReleaseReport, ServiceReport } from "@stackyard/sdk/releases";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aReport, aServiceReport, aYardRelease } from "../testing/builders.ts";
import { formatEnd, formatProgress, formatRelease, toLength, toReleasePicture } from "./format-release.ts";

const error = { code: "RELEASE_TIMED_OUT", message: "Timeout: Halting Release" };

describe("formatProgress", () => {
  it("is one line of state and services", () => {
    const web = aServiceReport({ healthy: 2, launching: 3, unhealthy: 1, targetHealthy: 4, targetLaunched: 4 });
    const report = aReport({ services: { web, api: aServiceReport({ targetLaunched: 1, targetHealthy: 1 }) } });

    expect(formatProgress(aYardRelease({ report, isHalting: true }))).toBe(
      "halting, CheckHealthy  web 2 of 4 healthy, 1 not yet, 1 missing; api 0 of 1 healthy, 1 missing",
    );
  });

  it("is the state alone before anything is known of instances", () => {
    expect(formatProgress(aYardRelease({ report: aReport({ state: "Lock" }) }))).toBe("Lock");
  });

  it("is the run's own line before there is a report", () => {
    expect(formatProgress(aYardRelease({ standing: "waiting", message: "queued" }))).toBe("waiting: queued");
    expect(formatProgress(aYardRelease({ isHalting: true }))).toBe("halting");
  });
});

describe("formatEnd", () => {
  it.each([
    [{ standing: "succeeded", end: "Success" }, "Release release-2 succeeded."],
    [
      { standing: "failed", end: "FailureClean", error },
      "Release release-2 failed; everything it created was removed. RELEASE_TIMED_OUT: Timeout: Halting Release",
    ],
    [
      { standing: "cancelled", end: "FailureClean" },
      "Release release-2 was halted; everything it created was removed.",
    ],
    [{ standing: "cancelled", end: "FailureDirty" }, "Release release-2 failed and left resources behind."],
    [{ standing: "running" }, "Release release-2 is running: running."],
    [{ standing: "running", report: aReport() }, "Release release-2 is running: CheckHealthy."],
    [{ standing: "running", isHalting: true, releaseId: "" }, "Release run-1 is running: halting."],
    [{ standing: "succeeded", operation: "rollback" }, "The rollback of org/shop production succeeded."],
  ] as const)("reports %o", (over, expected) => {
    expect(formatEnd(aYardRelease(over))).toBe(expected);
  });
});

describe("formatRelease", () => {
  it("reports everything that is known", () => {
    const web = aServiceReport({ healthy: 1, launching: 2, terminating: 1, targetHealthy: 2, targetLaunched: 2 });
    const path = ["Validate", "Lock", "CheckHealthy", "Healthy?", "CheckHealthy", "Healthy?"];
    const report = aReport({
      services: { web: { ...web, group: "org/shop-web", causes: ["no Spot capacity"] } },
      path: path.map((state, at) => ({ state, at })),
      error: { class: "HaltError", message: "Timeout" },
      laterErrors: [{ class: "CleanUpError", message: "throttled" }],
    });

    const text = formatRelease(
      aYardRelease({ standing: "failed", end: "FailureDirty", report, endedAt: "2026-01-01T00:11:00.000Z" }),
    );

    expect(text).toBe(`Release release-2 failed and left resources behind.
project-config:  org/shop production
account:         111122223333 eu-west-1
job:             run-1
started:         2026-01-01T00:00:00.000Z
took:            11m
first error:     HaltError: Timeout
later error:     CleanUpError: throttled

SERVICE  HEALTHY  NEEDED  INSTANCES  TERMINATING  GROUP
web            1       2          2            1  org/shop-web
web: no Spot capacity

Path: Validate, Lock, CheckHealthy (2 times), Healthy? (2 times)`);
  });

  it("reports less about a release that has not started", () => {
    expect(formatRelease(aYardRelease({ standing: "waiting" }))).toContain(
      "Release release-2 is running: waiting.\nproject-config:  org/shop production",
    );
  });
});

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

  it("uses one dot for several instances where space is short", () => {
    const web = { healthy: 500, launching: 500, targetHealthy: 800, targetLaunched: 1_000 };

    const [, line = ""] = drawn({ web });

    expect(line).toMatch(/^web {2}●+·+\|·+ {2}500 of 800 healthy, 500 missing \(\d+ each\)$/);
    expect(line.length).toBeLessThanOrEqual(100);
  });

  it("has no dots before anything is known", () => {
    expect(drawn({ web: {} }, { state: "Lock" })[1]).toBe("web  |  0 of 0 healthy");
  });

  it("reports why instances do not come up, the error, and the end", () => {
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

it.each([
  [0, "0s"],
  [-3, "0s"],
  [59.9, "59s"],
  [60, "1m"],
  [150, "2m 30s"],
  [3_600, "1h"],
  [3_661, "1h 1m"],
  [172_800, "2d"],
])("formats %d seconds as %s", (seconds, text) => {
  expect(toLength(seconds)).toBe(text);
});
