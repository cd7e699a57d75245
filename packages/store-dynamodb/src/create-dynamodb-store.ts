import { randomBytes } from "node:crypto";
import type { Records, Store } from "@stackyard/core";
import { createAttemptStore } from "./attempts.ts";
import { createStackStore } from "./commit-change.ts";
import { createRecords } from "./create-records.ts";
import { createRevisions } from "./create-revisions.ts";
import { createTable } from "./database.ts";
import { type DynamodbStoreOptions, type StoreSettings, toSettings } from "./dynamodb-store-options.ts";
import { acknowledge, enqueue, giveBack } from "./event-queue.ts";
import { createGuard, type Guard } from "./guard.ts";
import { listHistory } from "./list-history.ts";
import { listParkedStackIds, listStacks } from "./list-stacks.ts";
import { createListeners } from "./listeners.ts";
import { publishLast, recordEntries } from "./outbox.ts";
import { prepareTables } from "./prepare-tables.ts";
import { prune } from "./prune.ts";
import { createRecentWork } from "./recent-work.ts";
import { createSerializer } from "./serializer.ts";
import { listSetAside, redrive } from "./set-aside.ts";
import { loadStats } from "./stats.ts";
import type { StoreContext } from "./store-context.ts";
import type { TableNames } from "./table-definitions.ts";
import { nextDueAt, takeDue, takeOwn } from "./take-due.ts";
import { createYardLog } from "./yard-log.ts";

/** A store in two DynamoDB tables. */
export interface DynamodbStore extends Store {
  readonly tables: TableNames;
  readonly capabilities: {
    /** False: the stacks' table lacks the index of what is due, so that each sweep reads all of it. See `checkTables`. */
    readonly findsDueByIndex: boolean;
  };
  /**
   * As `takeDue`, of queued events, task messages and polls, but only what this process has queued itself in the last
   * minute. Processes that work what their commits have left do not contend for each other's; a sweep with `takeDue` finds
   * what dead ones have left.
   */
  readonly takeOwn: Store["takeDue"];
}

/**
 * Opens the store, after a look at both tables. Any number of processes may have it open. Throws `CONFIG_INVALID` when a
 * table is absent or of another shape, and `STORE_UNAVAILABLE`.
 */
export async function createDynamodbStore(options: DynamodbStoreOptions): Promise<DynamodbStore> {
  const settings = toSettings(options);
  try {
    return assemble(settings, await prepareTables(settings));
  } catch (error) {
    if (settings.ownsClient) settings.client.destroy();
    throw error;
  }
}

function assemble(settings: StoreSettings, { hasDueIndex }: { readonly hasDueIndex: boolean }): DynamodbStore {
  const { guard, close } = createGuard();
  const context = createContext(settings, hasDueIndex);
  const { listeners } = context;
  let closing: Promise<void> | undefined;
  return {
    tables: settings.names,
    capabilities: { findsDueByIndex: hasDueIndex },
    ...guardCalls(guard, context),
    takeOwn: guard((input) => takeOwn(context, input)),
    records: guardAll(guard, createRecords(context)),
    revisions: guardAll(guard, createRevisions(context)),
    watch: (listener) => listeners.watch(listener),
    close() {
      closing ??= close().then(() => {
        if (settings.ownsClient) settings.client.destroy();
      });
      return closing;
    },
  };
}

function guardCalls(guard: Guard, context: StoreContext): Omit<Store, "records" | "revisions" | "watch" | "close"> {
  const stacks = createStackStore(context);
  const attempts = createAttemptStore(context);
  return {
    load: guard(stacks.load),
    commit: guard(stacks.commit),
    claim: guard(attempts.claim),
    renew: guard(attempts.renew),
    suspend: guard(attempts.suspend),
    settle: guard(attempts.settle),
    findAttempt: guard(attempts.findAttempt),
    findTaskMessage: guard(attempts.findTaskMessage),
    enqueue: guard((events) =>
      enqueue(
        context,
        events.map((event) => ({ event })),
      ),
    ),
    takeDue: guard((input) => takeDue(context, input)),
    release: guard((receipts, visibleAt) =>
      visibleAt === undefined ? acknowledge(context, receipts) : giveBack(context, receipts, visibleAt),
    ),
    nextDueAt: guard((kinds) => nextDueAt(context, kinds)),
    queries: {
      listStacks: guard((filter, page) => listStacks(context, filter, page)),
      listHistory: guard((filter, page) => listHistory(context, filter, page)),
      listAttempts: guard(attempts.listAttempts),
      listParkedStackIds: guard((page) => listParkedStackIds(context, page)),
      listSetAside: guard((filter, page) => listSetAside(context, filter, page)),
      redrive: guard((ids, now) => redrive(context, ids, now)),
      stats: guard(() => loadStats(context)),
    },
    prune: guard((retention, now) => prune(context, retention, now)),
  };
}

function guardAll(guard: Guard, records: Records): Records;
function guardAll(guard: Guard, revisions: Store["revisions"]): Store["revisions"];
function guardAll(guard: Guard, port: Records | Store["revisions"]): object {
  return Object.fromEntries(Object.entries(port).map(([name, call]) => [name, guard(call)]));
}

function createContext(settings: StoreSettings, hasDueIndex: boolean): StoreContext {
  const { client, names, logger, clock, random } = settings;
  const work = createTable(client, names.work, nextNonce);
  let lastNumber = 0;
  const context: StoreContext = {
    hasDueIndex,
    logger,
    clock,
    random,
    stacks: createTable(client, names.stacks, nextNonce),
    work,
    listeners: createListeners(logger),
    serialize: createSerializer(),
    loaded: new Map(),
    recent: createRecentWork(clock),
    handedOut: new Map(),
    done: new Set(),
    record: (stackId, written) => recordEntries(context, stackId, written),
    publish: (stackId, written) => publishLast(context, stackId, written),
    listRow: createYardLog(work),
    nextNumber() {
      lastNumber = Math.max(lastNumber + 1, clock.now() * 1000);
      return lastNumber;
    },
  };
  return context;
}

/** Short, as every item has one: two writes of the same item have the same in one of 2^64 cases. */
function nextNonce(): string {
  return randomBytes(8).toString("base64url");
}
