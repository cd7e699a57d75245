import { renameSync, rmSync } from "node:fs";
import { backup } from "node:sqlite";
import { Database } from "./database.ts";
import { createPrivate, syncFile } from "./store-files.ts";
import { toStoreError } from "./to-store-error.ts";

/** Pages copied at a time, in a thread of the driver. */
const PAGES_A_STEP = 256;

/**
 * Copies a database that is in use into one file, whole or not at all, as it is when the call begins. Over a connection
 * of its own: SQLite ends a copy that meets a write of the same connection (SQLITE_LOCKED,
 * https://sqlite.org/c3ref/backup_finish.html), and begins again one that meets a write of another, which an open read
 * transaction prevents.
 */
export async function backUp(databaseFile: string, toFile: string): Promise<void> {
  const draft = `${toFile}.${process.pid}.partial`;
  try {
    rmSync(draft, { force: true });
    createPrivate(draft);
    await copySnapshot(databaseFile, draft);
    syncFile(draft);
    renameSync(draft, toFile);
  } catch (error) {
    rmSync(draft, { force: true });
    throw toStoreError(error);
  }
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
