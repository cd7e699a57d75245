import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync } from "node:fs";
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

/** Where the files of a store are. */
export function storeFilesOf(folder: string): StoreFiles {
  return {
    folder,
    database: join(folder, "stackyard.db"),
    guard: join(folder, "stackyard.guard"),
    lock: join(folder, "stackyard.lock"),
  };
}

/** Makes the folder, for its owner only; one that is there keeps its mode. Throws `STORE_UNAVAILABLE`. */
export function makeFolder(folder: string): void {
  try {
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StackyardError(
      "STORE_UNAVAILABLE",
      `The folder ${folder} cannot be made. Check the path and its rights.`,
      {
        cause: error,
      },
    );
  }
}

/** Makes a file that only its owner may read. SQLite gives its own files beside it the same mode. */
export function makePrivate(file: string): void {
  try {
    closeSync(openSync(file, "a", 0o600));
    chmodSync(file, 0o600);
  } catch (error) {
    throw new StackyardError("STORE_UNAVAILABLE", `The file ${file} cannot be written. Check its rights.`, {
      cause: error,
    });
  }
}

/** On the disk before its name is: else a power cut could leave the name with nothing behind it. */
export function syncFile(file: string): void {
  const descriptor = openSync(file, "r+");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
