import type { RunState } from "@stackyard/sdk/runs";
import type { Status } from "../design/mark.tsx";

/** The states of a job, in order. Each is a mark's status too. */
export const JOB_STATES = [
  "waiting",
  "running",
  "succeeded",
  "failed",
  "cancelled",
] as const satisfies readonly RunState[];

/** Returns the mark of a job's state; a neutral one for a state of a newer server. */
export function statusOfJob(state: RunState): Status {
  return JOB_STATES.find((known) => known === state) ?? "waiting";
}
