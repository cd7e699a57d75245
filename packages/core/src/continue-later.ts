import { describeThrown } from "./errors/stackyard-error.ts";
import { type ExecutorContext, running, type Step } from "./ports/executor.ts";

/** The progress with which the next poll continues, and the errors that are outages. */
export interface ContinueOptions<Progress> {
  readonly ctx: Pick<ExecutorContext, "signal" | "logger">;
  /** The progress that was stored last: nothing is known of what the failed call has done. */
  readonly progress: Progress;
  /** Returns true for an error that passes by itself. */
  readonly isPassing: (error: unknown) => boolean | Promise<boolean>;
  /** Before the next poll. */
  readonly everyMs: number;
  /** Returns the message of an error. Default: its own. */
  readonly describe?: (error: unknown) => string;
}

/**
 * Calls the work of a poll. An error that passes, or an interruption, does not end what the attempt has started: the
 * same progress is polled again, after an interruption at once. Throws all other errors, so the executor decides how its
 * work starts and ends.
 */
export async function continueLater<Progress, Outputs>(
  { ctx, progress, isPassing, everyMs, describe = describeThrown }: ContinueOptions<Progress>,
  work: () => Promise<Step<Progress, Outputs>>,
): Promise<Step<Progress, Outputs>> {
  try {
    return await work();
  } catch (error) {
    if (ctx.signal.aborted) {
      return running({ progress, pollAfterMs: 0, message: "Interrupted. Continues at the next poll." });
    }
    if (!(await isPassing(error))) throw error;
    ctx.logger.warn("A poll failed; the next one continues the work.", { error });
    return running({ progress, pollAfterMs: everyMs, message: `Retries: ${describe(error)}` });
  }
}
