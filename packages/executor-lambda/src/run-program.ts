import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { keepTrack, killGroup } from "./live-processes.ts";
import { createOutputLines } from "./output-lines.ts";

/** A program to run once. */
export interface RunProgramInput {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: string;
  /** Keep standard input open after `stdin`, so that the program sees the end of this process. */
  readonly holdStdin: boolean;
  /** Where the program writes its result: standard output, or a descriptor of its own. */
  readonly resultFd: 1 | 3;
  readonly maxResultBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Takes each line of output that is not the result. */
  onLine(line: string): void;
}

/** How a program ended. `result` is empty when it gave none. */
export type ProgramEnd =
  | { readonly kind: "ended"; readonly code: number | null; readonly signal: string | null; readonly result: string }
  | { readonly kind: "timed-out" | "cancelled" | "too-large" }
  | { readonly kind: "not-started"; readonly error: Error };

/** What a killed program's streams may still give. */
const DRAIN_MS = 500;

/**
 * Runs a program in a process group of its own until it ends, gives its result on descriptor 3, runs out of time or is
 * cancelled. Whatever is left of the group is killed then. Never rejects.
 */
export async function runProgram(input: RunProgramInput): Promise<ProgramEnd> {
  const started = await startProgram(input);
  if (started.kind === "not-started") return started;
  const { child } = started;
  keepTrack(child);
  feed(child, input);
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const lines = readLines(child, input);
  const end = await waitForEnd(child, input);
  killGroup(child);
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, DRAIN_MS))]);
  for (const each of lines) each.end();
  for (const stream of child.stdio) stream?.destroy();
  return end;
}

type Started =
  | { readonly kind: "started"; readonly child: ChildProcess }
  | Extract<ProgramEnd, { kind: "not-started" }>;

async function startProgram({ command: [file, ...args], cwd, env }: RunProgramInput): Promise<Started> {
  try {
    const child = spawn(file, args, {
      cwd,
      env: { ...env },
      detached: true,
      windowsHide: true,
      stdio: ["pipe", "pipe", "pipe", "pipe"],
    });
    if (child.pid !== undefined) return { kind: "started", child };
    const [error]: Error[] = await once(child, "error");
    // Without file descriptors for the streams, the child has none at all.
    const streams: ChildProcess["stdio"] | undefined = child.stdio;
    for (const stream of streams ?? []) stream?.destroy();
    return { kind: "not-started", error: error ?? new Error(`"${file}" could not be started.`) };
  } catch (error) {
    return { kind: "not-started", error: error instanceof Error ? error : new Error(String(error)) };
  }
}

function feed({ stdin }: ChildProcess, input: RunProgramInput): void {
  // A program that does not read its event is no fault.
  stdin?.on("error", () => {});
  if (input.holdStdin) stdin?.write(input.stdin);
  else stdin?.end(input.stdin);
}

function readLines({ stdout, stderr }: ChildProcess, { resultFd, onLine }: RunProgramInput): { end(): void }[] {
  const streams = resultFd === 1 ? [stderr] : [stdout, stderr];
  return streams.map((stream) => {
    const lines = createOutputLines(onLine);
    stream?.on("data", (chunk: Buffer) => lines.write(chunk));
    return lines;
  });
}

function waitForEnd(child: ChildProcess, input: RunProgramInput): Promise<ProgramEnd> {
  const { promise, resolve } = Promise.withResolvers<ProgramEnd>();
  const timer = setTimeout(() => resolve({ kind: "timed-out" }), input.timeoutMs);
  const onAbort = (): void => resolve({ kind: "cancelled" });
  if (input.signal.aborted) onAbort();
  input.signal.addEventListener("abort", onAbort, { once: true });
  const result = collect(child.stdio[input.resultFd], input.maxResultBytes, () => resolve({ kind: "too-large" }));
  // A started child reports only failed signals and messages here; without a listener they would end this process.
  child.on("error", () => {});
  child.once("exit", async (code, signal) => {
    // A grandchild may hold the stream open for ever; what the program itself wrote is there soon.
    await Promise.race([result.ended, new Promise((done) => setTimeout(done, DRAIN_MS))]);
    resolve({ kind: "ended", code, signal, result: result.text() });
  });
  if (input.resultFd === 3) {
    void result.ended.then(() => {
      if (result.text() !== "") resolve({ kind: "ended", code: null, signal: null, result: result.text() });
    });
  }
  return promise.finally(() => {
    clearTimeout(timer);
    input.signal.removeEventListener("abort", onAbort);
  });
}

interface Collected {
  readonly ended: Promise<void>;
  text(): string;
}

function collect(
  stream: ChildProcess["stdio"][number] | undefined,
  maxBytes: number,
  onTooLarge: () => void,
): Collected {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const source = stream as Readable | null | undefined;
  source?.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) onTooLarge();
    else chunks.push(chunk);
  });
  source?.once("close", () => resolve());
  source?.once("end", () => resolve());
  source?.once("error", () => resolve());
  return { ended, text: () => Buffer.concat(chunks).toString("utf8") };
}
