import { createRun, type FleetRun, type RunState } from "../fleet-run.ts";
import type { FleetInstanceReport } from "../report-page.ts";

/** Returns the id of the n-th instance of a test. */
export function anId(number: number): string {
  return `i-${number.toString(16).padStart(17, "0")}`;
}

/** Returns an instance that still waits to be sent to. */
export function aMember(number: number, overrides: Partial<FleetInstanceReport> = {}): FleetInstanceReport {
  return { instanceId: anId(number), state: "not-sent", roles: ["web"], platform: "linux", ...overrides };
}

/** Returns `count` of them. */
export function members(count: number, overrides: Partial<FleetInstanceReport> = {}): readonly FleetInstanceReport[] {
  return Array.from({ length: count }, (_, number) => aMember(number, overrides));
}

/** Returns a run with these members; default limits: 50 concurrent and no error. */
export function aRun(
  given: readonly FleetInstanceReport[],
  { maxConcurrency = 50, maxErrors = 0, ...state }: Partial<RunState> = {},
): FleetRun {
  const run = createRun({
    runId: "run-1",
    attempt: "a1",
    startedAt: 0,
    way: "ids",
    byInventory: true,
    members: given,
    maxConcurrency,
    maxErrors,
  });
  return { ...run, state: { ...run.state, ...state } };
}
