import type { Release } from "@stackyard/sdk/releases";

/** Ends that come before any work: a lock, permissions, configuration, a service that does not answer. */
const COULD_NOT_START: ReadonlySet<string> = new Set([
  ...["LOCK_EXISTS", "CONFIG_INVALID", "EXECUTOR_UNKNOWN", "MACHINE_UNKNOWN", "UNREACHABLE", "ACCESS_DENIED"],
]);

/**
 * The exit code of a command that has followed a release to its end: 0 it is done, 1 it has failed and nothing of it is left, 2 it
 * has left something behind, 3 it could not start.
 */
export function toReleaseExitCode({ standing, end, error, report }: Release): 0 | 1 | 2 | 3 {
  if (standing === "succeeded") return 0;
  if (end === "FailureDirty" || error?.code === "LEFT_BEHIND") return 2;
  if (error !== undefined && COULD_NOT_START.has(error.code)) return 3;
  // A run that ended without a word of its executor has cleaned nothing up.
  const hasBegun = report?.path.some(({ state }) => state === "Deploy") === true;
  return end === undefined && hasBegun ? 2 : 1;
}
