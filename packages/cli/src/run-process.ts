import { runCommandLine } from "./command-line.ts";

/** Runs the words that the process was started with, and ends it with their exit code. */
export async function runProcess(): Promise<void> {
  ignoreClosedPipes();
  const interrupt = new AbortController();
  const stop = () => {
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  process.exitCode = await runCommandLine(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    cwd: process.cwd(),
    env: process.env,
    signal: interrupt.signal,
  });
  process.off("SIGINT", stop);
  process.off("SIGTERM", stop);
  // Open handles, such as a module that a project's configuration left running, must not block the shell.
  await flush(process.stdout);
  process.exit();
}

// `stackyard stacks ls | head` closes the pipe early, which is not an error.
function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit();
      throw error;
    });
  }
}

function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => resolve());
  });
}
