import type { JobState } from "@stackyard/sdk/jobs";
import type { Status } from "../design/mark.tsx";

const STATUSES: Readonly<Record<JobState, Status>> = {
  waiting: "waiting",
  running: "running",
  succeeded: "succeeded",
  failed: "failed",
  cancelled: "cancelled",
};

/** The states of a job, in order. */
export const JOB_STATES = Object.keys(STATUSES) as readonly JobState[];

/** Returns the mark of a job's state; a neutral one for a state of a newer server. */
export function statusOfJob(state: JobState): Status {
  return STATUSES[state] ?? "waiting";
}
