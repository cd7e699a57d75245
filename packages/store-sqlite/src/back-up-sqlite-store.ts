import { existsSync } from "node:fs";
import { type Clock, StackyardError, silentLogger } from "@stackyard/core";
import { backUp } from "./back-up.ts";
import { Database } from "./database.ts";
import { assertOurs } from "./open-database.ts";
import { takeOwnerLock } from "./owner-lock.ts";
import { storeFilesOf } from "./store-files.ts";

/** What is copied, and where to. */
export interface BackUpInput {
  /** The folder of the store. */
  readonly folder: string;
  /** A file that is there is replaced at the end. */
  readonly to: string;
}

/**
 * Copies a store that nobody has open into one file that `restoreSqliteStore` reads. The store is not migrated: whoever
 * takes a backup before an update may do so with either release. Throws `NOT_FOUND`, `STORE_LOCKED`, `STORE_CORRUPT` and
 * `STORE_UNAVAILABLE`.
 */
export async function backUpSqliteStore(
  { folder, to }: BackUpInput,
  deps: { readonly clock?: Pick<Clock, "now"> } = {},
): Promise<void> {
  const files = storeFilesOf(folder);
  if (!existsSync(files.database)) throw new StackyardError("NOT_FOUND", `There is no store in ${folder}.`);
  const lock = takeOwnerLock(files, deps.clock ?? Date, silentLogger);
  try {
    assertStore(files.database);
    await backUp(files.database, to);
  } finally {
    lock.release();
  }
}

function assertStore(file: string): void {
  const database = new Database(file, { readOnly: true });
  try {
    assertOurs(database, file);
  } finally {
    database.close();
  }
}
