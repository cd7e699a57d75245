import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { Readable } from "node:stream";
import { createMark } from "./find-marked.ts";
import {
  type ChildEnd,
  type FiledInput,
  killGroup,
  type PipedInput,
  type PipedProgram,
  type ProgramInput,
  type RunningProgram,
} from "./program.ts";

/** Starts a program from this process. Fails as `spawn` does, with the `code` of the system. */
export async function startFiledHere(input: FiledInput): Promise<RunningProgram> {
  const descriptors: number[] = [];
  try {
    for (const path of [input.out, input.err]) descriptors.push(openSync(path, "a"));
    const { pid, ended } = await begin(spawnHere(input, ["ignore", ...descriptors]));
    return { pid, ended };
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

/** Starts a program whose output is read from this process. Fails as `spawn` does, with the `code` of the system. */
export async function startPipedHere(input: PipedInput): Promise<PipedProgram> {
  const child = spawnHere(input, ["pipe", "pipe", "pipe", "pipe"]);
  const { pid, ended } = await begin(child);
  // A program may ignore its input.
  child.stdin?.on("error", () => {});
  if (input.holdStdin) child.stdin?.write(input.stdin);
  else child.stdin?.end(input.stdin);
  return {
    pid,
    ended,
    stdout: outputOf(child, 1),
    stderr: outputOf(child, 2),
    result: outputOf(child, 3),
    kill: () => killGroup(pid) || child.kill("SIGKILL"),
  };
}

function spawnHere(
  { binary, arguments: words, cwd, environment, user }: ProgramInput,
  stdio: ("ignore" | "pipe" | number)[],
): ChildProcess {
  // A program's environment does not depend on which process has started it.
  const mark = createMark("STACKYARD_PROGRAM");
  const env = { ...environment, [mark.name]: mark.value };
  return spawn(binary, [...words], { cwd, env, ...user, detached: true, windowsHide: true, stdio });
}

async function begin(child: ChildProcess): Promise<RunningProgram> {
  const { promise: ended, resolve, reject } = Promise.withResolvers<ChildEnd>();
  child.once("exit", (code, signal) => resolve({ code, signal }));
  // One that was started reports only failed signals here; without a listener they would end this process.
  child.on("error", (error) => child.pid === undefined && reject(error));
  if (child.pid !== undefined) return { pid: child.pid, ended };
  // Without free file descriptors, it has no streams.
  const streams: ChildProcess["stdio"] | undefined = child.stdio;
  for (const stream of streams ?? []) stream?.destroy();
  // Without a number it was not started, and why not is what `ended` fails with.
  await ended;
  throw new Error("The program could not be started.");
}

function outputOf({ stdio }: ChildProcess, output: 1 | 2 | 3): Readable {
  const stream = stdio[output];
  if (stream instanceof Readable) return stream;
  throw new Error(`The program has no descriptor ${output}.`);
}
