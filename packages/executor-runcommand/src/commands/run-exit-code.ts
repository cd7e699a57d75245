import type { Run } from "@stackyard/sdk/runs";
import type { FleetInstanceReport, FleetReportPage } from "../fleet-report.ts";

/** Failures that come before any work: permission, configuration, a service that does not answer. */
const COULD_NOT_START: ReadonlySet<string> = new Set([
  ...["ACCESS_DENIED", "AWS_UNAVAILABLE", "SSM_THROTTLED", "CONFIG_INVALID", "PROFILE_UNKNOWN", "EXECUTOR_UNKNOWN"],
  ...["INVALID_DOCUMENT", "INVALID_PARAMETERS", "UNREACHABLE", "MACHINE_UNKNOWN"],
]);

/**
 * The exit code of a command that has followed a run to its end: 0 it has succeeded, 2 it has not and instances were
 * worked on, 3 it could not start, 1 it has not succeeded and every instance is as it was.
 */
export function toRunExitCode({ state, error }: Run, pages: readonly FleetReportPage[]): 0 | 1 | 2 | 3 {
  if (state === "succeeded") return 0;
  if (pages.some(({ instances }) => instances.some(wasSent))) return 2;
  return error !== undefined && COULD_NOT_START.has(error.code) ? 3 : 1;
}

function wasSent({ commandId, state }: FleetInstanceReport): boolean {
  return commandId !== undefined || state === "succeeded" || state === "running";
}
