import { parseReleaseReport, type ReleaseReport, type ServiceReport } from "@stackyard/sdk/releases";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Strategy } from "../document/release.ts";
import {
  anAutoscaling,
  aRelease,
  aReport,
  aService,
  aServiceReport,
  aState,
  aYardRelease,
} from "../testing/builders.ts";
import {
  forecastRelease,
  formatEnd,
  formatProgress,
  formatRelease,
  joinSentences,
  toLength,
  toReleasePicture,
  toReleaseReport,
  toReportKey,
} from "./report.ts";

const at = { name: "CheckHealthy", since: 7 } as const;
const RESOURCES = {
  image: "ami-1",
  security_groups: [],
  elbs: [],
  target_group_arns: [],
  subnets: [],
} as const;
const autoscaling = anAutoscaling({ min_size: 1, max_size: 10, spread: 0.5 });
const release = aRelease({ services: { web: aService({ autoscaling }) } });

describe("toReleaseReport", () => {
  it("says where a release is and how its services stand", () => {
    const counts = { target_healthy: 2, target_launched: 6, desired_capacity: 6, min_size: 1 };
    const healthy_report = { ...counts, healthy: 2, launching: 5, terminating: 1, terminating_ids: ["i-1"] };
    const web = { healthy: true, stable: 1, created_asg: "shop-web", healthy_report, causes: ["no Spot capacity"] };
    const error = { Error: "HaltError", Cause: "stop" };
    const state = aState({ services: { web }, error, later_errors: [{ Error: "DetachError", Cause: "slow" }] });

    const report = toReleaseReport({
      release,
      state,
      at,
      path: [{ state: "Validate", at: 1 }],
      lines: [{ at: 2, text: "on its way" }],
      end: "FailureClean",
    });

    expect(report).toEqual({
      operation: "deploy",
      releaseId: "release-2",
      account: "111122223333",
      region: "eu-west-1",
      project: "org/shop",
      config: "production",
      state: "CheckHealthy",
      since: 7,
      startedAt: Date.UTC(2026, 0, 1, 0, 0, 10),
      timeoutSeconds: 600,
      path: [{ state: "Validate", at: 1 }],
      services: {
        web: {
          healthy: 2,
          unhealthy: 2,
          terminating: 1,
          launching: 5,
          targetHealthy: 2,
          targetLaunched: 6,
          group: "shop-web",
          isHealthy: true,
          causes: ["no Spot capacity"],
        },
      },
      lines: [{ at: 2, text: "on its way" }],
      error: { class: "HaltError", message: "stop" },
      laterErrors: [{ class: "DetachError", message: "slow" }],
      end: "FailureClean",
    });
    expect(parseReleaseReport(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  it("knows the targets as soon as the group before was looked for", () => {
    const web = { healthy: false, stable: 0, resources: RESOURCES, previous_desired_capacity: 4 };

    const { services } = toReleaseReport({ release, state: aState({ services: { web } }), at, path: [], lines: [] });

    expect(services["web"]).toMatchObject({ healthy: 0, unhealthy: 0, targetHealthy: 2, targetLaunched: 6 });
  });

  it("knows nothing of services before that", () => {
    const { services, startedAt } = toReleaseReport({ release, state: undefined, at, path: [], lines: [] });

    expect([services["web"], startedAt]).toMatchObject([{ targetHealthy: 0, targetLaunched: 0 }, undefined]);
  });

  it("stays small, however long a release takes", () => {
    const path = Array.from({ length: 900 }, (_, number) => ({ state: "CheckHealthy" as const, at: number }));
    const lines = Array.from({ length: 900 }, (_, number) => ({ at: number, text: "x".repeat(9_000) }));
    const error = { Error: "HealthError", Cause: "y".repeat(100_000) };
    const causes = ["z".repeat(9_000)];
    const state = aState({ error, later_errors: Array.from({ length: 50 }, () => error) });
    const services = { web: { healthy: false, stable: 0, causes } };

    const report = toReleaseReport({ release, state: { ...state, services }, at, path, lines });

    expect([report.path.length, report.path.at(-1)?.at, report.lines.length]).toEqual([200, 899, 50]);
    expect(JSON.stringify(report).length).toBeLessThan(120_000);
  });

  it("is one page of the run", () => {
    expect(toReportKey("run-1")).toBe("run-report/run-1/0000");
  });
});

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
run:             run-1
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

function aReleaseBy(strategy: Strategy, over: Partial<ReturnType<typeof anAutoscaling>> = {}) {
  const autoscaling = anAutoscaling({ min_size: 1, max_size: 10, strategy, ...over });
  return aRelease({ services: { web: aService({ autoscaling }) } });
}

const ODIN = { generation: "odin" } as const;

describe("forecastRelease", () => {
  it("is the earliest possible success: boot, one poll, slow start and the wait after the detach", () => {
    const forecast = forecastRelease(aReleaseBy("AllAtOnce"), { web: 4 }, { ...ODIN, slowStartSeconds: 30 });

    expect(forecast).toEqual({
      services: { web: { steps: [{ afterSeconds: 0, desired: 4 }], healthyAfterSeconds: 105 } },
      healthyAfterSeconds: 105,
      doneAfterSeconds: 140,
    });
  });

  it("takes no capacity from what every object has", () => {
    const { web } = aReleaseBy("AllAtOnce").services;
    const release = aRelease({ services: { constructor: web ?? aService(), toString: web ?? aService() } });

    const { services } = forecastRelease(release, {}, ODIN);

    expect(Object.values(services).map(({ steps }) => steps)).toEqual([
      [{ afterSeconds: 0, desired: 1 }],
      [{ afterSeconds: 0, desired: 1 }],
    ]);
  });

  it("has the shorter waits of the first generation", () => {
    const forecast = forecastRelease(aReleaseBy("AllAtOnce"), {}, { generation: "step-asg-deployer" });

    expect([forecast.healthyAfterSeconds, forecast.doneAfterSeconds]).toEqual([45, 45]);
  });

  it("forecasts check by check with the predecessor's strategies", () => {
    const { services } = forecastRelease(aReleaseBy("25PercentStepRolloutNoCanary"), { web: 8 }, ODIN);

    expect(services["web"]).toEqual({
      steps: [
        { afterSeconds: 0, desired: 2 },
        { afterSeconds: 105, desired: 4 },
        { afterSeconds: 120, desired: 6 },
        { afterSeconds: 135, desired: 8 },
      ],
      healthyAfterSeconds: 150,
    });
  });

  it("waits for the bake time of each gate", () => {
    const release = aReleaseBy("GatedSteps", { steps: [1, "50%"], bake_time: 60 });

    expect(forecastRelease(release, { web: 4 }, ODIN).services["web"]).toEqual({
      steps: [
        { afterSeconds: 0, desired: 1 },
        { afterSeconds: 165, desired: 2 },
        { afterSeconds: 240, desired: 4 },
      ],
      healthyAfterSeconds: 255,
    });
  });

  it("counts the required healthy polls in a row", () => {
    const release = { ...aReleaseBy("AllAtOnce"), stable_polls: 3 };

    expect(forecastRelease(release, {}, ODIN).healthyAfterSeconds).toBe(135);
  });

  it("says nothing where the timeout is too short for it", () => {
    const release = { ...aReleaseBy("GatedCanary", { bake_time: 600 }), timeout: 300 };

    expect(forecastRelease(release, { web: 4 }, ODIN)).toMatchObject({
      healthyAfterSeconds: undefined,
      doneAfterSeconds: undefined,
      services: { web: { steps: [{ afterSeconds: 0, desired: 1 }] } },
    });
  });

  it("is as late as the last service", () => {
    const [all, slow] = [aReleaseBy("AllAtOnce"), aReleaseBy("OneThenAllWithCanary")];
    const services = { ...all.services, worker: slow.services["web"] ?? aService() };

    expect(forecastRelease({ ...all, services }, { web: 4, worker: 4 }, ODIN).healthyAfterSeconds).toBe(120);
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

describe("joinSentences", () => {
  it.each([
    [["Timeout: Halting Release", "Look."], "Timeout: Halting Release. Look."],
    [["Wrong image.", "Why?", "Then no"], "Wrong image. Why? Then no"],
    [["Timeout: Halting Release"], "Timeout: Halting Release"],
  ])("joins %j", (sentences, text) => {
    expect(joinSentences(sentences)).toBe(text);
  });
});
