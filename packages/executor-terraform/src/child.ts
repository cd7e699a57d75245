import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type FileHandle, lstat, mkdir, mkdtemp, open, readdir, readFile, readlink, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join, sep } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** How a program ended. */
export interface ChildEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface ChildInput {
  readonly binary: string;
  readonly arguments: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Where the output goes; `.out` and `.err` are added. */
  readonly logPath: string;
  readonly signal: AbortSignal;
  /** How long the program may take to stop before its whole process group is killed. */
  readonly graceMs: number;
  /** Called with each piece of the standard output, soon after it was written. */
  readonly onOutput: (piece: string) => void;
}

/**
 * Runs a program without a shell until it has ended. Its output goes through a file, not a pipe: if this process is
 * killed, the program can still finish, save its state and release its lock, instead of dying at its next line. An
 * abort interrupts it; the rest of its process group is killed when it has ended, or after `graceMs`.
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
    // The group is empty.
  }
}

/** Progress is for people: a delay of a tenth of a second is acceptable. */
const INTERVAL_MS = 100;
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
  while (!waking.signal.aborted) {
    await drain();
    await delay(INTERVAL_MS, undefined, { signal: waking.signal }).catch(() => undefined);
  }
  await drain();
}

function createDrain(file: FileHandle, onText: (text: string) => void): () => Promise<void> {
  const decoder = new TextDecoder();
  const buffer = Buffer.alloc(PIECE_BYTES);
  let position = 0;
  return async () => {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      onText(decoder.decode(buffer.subarray(0, bytesRead), { stream: true }));
    }
  };
}

/** A longer line is not a usable message of Terraform; it is dropped to bound the memory. */
const MAX_LINE_CHARS = 8 * 1024 * 1024;

/** Makes lines of a stream of text pieces, of which none is longer than `maxChars`. */
export function createLineSplitter(maxChars: number = MAX_LINE_CHARS) {
  let rest = "";
  let dropping = false;
  const keep = (line: string): string[] => {
    const dropped = dropping || line.length > maxChars;
    dropping = false;
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
    /** Returns the text after the last line end. */
    end(): string[] {
      const last = keep(rest);
      rest = "";
      return last;
    },
  };
}

/** A folder's name contains its host and process, so no file is needed to identify the owner. */
const NAME = /^stackyard-tf-(.+)-(\d+)-[A-Za-z0-9]{6}$/;
const HOST = hostname().replace(/[^A-Za-z0-9.]/g, "_");

/** A folder that belongs to one run of this process. */
export interface OwnedFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** Creates a folder that only this user can read; `remove` deletes it with its content. */
export async function createOwnedFolder(parent: string): Promise<OwnedFolder> {
  await mkdir(parent, { recursive: true });
  const path = await mkdtemp(join(parent, `stackyard-tf-${HOST}-${process.pid}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/**
 * Removes folders of killed processes of this host and user. Stops a program that still works there, so that it saves
 * its state and releases its lock; its folder is removed by a later call. Never throws.
 */
export async function removeDeadFolders(parent: string): Promise<void> {
  const names = await readdir(parent).catch((): string[] => []);
  await Promise.all(names.filter((name) => NAME.test(name)).map((name) => removeIfDead(join(parent, name), name)));
}

async function removeIfDead(path: string, name: string): Promise<void> {
  try {
    if (!(await isDead(path, name))) return;
    if (await stopProcessesIn(path)) return;
    await rm(path, { recursive: true, force: true });
  } catch {
    // Another start removes the same folder, or this one lacks the permission.
  }
}

async function isDead(path: string, name: string): Promise<boolean> {
  const [, host, pid] = NAME.exec(name) ?? [];
  if (host !== HOST) return false;
  const { uid, mtimeMs, birthtimeMs } = await lstat(path);
  if (uid !== process.getuid?.()) return false;
  if (Number(pid) !== process.pid) return !isAlive(Number(pid));
  // The process that made it had our number before us, as it happens in containers.
  return Math.min(mtimeMs, birthtimeMs || mtimeMs) < Date.now() - process.uptime() * 1000 - 1000;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/**
 * Stops the processes inside a folder; returns true if there were any. Leaders of a process group stop their group
 * themselves; other processes are killed. Finds processes only on systems with /proc.
 */
async function stopProcessesIn(folder: string): Promise<boolean> {
  const pids = (await readdir("/proc").catch((): string[] => [])).filter((name) => /^\d+$/.test(name));
  const inside = await Promise.all(pids.map((pid) => worksIn(pid, folder)));
  const found = pids.filter((_pid, index) => inside[index]);
  const leads = await Promise.all(found.map(isGroupLeader));
  const leaders = found.filter((_pid, index) => leads[index]);
  if (leaders.length > 0) for (const pid of leaders) kill(pid, "SIGINT");
  else for (const pid of found) kill(pid, "SIGKILL");
  return found.length > 0;
}

async function worksIn(pid: string, folder: string): Promise<boolean> {
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "");
  return cwd === folder || cwd.startsWith(folder + sep);
}

/** Returns true for a group leader, which the program became at its start; its providers and provisioners are not. */
async function isGroupLeader(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // `pid (name) state ppid pgrp …`; the name may contain anything (proc(5)).
  const [, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return group === pid;
}

function kill(pid: string, signal: NodeJS.Signals): void {
  try {
    process.kill(Number(pid), signal);
  } catch {
    // It has ended already.
  }
}
