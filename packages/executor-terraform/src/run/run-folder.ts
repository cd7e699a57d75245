import { randomBytes } from "node:crypto";
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, isAbsolute, join, sep } from "node:path";
import type { Clock } from "@stackyard/core";

/** A folder's name contains its host and process, so no file is needed to identify the owner. */
const NAME = /^stackyard-tf-(.+)-(\d+)-[A-Za-z0-9]{6}$/;
const HOST = hostname().replace(/[^A-Za-z0-9.]/g, "_");

/** A folder that belongs to one run of this process. */
export interface OwnedFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * The folders that this process holds. Each run looks for folders of dead processes, and with many runs at once nearly all
 * folders are those of the others.
 */
const held = new Set<string>();

/** Creates a folder that only this user can read; `remove` deletes it with its content. */
export async function createOwnedFolder(parent: string): Promise<OwnedFolder> {
  await mkdir(parent, { recursive: true });
  const path = await mkdtemp(join(parent, `stackyard-tf-${HOST}-${process.pid}-`));
  held.add(path);
  return {
    path,
    async remove() {
      await remove(path);
      held.delete(path);
    },
  };
}

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 3 });
}

/** Keeps what the folder of a killed process has, before it is removed. The folder stays if this throws. */
type Recover = (path: string) => Promise<void>;

const keepNothing: Recover = async () => undefined;

interface ClaimOptions {
  /** The time to wait for another run, in milliseconds. Default: 0. */
  readonly waitMs?: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Default: keeps nothing. */
  readonly recover?: Recover;
}

const UID = process.getuid?.() ?? 0;
/** The folder with the folders that have names. Other users have their own. */
const NAMED = `stackyard-tf-u${UID}`;
const NAMED_PARENT = /^stackyard-tf-u\d+$/;
const OWNER = "owner";
const FIRST_POLL_MS = 100;
const MOST_POLL_MS = 2_000;

/**
 * Creates a folder whose path is the same for the same name in each process of this user, because configurations
 * contain paths. Stops and removes what a killed process left there. While another run has the folder, and after
 * `waitMs`, the name gets a number.
 */
export async function claimFolder(parent: string, name: string, options: ClaimOptions): Promise<OwnedFolder> {
  await mkdir(parent, { recursive: true });
  // As programs see it, in which it is their working folder.
  const named = join(await realpath(parent), NAMED);
  for (let slot = 1; ; slot += 1) {
    const path = join(named, slot === 1 ? name : `${name}.${slot}`);
    const deadline = options.clock.now() + (slot === 1 ? (options.waitMs ?? 0) : 0);
    if (await claim(path, deadline, options)) return { path, remove: () => retire(path) };
  }
}

/** A folder cannot be used on this host. The message says why. */
export class FolderRefused extends Error {}

interface ExactOptions extends ClaimOptions {
  /** The folder of this runner's own runs, whose permissions are the operator's. */
  readonly parent: string;
}

/**
 * Claims the folder that another process, perhaps on another host, had claimed as `path`. Creates its parents, and
 * refuses every one in which another user could replace a folder. Returns undefined if another run has it after
 * `waitMs`. Fails with FolderRefused.
 */
export async function claimSameFolder(path: string, options: ExactOptions): Promise<OwnedFolder | undefined> {
  const named = dirname(path);
  if (!isAbsolute(path) || !NAMED_PARENT.test(basename(named))) {
    throw new FolderRefused(`"${path}" is not the folder of a run`);
  }
  try {
    const own = await realpath(options.parent).catch(() => undefined);
    if (dirname(named) !== own) await createSafely(dirname(named));
    const found = await lstat(path).catch(() => undefined);
    if (found !== undefined && !(found.isDirectory() && isOwn(found.uid))) {
      throw new FolderRefused(`"${path}" is not a folder of this user`);
    }
    const deadline = options.clock.now() + (options.waitMs ?? 0);
    return (await claim(path, deadline, options)) ? { path, remove: () => retire(path) } : undefined;
  } catch (error) {
    if (error instanceof FolderRefused || !(error instanceof Error)) throw error;
    throw new FolderRefused(error.message, { cause: error });
  }
}

/** Creates a folder and its parents, after checking each one, so that no link is followed. */
async function createSafely(path: string): Promise<void> {
  if (dirname(path) !== path) await createSafely(dirname(path));
  const exists = await lstat(path).catch(() => undefined);
  if (exists === undefined) await mkdir(path, { mode: 0o700 }).catch(ignoreExisting);
  const found = await lstat(path);
  if (!found.isDirectory()) throw new FolderRefused(`"${path}" is not a folder`);
  // In a sticky folder, such as /tmp, only the owner of a folder can replace it.
  const isOpen = (found.mode & 0o022) !== 0 && (found.mode & 0o1000) === 0;
  if (isOpen || !(found.uid === 0 || isOwn(found.uid))) {
    throw new FolderRefused(`other users can change the folder "${path}"`);
  }
}

function isOwn(uid: number): boolean {
  return process.getuid === undefined || uid === UID;
}

async function claim(path: string, deadline: number, options: ClaimOptions): Promise<boolean> {
  const { signal, clock } = options;
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(pollMs * 2, MOST_POLL_MS)) {
    if (await tryClaim(path)) return true;
    if (!(await isAbandoned(path))) {
      const leftMs = deadline - clock.now();
      if (leftMs <= 0 || signal.aborted) return false;
      await clock.sleep(Math.min(pollMs, leftMs), signal);
    } else if (!(await retireUnused(path, options.recover))) await clock.sleep(pollMs);
  }
}

/** Removes an abandoned folder; false: its program still has to save the state and release its lock. */
async function retireUnused(path: string, recover: Recover = keepNothing): Promise<boolean> {
  if (await stopProcessesIn(path)) return false;
  await recover(path);
  await retire(path);
  return true;
}

/** Moves a new folder with its owner to the path, which fails while there is another one. */
async function tryClaim(path: string): Promise<boolean> {
  const own = await createPrivately(dirname(path));
  try {
    await writeFile(join(own.path, OWNER), `${HOST}\n${process.pid}\n`);
    await rename(own.path, path);
    held.delete(own.path);
    held.add(path);
    return true;
  } catch (error) {
    await own.remove();
    if (error instanceof Error && "code" in error && ["ENOTEMPTY", "EEXIST", "ENOENT"].includes(String(error.code)))
      return false;
    throw error;
  }
}

const TRIES = 10;

/** Creates a folder in one that only this user can write to. */
async function createPrivately(parent: string): Promise<OwnedFolder> {
  for (let tries = 1; ; tries += 1) {
    await mkdir(dirname(parent), { recursive: true });
    await mkdir(parent, { mode: 0o700 }).catch(ignoreExisting);
    const found = await lstat(parent).catch(() => undefined);
    if (found !== undefined && !(found.isDirectory() && isOwn(found.uid))) {
      throw new FolderRefused(`"${parent}" is not a folder of this user. Remove it, or set the option "workDir"`);
    }
    try {
      return await createOwnedFolder(parent);
    } catch (error) {
      // Another run has just removed the empty folder.
      if (tries === TRIES) throw error;
    }
  }
}

function ignoreExisting(error: unknown): void {
  if (error instanceof Error && "code" in error && error.code === "EEXIST") return;
  throw error;
}

/** Gives a named folder up, and removes it. */
async function retire(path: string): Promise<void> {
  const parent = dirname(path);
  const retired = join(parent, `stackyard-tf-${HOST}-${process.pid}-${randomBytes(3).toString("hex")}`);
  const moved = await rename(path, retired).then(
    () => true,
    () => false,
  );
  held.delete(path);
  if (moved) await remove(retired);
  // Only the last one succeeds.
  await rmdir(parent).catch(() => undefined);
}

async function isAbandoned(path: string): Promise<boolean> {
  const text = await readFile(join(path, OWNER), "utf8").catch(() => "");
  const [host = "", pid = ""] = text.split("\n");
  return host === HOST && (await isOfDeadProcess(path, Number(pid)).catch(() => false));
}

/**
 * Removes folders of killed processes of this host and user. Stops a program that still works there, so that it saves
 * its state and releases its lock; its folder is removed by a later call. Never throws.
 */
export async function removeDeadFolders(parent: string, recover: Recover = keepNothing): Promise<void> {
  const found = await readdir(parent).catch((): string[] => []);
  const names = found.filter((name) => !held.has(join(parent, name)));
  const dead = names.filter((name) => NAME.test(name)).map((name) => removeIfDead(join(parent, name), recover));
  const named = NAMED_PARENT.test(basename(parent)) ? names.filter((name) => !NAME.test(name)) : [];
  const abandoned = named.map((name) => removeIfAbandoned(join(parent, name), recover));
  const inner = names.includes(NAMED) ? [removeDeadFolders(join(parent, NAMED), recover)] : [];
  await Promise.all([...dead, ...abandoned, ...inner]);
}

async function removeIfDead(path: string, recover: Recover): Promise<void> {
  try {
    const [, host, pid] = NAME.exec(basename(path)) ?? [];
    if (host !== HOST || !(await isOfDeadProcess(path, Number(pid)))) return;
    if (await stopProcessesIn(path)) return;
    await recover(path);
    await rm(path, { recursive: true, force: true });
  } catch {
    // Another start removes the same folder, or this one lacks the permission.
  }
}

async function removeIfAbandoned(path: string, recover: Recover): Promise<void> {
  try {
    if (await isAbandoned(path)) await retireUnused(path, recover);
  } catch {
    // As above.
  }
}

async function isOfDeadProcess(path: string, pid: number): Promise<boolean> {
  const { uid, mtimeMs, birthtimeMs } = await lstat(path);
  if (uid !== process.getuid?.()) return false;
  if (pid !== process.pid) return !isAlive(pid);
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

/** After an interrupt, a program saves its state within this time. */
const STOP_MS = 240_000;
const INTERRUPTED = "interrupted";

/**
 * Stops the processes inside a folder; returns true if there were any. Leaders of a process group stop their group
 * themselves, and are interrupted once: a second interrupt would make them drop everything. Other processes, and
 * leaders that do not stop, are killed. Finds processes only on systems with /proc.
 */
async function stopProcessesIn(folder: string): Promise<boolean> {
  const pids = (await readdir("/proc").catch((): string[] => [])).filter((name) => /^\d+$/.test(name));
  const inside = await Promise.all(pids.map((pid) => worksIn(pid, folder)));
  const found = pids.filter((_pid, index) => inside[index]);
  if (found.length === 0) return false;
  const leads = await Promise.all(found.map(isGroupLeader));
  const leaders = found.filter((_pid, index) => leads[index]);
  const mark = join(folder, INTERRUPTED);
  const interruptedAt = await stat(mark).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
  if (leaders.length === 0 || Date.now() - (interruptedAt ?? Date.now()) > STOP_MS) {
    for (const pid of found) kill(pid, "SIGKILL");
  } else if (interruptedAt === undefined) {
    await writeFile(mark, "");
    for (const pid of leaders) kill(pid, "SIGINT");
  }
  return true;
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
