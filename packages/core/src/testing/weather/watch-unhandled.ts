/** The errors of a run that nothing handles. */
interface UnhandledErrors {
  /** Stops the watch, after the rejections of the moment, and returns a line for each error. */
  end(): Promise<readonly string[]>;
}

const EVENTS = ["unhandledRejection", "uncaughtException"] as const;

/**
 * Collects the errors that no caller gets: a promise that a story, or the program in it, does not wait for. Node ends a
 * process for them. A test runner does not know the run, and names another test when they come late.
 */
export function watchUnhandled(): UnhandledErrors {
  const errors = new Set<unknown>();
  const note = (error: unknown) => void errors.add(error);
  for (const event of EVENTS) process.on(event, note);
  return {
    async end() {
      // Node reports a rejection after the microtasks of its turn.
      await new Promise<void>((resolve) => setImmediate(resolve));
      for (const event of EVENTS) process.off(event, note);
      return [...errors].map(String);
    },
  };
}
