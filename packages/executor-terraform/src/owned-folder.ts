import { lstat, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { stopProcessesIn } from "./processes-in.ts";

/** Says whose a folder is: the host and process stand in its name, so that nothing has to be written or read. */
const NAME = /^stackyard-tf-(.+)-(\d+)-[A-Za-z0-9]{6}$/;
const HOST = hostname().replace(/[^A-Za-z0-9.]/g, "_");

/** A folder that belongs to one run of this process. */
export interface OwnedFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** Makes a folder that only this user can read; `remove` takes it away with everything in it. */
export async function createOwnedFolder(parent: string): Promise<OwnedFolder> {
  await mkdir(parent, { recursive: true });
  const path = await mkdtemp(join(parent, `stackyard-tf-${HOST}-${process.pid}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/**
 * Removes what runs of killed processes of this host and user left in a folder. A program that still works there is
 * asked to stop, so that it saves its state and gives up its lock; its folder goes at a later call. Never throws.
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
    // Another start removes the same folder, or may remove it where we may not.
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
