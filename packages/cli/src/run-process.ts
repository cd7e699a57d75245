import { runCommandLine } from "./command-line.ts";
import { reportEarlyEnd } from "./early-end.ts";
import { countLostOutput } from "./lost-output.ts";
import { watchParent } from "./lost-parent.ts";
import { type StandardOutput, takeStandardOutput } from "./standard-output.ts";

/** Runs the words that the process was started with, and ends it with their exit code. */
export async function runProcess(): Promise<void> {
  // `stackyard stacks ls | head` closes the pipe early.
  const isOver = reportEarlyEnd(process, (text) => process.stderr.write(text));
  const end = (code = process.exitCode) => {
    isOver();
    process.exit(code);
  };
  let isLongLived = false;
  const options = {
    onClosedPipe() {
      if (!isLongLived) end();
    },
  };
  // Before any module of the project is loaded, which may print.
  const stdout = takeStandardOutput();
  const sink = { on: process.stdout.on.bind(process.stdout), write: stdout.write };
  const lostResults = countLostOutput(sink, options);
  countLostOutput(process.stderr, options);
  const interrupt = new AbortController();
  const stop = () => {
    if (interrupt.signal.aborted) end(130);
    interrupt.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const stopWatching = watchParent(stop, { env: process.env });
  process.exitCode = await runCommandLine(process.argv.slice(2), {
    stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    cwd: process.cwd(),
    env: process.env,
    signal: interrupt.signal,
    stayAlive(logger) {
      isLongLived = true;
      // Only such commands load the engine.
      void import("@stackyard/core/engine").then(({ logStrayErrors }) => logStrayErrors(process, logger));
    },
  });
  process.off("SIGINT", stop);
  process.off("SIGTERM", stop);
  stopWatching();
  // Open handles, such as a module that a project's configuration left running, must not block the shell.
  await flush(stdout);
  if (lostResults.count() > 0 && !isLongLived) {
    process.stderr.write("Results could not be written to standard output.\n");
    process.exitCode ||= 1;
  }
  end();
}

function flush(stream: StandardOutput): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => resolve());
  });
}
