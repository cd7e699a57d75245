import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { createOutputLines } from "./output-lines.ts";
import { signalGroup } from "./program.ts";
import { type PipedProgram, type ProgramStarter, type ProgramUser, programStarter } from "./program-starter.ts";

/** A program to run once. */
export interface RunProgramInput {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: string;
  /** True to keep standard input open after `stdin`, so that the program detects the end of this process. */
  readonly holdStdin: boolean;
  /** Where the program writes its result: standard output, or a separate descriptor; undefined: it has none. */
  readonly resultFd: 1 | 3 | undefined;
  readonly maxResultBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** How it is stopped after its time, and when it is cancelled. Default: its group is killed at once. */
  readonly stop?: ProgramStop;
  readonly user?: ProgramUser | undefined;
  /** Takes each line of output that is not the result. */
  onLine(line: string): void;
}

/** A signal to the process group, and the time until what is left of it is killed. */
export interface ProgramStop {
  readonly signal: NodeJS.Signals;
  readonly graceMs: number;
}

/**
 * The end of a program. `result` is empty without one. A `lost` one was killed because the process that starts programs had
 * ended, which reads their output.
 */
export type ProgramEnd =
  | { readonly kind: "ended"; readonly code: number | null; readonly signal: string | null; readonly result: string }
  | { readonly kind: "timed-out" | "cancelled" | "too-large" | "lost" }
  | { readonly kind: "not-started"; readonly error: Error };

/** The time after a program's end from which on output comes from a process that it left behind. */
const QUIET_MS = 500;
/** Something that it left may write without end: so long its result, and its last lines, are waited for. */
const LONGEST_RESULT_MS = 10_000;
const LONGEST_LINES_MS = 2_000;

/**
 * Runs a program in its own process group until it ends, writes its result to descriptor 3, times out or is cancelled.
 * Then kills the rest of the group. Never rejects.
 */
export async function runProgram(
  input: RunProgramInput,
  starter: ProgramStarter = programStarter,
): Promise<ProgramEnd> {
  const program = await startProgram(input, starter);
  if (program instanceof Error) return { kind: "not-started", error: program };
  keepTrack(program);
  const lines = readLines(program, input);
  const end = await waitForEnd(program, input);
  if (end.kind === "timed-out" || end.kind === "cancelled") await stopProgram(program, input.stop);
  program.kill();
  const arrivals = lines.map(({ arrival }) => arrival);
  await drain(arrivals, LONGEST_LINES_MS);
  for (const each of lines) each.end();
  for (const stream of [program.stdout, program.stderr, program.result]) stream.destroy();
  return end;
}

async function stopProgram(program: PipedProgram, stop: ProgramStop | undefined): Promise<void> {
  if (stop === undefined || stop.graceMs <= 0 || !signalGroup(program.pid, stop.signal)) return;
  const timer = new AbortController();
  const late = delay(stop.graceMs, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([program.ended, late]);
  timer.abort();
}

async function startProgram(
  { command: [binary, ...words], cwd, env, stdin, holdStdin, user }: RunProgramInput,
  starter: ProgramStarter,
): Promise<PipedProgram | Error> {
  const input = { binary, arguments: words, cwd, environment: env, stdin, holdStdin, user };
  return await starter
    .startPiped(input)
    .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
}

function readLines({ stdout, stderr }: PipedProgram, { resultFd, onLine }: RunProgramInput) {
  const streams = resultFd === 1 ? [stderr] : [stdout, stderr];
  return streams.map((stream) => {
    const lines = createOutputLines(onLine);
    const arrival = attend(stream, (chunk) => lines.write(chunk));
    return { arrival, end: lines.end };
  });
}

/** A piece of output that arrives at a stream. */
interface Arrival {
  bytes(): number;
  /** Resolves when nothing more comes, for whatever reason. */
  readonly ended: Promise<void>;
}

function attend(stream: Readable, onChunk: (chunk: Buffer) => void): Arrival {
  let bytes = 0;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    onChunk(chunk);
  });
  for (const event of ["close", "end", "error"]) stream.once(event, () => resolve());
  return { bytes: () => bytes, ended };
}

/** Waits until everything has arrived. A grandchild may keep a stream open: the program's own output arrives without pauses. */
async function drain(arrivals: readonly Arrival[], longestMs: number): Promise<void> {
  const sum = () => arrivals.reduce((total, { bytes }) => total + bytes(), 0);
  const all = Promise.all(arrivals.map(({ ended }) => ended)).then(() => true);
  for (let waitedMs = 0; waitedMs < longestMs; waitedMs += QUIET_MS) {
    const before = sum();
    const timer = new AbortController();
    const isOver = await Promise.race([all, delay(QUIET_MS, false, { signal: timer.signal }).catch(() => false)]);
    timer.abort();
    if (isOver || sum() === before) return;
  }
}

function waitForEnd(program: PipedProgram, input: RunProgramInput): Promise<ProgramEnd> {
  const { promise, resolve } = Promise.withResolvers<ProgramEnd>();
  const timer = setTimeout(() => resolve({ kind: "timed-out" }), input.timeoutMs);
  const onAbort = (): void => resolve({ kind: "cancelled" });
  if (input.signal.aborted) onAbort();
  input.signal.addEventListener("abort", onAbort, { once: true });
  const onTooLarge = () => input.resultFd !== undefined && resolve({ kind: "too-large" });
  const result = collect(input.resultFd === 1 ? program.stdout : program.result, input.maxResultBytes, onTooLarge);
  void program.ended.then(async ({ code, signal, lost }) => {
    if (lost) return resolve({ kind: "lost" });
    await drain([result], LONGEST_RESULT_MS);
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

function collect(stream: Readable, maxBytes: number, onTooLarge: () => unknown): Arrival & { text(): string } {
  const chunks: Buffer[] = [];
  const arrival = attend(stream, (chunk) => {
    if (arrival.bytes() > maxBytes) onTooLarge();
    else chunks.push(chunk);
  });
  return { ...arrival, text: () => Buffer.concat(chunks).toString("utf8") };
}

const live = new Set<PipedProgram>();

/** Ensures that the program, and its children, do not outlive this process. */
function keepTrack(program: PipedProgram): void {
  if (live.size === 0) process.on("exit", killAll);
  live.add(program);
  void program.ended.then(() => {
    live.delete(program);
    if (live.size === 0) process.off("exit", killAll);
  });
}

function killAll(): void {
  for (const program of live) program.kill();
}
