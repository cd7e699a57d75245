import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { type Clock, isMap, type Logger, StackyardError } from "@stackyard/core";
import { toStoreError } from "./database.ts";
import { createPrivate, restrictMode, type StoreFiles } from "./store-files.ts";

/** Who has a store open. */
interface StoreOwner {
  readonly pid: number;
  readonly host: string;
  /** When the process started, ISO 8601: distinguishes it from a later one with the same pid. */
  readonly startedAt: string;
  /** When it opened the store, ISO 8601. */
  readonly since: string;
}

/** The right to be the only process that has a store open. */
export interface OwnerLock {
  /** True if the last owner has ended without closing the store. */
  readonly isInherited: boolean;
  release(): void;
}

/**
 * Acquires the lock of a store, or throws `STORE_LOCKED` with its owner. The lock is SQLite's lock of a writer on a
 * separate file: the kernel grants it to one process and releases it when that process ends for any reason. A dead
 * owner's lock is therefore free at once, and a reused pid or a pid of another container has no effect. The lock file
 * names the owner for people only.
 */
export function takeOwnerLock(files: StoreFiles, clock: Pick<Clock, "now">, logger: Logger): OwnerLock {
  createPrivate(files.guard);
  const guard = openGuard(files);
  const left = findOwner(files);
  if (left !== undefined)
    logger.warn("The last owner of the store did not close it. Its lock is taken over.", { owner: left });
  const since = new Date(clock.now()).toISOString();
  try {
    writeOwner(files, { pid: process.pid, host: hostname(), startedAt: processStart(), since });
  } catch (error) {
    guard.close();
    throw error;
  }
  return {
    isInherited: left !== undefined,
    release() {
      rmSync(files.lock, { force: true });
      guard.close();
    },
  };
}

/** Far more than an owner's lock file has. */
const MAX_LOCK_BYTES = 4_096;

/** Returns the owner in the lock file; undefined without one, or when the file has other content. */
function findOwner(files: StoreFiles): StoreOwner | undefined {
  try {
    const found = statSync(files.lock);
    if (!found.isFile() || found.size > MAX_LOCK_BYTES) return undefined;
    const owner: unknown = JSON.parse(readFileSync(files.lock, "utf8"));
    return isOwner(owner) ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isOwner(value: unknown): value is StoreOwner {
  if (!isMap(value)) return false;
  const { pid, host, startedAt, since } = value;
  return Number.isSafeInteger(pid) && [host, startedAt, since].every((text) => typeof text === "string");
}

function openGuard(files: StoreFiles): DatabaseSync {
  const guard = new DatabaseSync(files.guard, { timeout: 0 });
  try {
    // Not "exclusive": it would wait for those who have only begun to ask, so that of several at once none gets it.
    guard.exec("begin immediate");
    restrictMode(files.guard);
    return guard;
  } catch (error) {
    guard.close();
    throw isBusy(error) ? lockedError(files, error) : toStoreError(error, files.guard);
  }
}

const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}

function lockedError(files: StoreFiles, cause: unknown): StackyardError {
  const owner = findOwner(files);
  const who =
    owner === undefined
      ? "another process"
      : `process ${owner.pid} on ${owner.host} (started ${owner.startedAt}), since ${owner.since}`;
  const message = `The store in ${files.folder} is open in ${who}. Stop that process, or use its server instead of the folder.`;
  return new StackyardError("STORE_LOCKED", message, { cause, details: { owner } });
}

// Writes a temporary file and renames it, so that a reader never sees a partial file.
function writeOwner(files: StoreFiles, owner: StoreOwner): void {
  const draft = `${files.lock}.${owner.pid}`;
  try {
    rmSync(draft, { force: true });
    writeFileSync(draft, `${JSON.stringify(owner, null, 2)}\n`, { mode: 0o600, flag: "wx" });
    renameSync(draft, files.lock);
  } catch (cause) {
    rmSync(draft, { force: true });
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StackyardError("STORE_UNAVAILABLE", `The file ${files.lock} cannot be written: ${why}.`, { cause });
  }
}

function processStart(): string {
  return new Date(performance.timeOrigin).toISOString();
}
