import { describe, expect, it } from "vitest";
import { aReport, aServiceReport, aYardRelease } from "../testing/a-report.ts";
import { tellEnd, tellProgress, tellRelease } from "./tell-release.ts";

const error = { code: "RELEASE_TIMED_OUT", message: "Timeout: Halting Release" };

describe("tellProgress", () => {
  it("is one line of state and services", () => {
    const web = aServiceReport({ healthy: 2, launching: 3, unhealthy: 1, targetHealthy: 4, targetLaunched: 4 });
    const report = aReport({ services: { web, api: aServiceReport({ targetLaunched: 1, targetHealthy: 1 }) } });

    expect(tellProgress(aYardRelease({ report, isHalting: true }))).toBe(
      "halting, CheckHealthy  web 2 of 4 healthy, 1 not yet, 1 missing; api 0 of 1 healthy, 1 missing",
    );
  });

  it("is the state alone before anything is known of instances", () => {
    expect(tellProgress(aYardRelease({ report: aReport({ state: "Lock" }) }))).toBe("Lock");
  });

  it("is the run's own line before there is a report", () => {
    expect(tellProgress(aYardRelease({ standing: "waiting", message: "queued" }))).toBe("waiting: queued");
    expect(tellProgress(aYardRelease({ isHalting: true }))).toBe("halting");
  });
});

describe("tellEnd", () => {
  it.each([
    [{ standing: "succeeded", end: "Success" }, "Release release-2 is done."],
    [
      { standing: "failed", end: "FailureClean", error },
      "Release release-2 has failed; nothing of it is left. RELEASE_TIMED_OUT: Timeout: Halting Release",
    ],
    [{ standing: "cancelled", end: "FailureClean" }, "Release release-2 was halted; nothing of it is left."],
    [{ standing: "cancelled", end: "FailureDirty" }, "Release release-2 has failed and left something behind."],
    [{ standing: "running" }, "Release release-2 goes on: running."],
    [{ standing: "running", report: aReport() }, "Release release-2 goes on: CheckHealthy."],
    [{ standing: "running", isHalting: true, releaseId: "" }, "Release run-1 goes on: halting."],
    [{ standing: "succeeded", operation: "rollback" }, "The rollback of org/shop production is done."],
  ] as const)("tells %o", (over, expected) => {
    expect(tellEnd(aYardRelease(over))).toBe(expected);
  });
});

describe("tellRelease", () => {
  it("tells everything that is known", () => {
    const web = aServiceReport({ healthy: 1, launching: 2, terminating: 1, targetHealthy: 2, targetLaunched: 2 });
    const path = ["Validate", "Lock", "CheckHealthy", "Healthy?", "CheckHealthy", "Healthy?"];
    const report = aReport({
      services: { web: { ...web, group: "org/shop-web", causes: ["no Spot capacity"] } },
      path: path.map((state, at) => ({ state, at })),
      error: { class: "HaltError", message: "Timeout" },
      laterErrors: [{ class: "CleanUpError", message: "throttled" }],
    });

    const text = tellRelease(
      aYardRelease({ standing: "failed", end: "FailureDirty", report, endedAt: "2026-01-01T00:11:00.000Z" }),
    );

    expect(text).toBe(`Release release-2 has failed and left something behind.
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

  it("tells less of a release that has not begun", () => {
    expect(tellRelease(aYardRelease({ standing: "waiting" }))).toContain("goes on: waiting.\nproject-config:");
  });
});
