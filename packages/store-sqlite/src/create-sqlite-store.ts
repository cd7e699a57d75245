import { type Clock, defined, type Logger, StackyardError, type Store, silentLogger } from "@stackyard/core";
import { createRecords, createStoreListeners, listOpenAttempts } from "@stackyard/core/engine";
import { backUp } from "./backup.ts";
import type { Database } from "./database.ts";
import {
  listDeadLetters,
  listParkedStackIds,
  loadHeads,
  loadParked,
  removeDeadLetters,
  takeDeadLetters,
} from "./event-queue.ts";
import { acknowledge, commitChange, endLeases, GroupCommit } from "./group-commit.ts";
import { findEnded, listEnded, listHistory } from "./history.ts";
import { countStacks, listStacks } from "./list-stacks.ts";
import { type OwnerLock, takeOwnerLock } from "./owner-lock.ts";
import { beginPruning, prune } from "./prune.ts";
import { createRecordRows, createRevisions } from "./records.ts";
import { assertUpToDate, migrate, openDatabase, readSchemaVersion } from "./schema.ts";
import { findStack } from "./stacks.ts";
import { isThere, makeFolder, type StoreFiles, storeFilesOf } from "./store-files.ts";
import { createStoreMemory } from "./store-memory.ts";
import { nextDueAt, StoreState, takeDue } from "./store-state.ts";

/** The options of opening a store. */
export interface SqliteStoreOptions {
  /** The folder of its files; created when it is missing. On a local disk: network file systems lose locks. */
  readonly folder: string;
  /** Writes that share one transaction at most. Default: 256. 1: each has its own, for measuring. */
  readonly maxGroup?: number;
  /** False: rejects a store of an earlier release with `STORE_UNAVAILABLE`, without changing it. Default: true. */
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
   * Copies the state of the store at one instant into one file, while the store is in use. Replaces an existing file at
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
    const database = openMigrated(files, { logger, mustExist, mayChange: migrate });
    const listeners = createStoreListeners(logger);
    const commits = new GroupCommit(new StoreState(database, logger), maxGroup, (kinds) => listeners.notify(kinds));
    if (lock.isInherited) await commits.write((transaction) => endLeases(transaction, clock.now()));
    return assemble(files, { database, commits, listeners }, lock);
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

interface OpenStore {
  readonly database: Database;
  readonly commits: GroupCommit;
  readonly listeners: ReturnType<typeof createStoreListeners>;
}

function assemble(files: StoreFiles, { database, commits, listeners }: OpenStore, lock: OwnerLock): SqliteStore {
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
    ...createAttemptCalls(commits, () => listeners.notify(["progress"])),
    ...createQueueCalls(commits),
    queries: createQueries(commits),
    memory: createStoreMemory(commits),
    prune: createPrune(commits),
    correctAttempts: (now) =>
      commits.write((transaction) => transaction.state.attempts.correctInstants(transaction, now)),
    records: createRecords(createRecordRows(commits)),
    revisions: createRevisions(commits),
    watch: (listener) => listeners.watch(listener),
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

// The calls of the port: each is one read, or one write that the group of its turn commits.

/** Creates the calls that the engine needs to decide. */
function createStackCalls(commits: GroupCommit): Pick<Store, "load" | "loadParked" | "commit"> {
  return {
    load: (ids) =>
      commits.read((state) =>
        ids.map((stackId) => {
          const parked = loadHeads(state, stackId);
          return { stackId, version: 0, ...findStack(state.database, stackId), parked };
        }),
      ),
    loadParked: (stackId, keys) => commits.read(({ database }) => loadParked(database, stackId, keys)),
    commit: (changes) =>
      commits.write((transaction) => changes.map((change) => commitChange(transaction, change)), changes.length),
  };
}

type AttemptCalls = Pick<Store, "claim" | "renew" | "suspend" | "settle" | "findAttempt" | "findTaskMessage">;

/** Creates the calls of workers. */
function createAttemptCalls(commits: GroupCommit, onProgress: () => void): AttemptCalls {
  return {
    claim: (input) => commits.write((transaction) => transaction.state.attempts.claim(transaction, input)),
    // Needs no wait for the disk: see `writeOpenAttempts`.
    renew: (grant, input) =>
      commits.read(({ attempts, renewed }) => {
        const answer = attempts.renew(grant, input);
        const stackId = attempts.find(grant.attemptId)?.stackId;
        if (answer.kind === "renewed" && stackId !== undefined) renewed.add(stackId);
        if (input.message !== undefined) onProgress();
        return answer;
      }),
    suspend: (grant, input) =>
      commits.write((transaction) => {
        const answer = transaction.state.attempts.suspend(transaction, grant, input);
        if (answer === "suspended") for (const kind of ["task", "progress"] as const) transaction.signal(kind);
        return answer;
      }),
    settle: (grant, input) =>
      commits.write((transaction) => transaction.state.attempts.settle(transaction, grant, input)),
    findAttempt: (id) =>
      commits.read((state) => {
        const open = state.attempts.find(id);
        return open === undefined ? findEnded(state, id) : state.attempts.view(open);
      }),
    findTaskMessage: (id) => commits.read(({ attempts }) => attempts.findMessage(id)),
  };
}

/** Creates the calls of transports and the sweep. */
function createQueueCalls(commits: GroupCommit): Pick<Store, "enqueue" | "takeDue" | "release" | "nextDueAt"> {
  return {
    enqueue: (events) =>
      commits.write(
        (transaction) => events.map((event) => transaction.state.events.add(transaction, event)),
        events.length,
      ),
    takeDue: (input) => commits.read((state) => takeDue(state, input)),
    release: (receipts, visibleAt) =>
      commits.write((transaction) => {
        const { events, attempts } = transaction.state;
        for (const receipt of receipts) {
          if (visibleAt === undefined) {
            acknowledge(transaction, receipt);
          } else {
            events.giveBack(transaction, receipt, visibleAt);
            attempts.giveBack(transaction, receipt, visibleAt);
          }
        }
        if (visibleAt !== undefined) transaction.signal("task");
      }, receipts.length),
    nextDueAt: (kinds) => commits.read((state) => nextDueAt(state, kinds)),
  };
}

/** Creates the function that removes rows older than their retention. */
function createPrune(commits: GroupCommit): Store["prune"] {
  const progress = beginPruning();
  return (retention, now) =>
    commits.write((transaction) => prune({ state: transaction.state, effects: transaction }, progress, retention, now));
}

/** Lists for people and counts. */
function createQueries(commits: GroupCommit): Store["queries"] {
  return {
    listStacks: (filter, page) => listStacks(commits, filter, page),
    countStacks: (filter, by) => countStacks(commits, filter, by),
    listHistory: (filter, page) => commits.read((state) => listHistory(state, filter, page)),
    listAttempts: (stackId) => commits.read((state) => state.attempts.listWith(listEnded(state, stackId), stackId)),
    listOpenAttempts: (filter, page) => commits.read(({ attempts }) => listOpenAttempts(attempts, filter, page)),
    listParkedStackIds: (page) => commits.read(({ database }) => listParkedStackIds(database, page)),
    listDeadLetters: (filter, page) => commits.read(({ database }) => listDeadLetters(database, filter, page)),
    redrive: (ids) =>
      commits.write((transaction) => {
        const found = takeDeadLetters(transaction.database, ids);
        for (const { event } of found) transaction.enqueue(event);
        return found.map(({ id }) => id);
      }, ids.length),
    dismiss: (ids) => commits.write(({ database }) => removeDeadLetters(database, ids), ids.length),
    stats: () =>
      commits.read(({ database, counts, events, attempts }) => {
        const count = (table: "parked" | "dead_letter") =>
          database.get<{ count: number }>(`select count(*) as count from ${table}`)?.count ?? 0;
        return {
          ...counts.read(),
          queuedEvents: events.countQueued(),
          queuedTasks: attempts.tasks.size,
          parkedEvents: count("parked"),
          deadLetters: count("dead_letter"),
          openAttempts: attempts.size,
          ...defined({ oldestEventAt: events.findOldestAt() }),
        };
      }),
  };
}
