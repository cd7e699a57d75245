import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type FileHandle, open } from "node:fs/promises";
import { followFile } from "./follow-file.ts";

/** How a program ended. */
export interface ChildEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildInput {
  readonly binary: string;
  readonly arguments: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Where the output goes; `.out` and `.err` are added. */
  readonly logPath: string;
  readonly signal: AbortSignal;
  /** How long the program may take to stop before its whole process group is killed. */
  readonly graceMs: number;
  /** Each piece of the standard output, soon after it was written. */
  readonly onOutput: (piece: string) => void;
}

/**
 * Runs a program without a shell until it has ended. Its output goes through a file, not a pipe: should this process
 * be killed, the program can still finish, save its state and give up its lock, instead of dying at its next line.
 * An abort interrupts it; what is left of its process group when it has ended, or after `graceMs`, is killed.
 */
export async function runChild(input: ChildInput): Promise<ChildEnd> {
  const out = await open(`${input.logPath}.out`, "w+", 0o600);
  let err: FileHandle | undefined;
  try {
    err = await open(`${input.logPath}.err`, "w", 0o600);
    const child = spawn(input.binary, [...input.arguments], {
      cwd: input.cwd,
      env: input.environment,
      detached: true,
      stdio: ["ignore", out.fd, err.fd],
    });
    return await attend(child, out, input);
  } finally {
    await Promise.all([out.close(), err?.close()]);
  }
}

async function attend(child: ChildProcess, out: FileHandle, input: ChildInput): Promise<ChildEnd> {
  const ended = once(child, "exit").then(([code, signal]): ChildEnd => ({ code, signal }));
  const stopping = stopOnAbort(child, input);
  const follow = followFile(out, ended, input.onOutput);
  // It may fail long before the program ends, when nothing awaits it yet.
  follow.catch(() => undefined);
  try {
    const end = await ended;
    await follow;
    return end;
  } finally {
    stopping.end();
    await follow.catch(() => undefined);
  }
}

function stopOnAbort(child: ChildProcess, { signal, graceMs }: ChildInput): { end(): void } {
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    // Terraform stops its providers and provisioners itself; a second interrupt would make it drop everything.
    child.kill("SIGINT");
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

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing is left of the group.
  }
}
