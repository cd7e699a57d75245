import { StackyardError } from "@stackyard/core";
import { Database } from "./database.ts";
import { createPrivate, restrictMode } from "./store-files.ts";

/** "STYD": tells a store from other SQLite files. */
export const APPLICATION_ID = 0x53545944;

/**
 * Pages in the write-ahead log before they are copied into the database file, by the commit that reaches the number. A
 * copy costs a write at a random place for each distinct page and two waits for the disk, so fewer and larger ones are
 * cheaper: 4,000 pages (16 MiB) are copied in some ten milliseconds.
 */
const CHECKPOINT_PAGES = 4_000;
const CACHE_KIB = 65_536;

/** Opens the file of a store: every commit is on the disk when it returns. */
export function openDatabase(file: string): Database {
  createPrivate(file);
  const database = new Database(file);
  try {
    assertOurs(database, file);
    restrictMode(file);
    database.script(`
      pragma journal_mode = wal;
      pragma synchronous = full;
      pragma foreign_keys = on;
      pragma temp_store = memory;
      pragma cache_size = -${CACHE_KIB};
      pragma wal_autocheckpoint = ${CHECKPOINT_PAGES};
      pragma application_id = ${APPLICATION_ID};
    `);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** A store's file, or one that is empty yet. Throws `STORE_CORRUPT` for another program's. */
export function assertOurs(database: Database, file: string): void {
  const id = database.get<{ application_id: number }>("pragma application_id")?.application_id ?? 0;
  if (id === APPLICATION_ID) return;
  const holds = database.get<{ count: number }>("select count(*) as count from sqlite_schema")?.count ?? 0;
  if (id === 0 && holds === 0) return;
  throw new StackyardError("STORE_CORRUPT", `${file} is a database of another program. Name another data folder.`);
}
