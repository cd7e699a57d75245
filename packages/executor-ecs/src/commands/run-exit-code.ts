import type { Run } from "@stackyard/sdk/runs";

/** No container was started: permission, configuration, no room. */
const COULD_NOT_START: ReadonlySet<string> = new Set([
  ...["ECS_PROPERTIES_INVALID", "ECS_TASK_DEFINITION", "ECS_NETWORK", "ECS_PLACEMENT_FAILED", "ECS_AWS_ERROR"],
  ...["CONFIG_INVALID", "EXECUTOR_UNKNOWN", "MACHINE_UNKNOWN"],
]);

/** Nobody knows whether a task still runs. */
const MAY_STILL_RUN: ReadonlySet<string> = new Set(["ECS_TASK_LOST", "ECS_TIMEOUT", "TASK_TIMEOUT"]);

/**
 * The exit code of a command that has followed a run to its end: 0 it has succeeded, 1 its tasks have ended and failed, 2 a
 * task may still run, 3 none could be started.
 */
export function toRunExitCode({ state, error, outputs = {} }: Run): 0 | 1 | 2 | 3 {
  if (state === "succeeded") return 0;
  if (error === undefined) return 1;
  if (MAY_STILL_RUN.has(error.code)) return 2;
  if (!COULD_NOT_START.has(error.code)) return 1;
  if (!hasTasks(outputs)) return 3;
  // Tasks that found no company were stopped; what AWS would not tell of was left as it was.
  return error.code === "ECS_AWS_ERROR" ? 2 : 1;
}

/** True when some task was started. The output is a list as JSON. */
function hasTasks({ taskArns }: NonNullable<Run["outputs"]>): boolean {
  return typeof taskArns === "string" && taskArns !== "" && taskArns !== "[]";
}
