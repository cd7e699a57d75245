import { once } from "node:events";
import { exitCodeOf, isStackyardError, type Logger } from "@stackyard/core";
import { logStrayErrors } from "@stackyard/core/engine";

/** A long-lived process. */
interface MainInput {
  readonly logger: Logger;
  /** Stops it besides SIGTERM and SIGINT. */
  readonly signal: AbortSignal | undefined;
  /** Works until the signal, drains, and ends. */
  readonly run: (stopping: AbortSignal) => Promise<void>;
}

/**
 * Runs an app until it receives a stop signal. Returns 0 if it drained; otherwise logs the error and returns its exit
 * code.
 */
export async function runMain({ logger, signal, run }: MainInput): Promise<number> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, stop);
  const endStrays = logStrayErrors(process, logger);
  // The reader of the log may end before the process: what it would have read is lost, and logging that would be lost again.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", lose);
  try {
    await run(signal === undefined ? stopping.signal : AbortSignal.any([stopping.signal, signal]));
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    logger.error(message, { error });
    return isStackyardError(error) ? exitCodeOf(error.code) : exitCodeOf("INTERNAL");
  } finally {
    endStrays();
    for (const stream of [process.stdout, process.stderr]) stream.removeListener("error", lose);
    for (const name of ["SIGTERM", "SIGINT"] as const) process.removeListener(name, stop);
  }
}

function lose(): void {}

/** Resolves when the signal is aborted. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
