import type { Logger } from "../ports/executor.ts";

const EVENTS = ["uncaughtException", "unhandledRejection"] as const;

/** The process, as far as its stray errors are concerned. */
interface ErringProcess {
  on(event: (typeof EVENTS)[number], listener: (error: unknown) => void): unknown;
  off(event: (typeof EVENTS)[number], listener: (error: unknown) => void): unknown;
}

/**
 * Logs errors that a plugin throws outside of the promise that it has returned, in a task, a tick or a handler: by itself
 * Node ends the process for them, and with it the work of everything else. Returns the function that ends this.
 */
export function logStrayErrors(process: ErringProcess, logger: Pick<Logger, "error">): () => void {
  const log = (error: unknown) =>
    logger.error(
      "A plugin or a module of the project has thrown an error that nothing handles. The process continues.",
      {
        error,
      },
    );
  for (const event of EVENTS) process.on(event, log);
  return () => {
    for (const event of EVENTS) process.off(event, log);
  };
}
