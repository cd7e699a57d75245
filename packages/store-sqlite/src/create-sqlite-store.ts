import { type Clock, type Logger, StackyardError, type Store, silentLogger } from "@stackyard/core";
import { backUp } from "./backup.ts";
import type { Database } from "./database.ts";
import { GroupCommit, Listeners } from "./group-commit.ts";
import { type OwnerLock, takeOwnerLock } from "./owner-lock.ts";
import { createRecords, createRevisions } from "./records.ts";
import { assertUpToDate, migrate, openDatabase, readSchemaVersion } from "./schema.ts";
import { createAttemptCalls, createPrune, createQueries, createQueueCalls, createStackCalls } from "./store-calls.ts";
import { isThere, makeFolder, type StoreFiles, storeFilesOf } from "./store-files.ts";
import { StoreState } from "./store-state.ts";

/** How a store is opened. */
export interface SqliteStoreOptions {
  /** Where its files lie; made when it is not there. On a local disk: network file systems lose locks. */
  readonly folder: string;
  /** Writes that share one transaction at most. Default: 256. 1: each has its own, for measuring. */
  readonly maxGroup?: number;
  /** False: a store of an earlier release is refused with `STORE_UNAVAILABLE` and left as it is. Default: true. */
  readonly migrate?: boolean;
  /** Default: none. */
  readonly logger?: Logger;
  /** Throws `STORE_MISSING` instead of making a store, for a folder that is known to have had one. Default: false. */
  readonly mustExist?: boolean;
  /** Dates the lock file. Default: the system's. */
  readonly clock?: Pick<Clock, "now">;
}

/** A store in a folder. */
export interface SqliteStore extends Store {
  /** As it was given. */
  readonly folder: string;
  /**
   * Copies the store, as it is at one instant, into one file while it is in use. A file that is there is replaced at
   * the end. `restoreSqliteStore` reads it.
   */
  backup(toFile: string): Promise<void>;
}

const DEFAULTS = { maxGroup: 256, mustExist: false, migrate: true, logger: silentLogger, clock: Date };

/**
 * Opens the store in a folder, makes or migrates it as needed, and keeps every other process out until it is closed.
 * Throws `STORE_LOCKED`, `STORE_MISSING`, `STORE_TOO_NEW`, `STORE_CORRUPT` and `STORE_UNAVAILABLE`.
 */
export async function createSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { folder, maxGroup, mustExist, migrate, logger, clock } = { ...DEFAULTS, ...options };
  const files = storeFilesOf(folder);
  makeFolder(folder);
  const lock = takeOwnerLock(files, clock, logger);
  try {
    if (mustExist && !isThere(files)) throw missing(files);
    return assemble(files, openMigrated(files, { logger, mustExist, mayChange: migrate }), lock, { maxGroup, logger });
  } catch (error) {
    lock.release();
    throw error;
  }
}

function missing({ database }: StoreFiles): StackyardError {
  const message = `${database} is missing or empty. Restore a backup, or put the file back.`;
  return new StackyardError("STORE_MISSING", message);
}

function openMigrated(
  files: StoreFiles,
  {
    logger,
    mustExist,
    mayChange,
  }: { readonly logger: Logger; readonly mustExist: boolean; readonly mayChange: boolean },
): Database {
  const database = openDatabase(files.database);
  try {
    if (mustExist && readSchemaVersion(database) === 0) throw missing(files);
    if (!mayChange) assertUpToDate(database);
    const found = migrate(database);
    logger.debug("The store is open.", { file: files.database, foundSchemaVersion: found });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function assemble(
  files: StoreFiles,
  database: Database,
  lock: OwnerLock,
  { maxGroup, logger }: { readonly maxGroup: number; readonly logger: Logger },
): SqliteStore {
  const listeners = new Listeners(logger);
  const commits = new GroupCommit(new StoreState(database, logger), maxGroup, (kinds) => listeners.notify(kinds));
  const copies = new Set<Promise<void>>();
  const close = once(async () => {
    try {
      commits.close();
      await Promise.allSettled(copies);
    } finally {
      try {
        database.close();
      } finally {
        lock.release();
      }
    }
  });
  return {
    folder: files.folder,
    ...createStackCalls(commits),
    ...createAttemptCalls(commits),
    ...createQueueCalls(commits),
    queries: createQueries(commits),
    prune: createPrune(commits),
    records: createRecords(commits),
    revisions: createRevisions(commits),
    watch: (listener) => listeners.add(listener),
    async backup(toFile) {
      const copy = commits.read(() => backUp(files.database, toFile));
      copies.add(copy);
      await copy.finally(() => copies.delete(copy));
    },
    close,
  };
}

function once(call: () => Promise<void>): () => Promise<void> {
  let called: Promise<void> | undefined;
  return () => {
    called ??= call();
    return called;
  };
}
