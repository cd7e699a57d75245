import { parseReleaseReport } from "@stackyard/sdk/releases";
import { describe, expect, it } from "vitest";
import { anAutoscaling, aRelease, aService, aState } from "../testing/builders.ts";
import { toReleaseReport, toReportKey } from "./report.ts";

const at = { operation: "deploy", position: { state: "CheckHealthy", retries: [] }, since: 7 } as const;
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

    const path = [{ state: "Validate", at: 1 }] as const;

    const report = toReleaseReport(
      { ...at, release, state, path, lines: [{ at: 2, text: "on its way" }] },
      "FailureClean",
    );

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

    const { services } = toReleaseReport({ ...at, release, state: aState({ services: { web } }), path: [], lines: [] });

    expect(services["web"]).toMatchObject({ healthy: 0, unhealthy: 0, targetHealthy: 2, targetLaunched: 6 });
  });

  it("knows nothing of services before that", () => {
    const { services } = toReleaseReport({ ...at, release, state: aState(), path: [], lines: [] });

    expect(services["web"]).toMatchObject({ targetHealthy: 0, targetLaunched: 0 });
  });

  it("stays small, however long a release takes", () => {
    const path = Array.from({ length: 900 }, (_, number) => ({ state: "CheckHealthy" as const, at: number }));
    const lines = Array.from({ length: 900 }, (_, number) => ({ at: number, text: "x".repeat(9_000) }));
    const error = { Error: "HealthError", Cause: "y".repeat(100_000) };
    const causes = ["z".repeat(9_000)];
    const state = aState({ error, later_errors: Array.from({ length: 50 }, () => error) });
    const services = { web: { healthy: false, stable: 0, causes } };

    const report = toReleaseReport({ ...at, release, state: { ...state, services }, path, lines });

    expect([report.path.length, report.path.at(-1)?.at, report.lines.length]).toEqual([200, 899, 50]);
    expect(JSON.stringify(report).length).toBeLessThan(120_000);
  });

  it("is one page of the run", () => {
    expect(toReportKey("run-1")).toBe("job-report/run-1/0000");
  });
});
