/** The process, as far as its end is concerned. */
interface EndingProcess {
  exitCode?: number | string | null | undefined;
  once(event: "exit", listener: (code: number) => void): unknown;
  off(event: "exit", listener: (code: number) => void): unknown;
}

/** Node's exit code when the top level of a module waits for a promise that is never settled. */
const UNSETTLED = 13;

/**
 * Reports when the process ends before its command has: a module of the project has called `process.exit`, or never ends loading. Such
 * an end looked like a success. Returns the function to call when the command has ended.
 */
export function reportEarlyEnd(process: EndingProcess, write: (text: string) => void): () => void {
  const report = (code: number) => {
    const what =
      code === UNSETTLED
        ? "A module of the project never ends loading: its top level waits for a promise that is not settled."
        : `A module of the project has ended the process (exit code ${code}) before the command was done.`;
    write(
      `error CONFIG_INVALID ${what}\nLook at the configuration, and at the plugins and machines that are programs.\n`,
    );
    if (code === 0 || code === UNSETTLED) process.exitCode = 3;
  };
  process.once("exit", report);
  return () => {
    process.off("exit", report);
  };
}
