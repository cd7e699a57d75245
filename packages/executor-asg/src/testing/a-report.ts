import type { Release, ReleaseReport, ServiceReport } from "@stackyard/sdk/releases";

/** A report of a release that has one service and looks at its health. */
export function aReport(over: Partial<ReleaseReport> = {}): ReleaseReport {
  return {
    operation: "deploy",
    releaseId: "release-2",
    account: "111122223333",
    region: "eu-west-1",
    project: "org/shop",
    config: "production",
    state: "CheckHealthy",
    since: Date.UTC(2026, 0, 1, 0, 1, 45),
    startedAt: Date.UTC(2026, 0, 1),
    timeoutSeconds: 600,
    path: [],
    lines: [],
    laterErrors: [],
    services: { web: aServiceReport() },
    ...over,
  };
}

/** A service of which nothing is known yet. */
export function aServiceReport(over: Partial<ServiceReport> = {}): ServiceReport {
  return {
    healthy: 0,
    unhealthy: 0,
    terminating: 0,
    launching: 0,
    targetHealthy: 0,
    targetLaunched: 0,
    isHealthy: false,
    causes: [],
    ...over,
  };
}

/** A release that goes on, as a yard shows it. */
export function aYardRelease(over: Partial<Release> = {}): Release {
  return {
    runId: "run-1",
    operation: "deploy",
    releaseId: "release-2",
    account: "111122223333",
    region: "eu-west-1",
    project: "org/shop",
    config: "production",
    standing: "running",
    isHalting: false,
    startedAt: "2026-01-01T00:00:00.000Z",
    ...over,
  };
}
