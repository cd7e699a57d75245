import { constants, copyFileSync, existsSync, linkSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { backup } from "node:sqlite";
import { type Clock, isStackyardError, StackyardError, silentLogger } from "@stackyard/core";
import { Database, toStoreError } from "./database.ts";
import { takeOwnerLock } from "./owner-lock.ts";
import { APPLICATION_ID, assertNotTooNew, assertOurs, readSchemaVersion } from "./schema.ts";
import {
  createPrivate,
  isThere,
  LOG_SUFFIXES,
  makeFolder,
  restrictMode,
  type StoreFiles,
  storeFilesOf,
  syncFile,
} from "./store-files.ts";

/** Pages copied at a time, in a thread of the driver. */
const PAGES_A_STEP = 256;

/**
 * Copies a database that is in use into one file, atomically, in its state at the start of the call. Uses a separate
 * connection: SQLite aborts a copy when the same connection writes (SQLITE_LOCKED,
 * https://sqlite.org/c3ref/backup_finish.html), and restarts it when another connection writes, which an open read
 * transaction prevents.
 */
export async function backUp(databaseFile: string, toFile: string): Promise<void> {
  refuseOwn(databaseFile, toFile);
  const draft = `${toFile}.${process.pid}.partial`;
  try {
    rmSync(draft, { force: true });
    createPrivate(draft);
    await copySnapshot(databaseFile, draft);
    syncFile(draft);
    renameSync(draft, toFile);
  } catch (error) {
    rmSync(draft, { force: true });
    throw toStoreError(error, databaseFile);
  }
}

/**
 * Throws `USAGE` for a file that the store needs, by whatever path: its database and logs, and what else is in its
 * folder, such as the key that seals secrets.
 */
function refuseOwn(databaseFile: string, toFile: string): void {
  const path = toRealPath(toFile);
  const isInside = dirname(path) === toRealPath(dirname(databaseFile));
  const isNeeded = isInside && (basename(path).startsWith("stackyard.") || existsSync(path));
  if (!isNeeded && !isSameFile(path, databaseFile)) return;
  throw new StackyardError("USAGE", `${toFile} is a file of the store itself. Choose another file.`);
}

function toRealPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const folder = dirname(path);
  return existsSync(folder) ? join(realpathSync(folder), basename(path)) : path;
}

/** Returns true for one file, also by another name. */
function isSameFile(path: string, other: string): boolean {
  const [a, b] = [path, other].map((each) => statSync(each, { throwIfNoEntry: false }));
  return a !== undefined && a.ino === b?.ino && a.dev === b.dev;
}

async function copySnapshot(databaseFile: string, draft: string): Promise<void> {
  const reader = new Database(databaseFile, { readOnly: true });
  try {
    reader.run("begin");
    // The transaction begins with the first read.
    reader.get("select count(*) from sqlite_schema");
    await backup(reader.connection, draft, { rate: PAGES_A_STEP });
  } finally {
    reader.close();
  }
}

/** The source and the target of a backup. */
export interface BackUpInput {
  /** The folder of the store. */
  readonly folder: string;
  /** A file that is there is replaced at the end. */
  readonly to: string;
}

/**
 * Copies a store into one file that `restoreSqliteStore` reads, in its state at one instant, also while another process
 * has it open and writes. The store is not migrated, so a backup before an update can be taken with either release.
 * Throws `NOT_FOUND`, `STORE_CORRUPT`, `STORE_UNAVAILABLE`, and `USAGE` for a file of the store itself.
 */
export async function backUpSqliteStore({ folder, to }: BackUpInput): Promise<void> {
  const files = storeFilesOf(folder);
  if (!existsSync(files.database)) throw new StackyardError("NOT_FOUND", `No store found in ${folder}.`);
  assertOwnFile(files.database);
  await backUp(files.database, to);
}

function assertOwnFile(file: string): void {
  const database = new Database(file, { readOnly: true });
  try {
    assertOurs(database, file);
  } finally {
    database.close();
  }
}

/** The source and the target of a restore. */
export interface RestoreInput {
  /** A file that `backup` wrote. */
  readonly from: string;
  /** The folder of the store. */
  readonly folder: string;
  /**
   * False: a folder that contains a store is rejected. True: that store is renamed to `stackyard.db.before-…`. Default:
   * false.
   */
  readonly replace?: boolean;
}

/**
 * Restores a store from a backup, after checking its integrity and its schema version. Throws `STORE_LOCKED` when the
 * folder's store is open, `USAGE` when the folder contains one and `replace` is not given, `NOT_FOUND`, `STORE_CORRUPT`
 * and `STORE_TOO_NEW` for the file; the folder is then unchanged.
 */
export async function restoreSqliteStore(
  input: RestoreInput,
  deps: { readonly clock?: Pick<Clock, "now"> } = {},
): Promise<void> {
  const clock = deps.clock ?? Date;
  const files = storeFilesOf(input.folder);
  if (!existsSync(input.from)) throw new StackyardError("NOT_FOUND", `Backup ${input.from} not found.`);
  makeFolder(input.folder);
  const lock = takeOwnerLock(files, clock, silentLogger);
  const draft = `${files.database}.restoring`;
  try {
    assertFree(files, input.replace === true);
    copyChecked(input.from, draft);
    keepAside(files, clock.now());
    renameSync(draft, files.database);
  } finally {
    removeAll(draft);
    lock.release();
  }
}

function assertFree(files: StoreFiles, replace: boolean): void {
  if (replace || !isThere(files)) return;
  const message = `${files.folder} already contains a store. Restore into another folder, or set \`replace\`.`;
  throw new StackyardError("USAGE", message);
}

// The check runs on the copy: opening the backup itself would leave files next to it.
function copyChecked(from: string, draft: string): void {
  removeAll(draft);
  createPrivate(draft);
  copyFileSync(from, draft);
  // The copy has the mode of the backup.
  restrictMode(draft);
  const copy = new Database(draft);
  try {
    assertStore(copy, from);
    assertNotTooNew(readSchemaVersion(copy));
    copy.script("pragma wal_checkpoint(truncate)");
  } catch (error) {
    // The unreadable file is the backup, not a store that a backup could repair.
    if (isStackyardError(error, "STORE_CORRUPT") && error.cause instanceof Error) {
      throw unfit(from, error.cause.message, error);
    }
    throw error;
  } finally {
    copy.close();
  }
  syncFile(draft);
}

function assertStore(copy: Database, from: string): void {
  const id = copy.get<{ application_id: number }>("pragma application_id")?.application_id;
  const faults = copy
    .all<{ integrity_check: string }>("pragma integrity_check(10)")
    .map((row) => row.integrity_check)
    .filter((line) => line !== "ok");
  if (id === APPLICATION_ID && faults.length === 0) return;
  const why = faults.length === 0 ? "it is not a Stackyard store" : faults.join("; ");
  throw unfit(from, why);
}

function unfit(from: string, why: string, cause?: unknown): StackyardError {
  return new StackyardError("STORE_CORRUPT", `${from} cannot be restored: ${why}. Take another backup.`, { cause });
}

/**
 * Links the old store under a second name; its own name remains until the new store takes it in one step, so that a
 * crash leaves the folder with either, never without one.
 */
function keepAside({ database }: StoreFiles, now: number): void {
  if (!existsSync(database)) return;
  fold(database);
  const aside = `${database}.before-${new Date(now).toISOString().replaceAll(/[:.]/g, "-")}`;
  // The write-ahead log belongs to the file: one without the other is another store.
  const suffixes = ["", "-wal"].filter((suffix) => existsSync(`${database}${suffix}`));
  for (const suffix of suffixes) nameAlso(`${database}${suffix}`, `${aside}${suffix}`);
  for (const suffix of LOG_SUFFIXES) rmSync(`${database}${suffix}`, { force: true });
}

/** Takes the write-ahead log into the file, unless the store cannot be read, which may be why it is replaced. */
function fold(database: string): void {
  try {
    const old = new Database(database);
    try {
      old.script("pragma wal_checkpoint(truncate)");
    } finally {
      old.close();
    }
  } catch {
    // The write-ahead log stays next to the file, unchanged.
  }
}

function nameAlso(file: string, name: string): void {
  try {
    linkSync(file, name);
  } catch {
    // Some file systems do not support hard links.
    copyFileSync(file, name, constants.COPYFILE_EXCL);
  }
}

function removeAll(database: string): void {
  for (const suffix of ["", ...LOG_SUFFIXES]) rmSync(`${database}${suffix}`, { force: true });
}
