import type { RunView } from "@stackyard/core/runs";
import { endInTime } from "./end-in-time.ts";
import { toFailureType } from "./failure-type.ts";
import type { Fleet } from "./fleet-deps.ts";
import { toFleetFailure } from "./fleet-error.ts";
import { type JobResult, toJobResult } from "./job-result.ts";

/** A job and the run that it follows. */
export interface FollowedRun {
  readonly jobId: string;
  readonly runId: string;
}

/**
 * What a look at a run gives. The run goes on whatever the look meets: a fault that passes, or the end of the function's time,
 * is told as progress, and CodePipeline asks again. Throws what does not pass.
 */
export async function stayWithRun(
  fleet: Fleet,
  followed: FollowedRun,
  signal: AbortSignal,
  look: () => Promise<JobResult>,
): Promise<JobResult> {
  try {
    return await endInTime(signal, look);
  } catch (error) {
    if (!isPassing(error)) throw error;
    return toUnseen(fleet, followed, error);
  }
}

/** True for what a later look may not meet any more. */
export function isPassing(error: unknown): boolean {
  return toFailureType(toFleetFailure(error).code) === "SystemUnavailable";
}

/** The progress of a run that nobody could look at. */
export function toUnseen(
  fleet: Pick<Fleet, "logger" | "clock">,
  { jobId, runId }: FollowedRun,
  error: unknown,
): JobResult {
  const { code, message } = toFleetFailure(error);
  fleet.logger.warn("A run cannot be looked at for a moment.", { runId, code, message });
  const run: RunView = {
    runId,
    state: "waiting",
    executor: "runcommand",
    config: {},
    startedAt: fleet.clock.now(),
    message: `The run cannot be looked at for a moment (${code}); it goes on.`,
  };
  return toJobResult({ jobId, run, report: undefined, wait: true });
}
