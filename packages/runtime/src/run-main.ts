import { exitCodeOf, isStackyardError, type Logger } from "@stackyard/core";

/** A long-lived process. */
export interface MainInput {
  readonly logger: Logger;
  /** Stops it besides SIGTERM and SIGINT. */
  readonly signal: AbortSignal | undefined;
  /** Works until the signal, drains, and ends. */
  readonly run: (stopping: AbortSignal) => Promise<void>;
}

/** Runs it until it is asked to end; gives the exit code: 0 when it drained, else that of the error, which is logged. */
export async function runMain({ logger, signal, run }: MainInput): Promise<number> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, stop);
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted === true) stop();
  try {
    await run(stopping.signal);
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    logger.error(message, { error });
    return isStackyardError(error) ? exitCodeOf(error.code) : exitCodeOf("INTERNAL");
  } finally {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.removeListener(name, stop);
    signal?.removeEventListener("abort", stop);
  }
}

/** Resolves when the signal is aborted. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
