import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";

/** A program to run once. */
export interface RunProgramInput {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: string;
  /** True to keep standard input open after `stdin`, so that the program detects the end of this process. */
  readonly holdStdin: boolean;
  /** Where the program writes its result: standard output, or a separate descriptor. */
  readonly resultFd: 1 | 3;
  readonly maxResultBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Takes each line of output that is not the result. */
  onLine(line: string): void;
}

/** How a program ended. `result` is empty without one. */
export type ProgramEnd =
  | { readonly kind: "ended"; readonly code: number | null; readonly signal: string | null; readonly result: string }
  | { readonly kind: "timed-out" | "cancelled" | "too-large" }
  | { readonly kind: "not-started"; readonly error: Error };

/** Time for the remaining output of a killed program. */
const DRAIN_MS = 500;

/**
 * Runs a program in its own process group until it ends, writes its result to descriptor 3, times out or is cancelled.
 * Then kills the rest of the group. Never rejects.
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
    // Without free file descriptors, the child has no streams.
    const streams: ChildProcess["stdio"] | undefined = child.stdio;
    for (const stream of streams ?? []) stream?.destroy();
    return { kind: "not-started", error: error ?? new Error(`"${file}" could not be started.`) };
  } catch (error) {
    return { kind: "not-started", error: error instanceof Error ? error : new Error(String(error)) };
  }
}

function feed({ stdin }: ChildProcess, input: RunProgramInput): void {
  // A program may ignore its event.
  stdin?.on("error", () => {});
  if (input.holdStdin) stdin?.write(input.stdin);
  else stdin?.end(input.stdin);
}

function readLines({ stdout, stderr }: ChildProcess, { resultFd, onLine }: RunProgramInput) {
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
    // A grandchild may keep the stream open; the program's own output arrives soon.
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

function collect(stream: ChildProcess["stdio"][number] | undefined, maxBytes: number, onTooLarge: () => void) {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const source = stream as Readable | null | undefined;
  source?.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) onTooLarge();
    else chunks.push(chunk);
  });
  for (const event of ["close", "end", "error"]) source?.once(event, () => resolve());
  return { ended, text: () => Buffer.concat(chunks).toString("utf8") };
}

const live = new Set<ChildProcess>();

/** Ensures that the program, and its children, do not outlive this process. */
function keepTrack(child: ChildProcess): void {
  if (live.size === 0) process.on("exit", killAll);
  live.add(child);
  child.once("exit", () => {
    live.delete(child);
    if (live.size === 0) process.off("exit", killAll);
  });
}

/** Kills a program that leads its own process group, with all its children, without a warning, as in Lambda. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is gone, or this system has no groups.
    child.kill("SIGKILL");
  }
}

function killAll(): void {
  for (const child of live) killGroup(child);
}

/** The receiver of lines; the limits apply to all streams that share it. */
export interface LineSink {
  line(text: string): void;
  /** Reports how much was omitted and emits the newest part of it. */
  end(): void;
  /** Returns the newest lines, shown or not. */
  tail(): readonly string[];
}

const MAX_LINE_CHARS = 4_000;
const MAX_LINES = 2_000;
const TAIL_LINES = 20;

/** Reports 2,000 lines as they arrive, and at the end the last 20 of the rest, which show why a program failed. */
export function createLineSink(report: (line: string) => void): LineSink {
  let lines = 0;
  const newest: string[] = [];
  return {
    line(text) {
      lines++;
      newest.push(text);
      if (newest.length > TAIL_LINES) newest.shift();
      if (lines <= MAX_LINES) report(text);
    },
    end() {
      const held = Math.max(0, lines - MAX_LINES);
      const shown = Math.min(held, TAIL_LINES);
      if (held > shown) report(`… ${held - shown} lines of output left out …`);
      for (const text of newest.slice(TAIL_LINES - shown)) if (shown > 0) report(text);
      lines = 0;
    },
    tail: () => [...newest],
  };
}

/** Cuts UTF-8 into lines without their ends; a longer line than 4,000 characters is cut there. Blank lines are left out. */
export function createOutputLines(onLine: (line: string) => void) {
  const decoder = new TextDecoder();
  let rest = "";
  const give = (line: string): void => {
    const text = line.trimEnd();
    if (text !== "") onLine(text.length > MAX_LINE_CHARS ? `${text.slice(0, MAX_LINE_CHARS)}…` : text);
  };
  return {
    write(chunk: Buffer): void {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      // The rest above the limit would be cut anyway, so a program without line ends cannot fill the memory.
      rest = (lines.pop() ?? "").slice(0, MAX_LINE_CHARS + 1);
      for (const line of lines) give(line);
    },
    /** Gives a last line without an end, when the program ends. */
    end(): void {
      give(rest + decoder.decode());
      rest = "";
    },
  };
}
