import { chmodSync, closeSync, existsSync, fsyncSync, lstatSync, mkdirSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { StackyardError } from "@stackyard/core";

/** The files of a store in its folder. */
export interface StoreFiles {
  readonly folder: string;
  readonly database: string;
  /** Locked by the owner for as long as it lives. */
  readonly guard: string;
  /** Names the owner, for people. */
  readonly lock: string;
}

/** Returns the paths of a store's files. */
export function storeFilesOf(folder: string): StoreFiles {
  return {
    folder,
    database: join(folder, "stackyard.db"),
    guard: join(folder, "stackyard.guard"),
    lock: join(folder, "stackyard.lock"),
  };
}

/** Returns true when the folder has a database that is not empty. */
export function isThere({ database }: StoreFiles): boolean {
  return (statSync(database, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** Makes the folder, for its owner only; one that is there keeps its mode. Throws `STORE_UNAVAILABLE`. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    if (existsSync(folder)) throw unavailable(`${folder} is not a folder.`, error);
    throw unavailable(`The folder ${folder} cannot be made. Check the path and its rights.`, error);
  }
}

/**
 * Creates a file that only its owner may read; SQLite's own files get the same mode. Leaves an existing file and its
 * mode unchanged until its content was checked; then `restrictMode` removes the rights of others. Never follows a
 * symbolic link. Throws `STORE_UNAVAILABLE`.
 */
export function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) {
      throw unavailable(`The file ${file} cannot be written. Check its rights.`, error);
    }
    assertPlainFile(file);
  }
}

/** Removes the rights of other users on a file of ours and on the files that SQLite creates for it. */
export function restrictMode(file: string): void {
  for (const each of [file, ...LOG_SUFFIXES.map((suffix) => `${file}${suffix}`)]) {
    if (!existsSync(each)) continue;
    assertPlainFile(each);
    if ((lstatSync(each).mode & 0o077) === 0) continue;
    try {
      chmodSync(each, 0o600);
    } catch (error) {
      throw unavailable(`The mode of ${each} cannot be changed. Check who owns it.`, error);
    }
  }
}

/** The suffixes of a database's log and the log's index in SQLite. */
export const LOG_SUFFIXES = ["-wal", "-shm"];

function assertPlainFile(file: string): void {
  if (lstatSync(file).isFile()) return;
  throw unavailable(`${file} is a link or no file at all. Put the file itself there; the folder may be a link.`);
}

function unavailable(message: string, cause?: unknown): StackyardError {
  return new StackyardError("STORE_UNAVAILABLE", message, { cause });
}

/** Writes a file to the disk before its name: otherwise a power cut could leave the name without content. */
export function syncFile(file: string): void {
  const descriptor = openSync(file, "r+");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
