/** Returns a signal that Ctrl-C aborts. The second one ends the demo without waiting for what runs. */
export function createInterrupt(): AbortSignal {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      // The control plane ends with this process.
      if (interrupt.signal.aborted) process.exit(130);
      interrupt.abort(new Error(name));
    });
  }
  // The reader has closed the pipe, as with `| head`.
  process.stdout.on("error", (error) => interrupt.abort(error));
  return interrupt.signal;
}
