import { type FileHandle, open, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type ChildEnd, type ProgramStarter, programStarter, type RunningProgram } from "@stackyard/core/programs";

/** A program to run until it has ended, with its working folder and its whole environment. */
export interface ProgramCall {
  readonly binary: string;
  readonly arguments: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Where the output goes; `.out` and `.err` are added. */
  readonly logPath: string;
  readonly signal: AbortSignal;
  /** The time that the program has to stop before its whole process group is killed. */
  readonly graceMs: number;
  /** Called with each piece of the standard output, soon after it was written. */
  readonly onOutput: (piece: string) => void;
}

/** Runs a program until it has ended. Fails as `spawn` does, with the `code` of the system, if it cannot be started. */
export type ProgramRunner = (call: ProgramCall) => Promise<ChildEnd>;

/**
 * Runs a program without a shell until it has ended. Its output goes through a file, not a pipe: if this process is
 * killed, the program can still finish, save its state and release its lock, instead of dying at its next line. An
 * abort interrupts it; the rest of its process group is killed when it has ended, or after `graceMs`. What a program
 * leaves that has failed is killed too, before another attempt begins.
 */
export async function runChild(input: ProgramCall, starter: ProgramStarter = programStarter): Promise<ChildEnd> {
  const [outPath, errPath] = [`${input.logPath}.out`, `${input.logPath}.err`];
  const out = await open(outPath, "w+", 0o600);
  try {
    await writeFile(errPath, "", { mode: 0o600 });
    const child = await starter.start({ ...pickProgram(input), out: outPath, err: errPath });
    return await attend(child, out, input);
  } finally {
    await out.close();
  }
}

function pickProgram({ binary, arguments: words, cwd, environment }: ProgramCall) {
  return { binary, arguments: words, cwd, environment };
}

async function attend(child: RunningProgram, out: FileHandle, input: ProgramCall): Promise<ChildEnd> {
  const { ended } = child;
  const stopping = stopOnAbort(child, input);
  const follow = followFile(out, ended, input.onOutput);
  // It may fail long before the program ends, when nothing awaits it yet.
  follow.catch(() => undefined);
  try {
    const end = await ended;
    // A program that was killed or has crashed, as when memory runs out, does not end what it has started.
    if (end.code !== 0) killGroup(child);
    await follow;
    return end;
  } finally {
    stopping.end();
    await follow.catch(() => undefined);
  }
}

function stopOnAbort(child: RunningProgram, { signal, graceMs }: ProgramCall): { end(): void } {
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    // Terraform stops its providers and provisioners itself; a second interrupt would make it drop everything.
    kill(child.pid, "SIGINT");
    timer = setTimeout(() => killGroup(child), graceMs);
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  return {
    end() {
      signal.removeEventListener("abort", stop);
      clearTimeout(timer);
      // A provisioner's shell is killed by Terraform, what that shell had started is not.
      if (signal.aborted) killGroup(child);
    },
  };
}

function killGroup({ pid }: RunningProgram): void {
  kill(-pid, "SIGKILL");
}

function kill(pid: number, signal: "SIGINT" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended, or the group is empty.
  }
}

/** Progress is for people: a delay of a tenth of a second is acceptable, and of half a second for a program that was silent. */
const SHORTEST_MS = 100;
const LONGEST_MS = 500;
const PIECE_BYTES = 64 * 1024;

/**
 * Repeatedly reads a growing file to its end, until `ended` is settled and everything is read. The file stays open.
 * Reads at explicit positions, so the handle may be the one that a program writes through.
 */
async function followFile(file: FileHandle, ended: Promise<unknown>, onText: (text: string) => void): Promise<void> {
  const waking = new AbortController();
  const wake = () => waking.abort();
  ended.then(wake, wake);
  const drain = createDrain(file, onText);
  let waitMs = SHORTEST_MS;
  while (!waking.signal.aborted) {
    waitMs = (await drain.read()) ? SHORTEST_MS : Math.min(waitMs * 2, LONGEST_MS);
    await delay(waitMs, undefined, { signal: waking.signal }).catch(() => undefined);
  }
  await drain.read();
  drain.end();
}

function createDrain(file: FileHandle, onText: (text: string) => void) {
  const decoder = new TextDecoder();
  const buffer = Buffer.alloc(PIECE_BYTES);
  let position = 0;
  const pass = (text: string) => {
    if (text !== "") onText(text);
  };
  return {
    /** Reads to the end; returns true if there was something. */
    async read(): Promise<boolean> {
      for (const begin = position; ; ) {
        const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES, position);
        if (bytesRead === 0) return position > begin;
        position += bytesRead;
        pass(decoder.decode(buffer.subarray(0, bytesRead), { stream: true }));
      }
    },
    /** Passes on what there is of an unfinished last character, as a program that was killed leaves it. */
    end: () => pass(decoder.decode()),
  };
}

/** A longer line is not a usable message of Terraform; it is dropped to bound the memory. */
const MAX_LINE_CHARS = 1024 * 1024;

/** Makes lines of a stream of text pieces, of which none is longer than `maxChars`. */
export function createLineSplitter(maxChars: number = MAX_LINE_CHARS) {
  let rest = "";
  let dropping = false;
  let whole = true;
  const keep = (line: string): string[] => {
    const dropped = dropping || line.length > maxChars;
    dropping = false;
    if (dropped) whole = false;
    return dropped || line === "" ? [] : [line];
  };
  return {
    /** Returns the lines that this piece completes, without their ends. */
    push(piece: string): string[] {
      const lines = (rest + piece).split(/\r?\n/);
      rest = lines.pop() ?? "";
      const complete = lines.flatMap(keep);
      if (rest.length > maxChars) {
        rest = "";
        dropping = true;
      }
      return complete;
    },
    /** Returns false after a line was dropped. */
    isWhole: () => whole,
    /** Returns the text after the last line end. */
    end(): string[] {
      const last = keep(rest);
      rest = "";
      return last;
    },
  };
}
