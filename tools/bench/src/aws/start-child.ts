import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Callable, createCaller } from "../side-by-side/process-calls.ts";

/** A process of the benchmark that serves calls. */
export interface Child<Functions extends Callable> {
  readonly call: ReturnType<typeof createCaller<Functions>>;
  end(): Promise<void>;
}

/** Starts a program of the benchmark. Its environment is that and nothing else; what it prints is not kept. */
export function startChild<Functions extends Callable>(
  file:
    | "copy-function-process.mjs"
    | "copy-process.ts"
    | "emulator-process.ts"
    | "function-process.ts"
    | "synthetic-s3-process.ts",
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Child<Functions> {
  const program = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const child = fork(program, [...args], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    execArgv: ["--no-deprecation"],
    env: environment,
  });
  const ended = once(child, "exit");
  return {
    call: createCaller<Functions>(child),
    async end() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
