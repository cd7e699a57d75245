import { isStackyardError } from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import type { Run } from "../runs/run.ts";
import type { RunsContext } from "./create-runs-command.ts";

/** How a run is followed. */
export interface FollowRunOptions {
  /** Called with the run after each look; what it gives is waited for. */
  readonly onLook: (run: Run) => void | Promise<void>;
  /** How people get back to the run: a sentence. */
  readonly hint: string;
  /** A duration. Default: until it has ended. */
  readonly giveUpAfter?: string;
  /** The `endedAt` of an end that does not count, since the run was asked to go on. */
  readonly after?: string;
}

/**
 * Waits for the end of a run. Throws `TIMED_OUT` and `INTERRUPTED`: the run goes on then, and people are told how to get back
 * to it.
 */
export async function followRun(
  { runs, out, signal, pollMs }: RunsContext,
  runId: string,
  { onLook, hint, giveUpAfter, after }: FollowRunOptions,
): Promise<Run> {
  const timeoutMs = giveUpAfter === undefined ? undefined : parseDuration(giveUpAfter);
  try {
    return await runs.wait(runId, {
      signal,
      onLook,
      ...(pollMs === undefined ? {} : { pollMs }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(after === undefined ? {} : { after }),
    });
  } catch (error) {
    if (isStackyardError(error, "TIMED_OUT") || isStackyardError(error, "INTERRUPTED")) {
      out.note(`The run goes on. ${hint}`);
    }
    throw error;
  }
}
