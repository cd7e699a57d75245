import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { defined, type Store, silentLogger } from "@stackyard/core";
import type { Sender } from "@stackyard/core/access";
import { createEngine, createStaticLocator, createUlids, publishMessages, systemClock } from "@stackyard/core/engine";
import { answerMessage, createNoOp, loadBenchMachine, startMessage } from "./bench-machine.ts";
import { type StoreKind, withFolder, withStore } from "./bench-store.ts";

/** How a store does with so many stacks in it. */
export interface TransitionsResult {
  readonly store: StoreKind;
  readonly stacks: number;
  /** Events handed to the engine at a time. */
  readonly batch: number;
  readonly transitions: number;
  readonly perSecond: number;
  readonly microsecondsEach: number;
  /** Resident memory when all is done, in MiB. */
  readonly residentMiB: number;
}

const PASSES = 3;

/**
 * Transitions a second: an event is consumed, stack and history are written, a run is closed and the next task is
 * dispatched, as one durable commit. The events wait in the queue already. The best of three passes counts.
 */
export function measureTransitions(input: {
  readonly store: StoreKind;
  readonly stacks: number;
  readonly batch: number;
  readonly transitions: number;
}): Promise<TransitionsResult> {
  return withStore(input.store, async (store) => {
    const drain = createDrain(store);
    const stackIds = Array.from({ length: input.stacks }, (_, index) => `stack-${index}`);
    await publishEvents(store, stackIds.map(startMessage));
    await drain(256);
    let bestMs = Number.POSITIVE_INFINITY;
    let next = 0;
    for (let pass = 0; pass < PASSES; pass += 1) {
      // Spread over all stacks, so that a large store is touched everywhere.
      const step = Math.max(1, Math.floor(input.stacks / input.transitions));
      const subjects = Array.from({ length: input.transitions }, () => {
        next = (next + step) % input.stacks;
        return stackIds[next] ?? "";
      });
      await publishEvents(store, subjects.map(answerMessage));
      const startedAt = performance.now();
      const worked = await drain(input.batch);
      const ms = performance.now() - startedAt;
      if (worked !== input.transitions) throw new Error(`${worked} of ${input.transitions} events were worked.`);
      bestMs = Math.min(bestMs, ms);
    }
    return {
      ...input,
      perSecond: Math.round((input.transitions / bestMs) * 1_000),
      microsecondsEach: Math.round((bestMs / input.transitions) * 1_000),
      residentMiB: Math.round(process.memoryUsage.rss() / 1_048_576),
    };
  });
}

const PUBLISH_BATCH = 500;
const LEASE_MS = 60_000;

const ids = createUlids();

/** Sends messages in batches, as a busy program would. */
export async function publishEvents(store: Store, messages: readonly object[], sender?: Sender): Promise<void> {
  const options = defined({ sender });
  for (let first = 0; first < messages.length; first += PUBLISH_BATCH) {
    await publishMessages({ store, clock: systemClock, ids }, messages.slice(first, first + PUBLISH_BATCH), options);
  }
}

/** Returns an engine without loops of its own, so that nothing else is measured. */
export function createDrain(store: Store): (batchSize: number) => Promise<number> {
  const executors = createNoOp();
  const engine = createEngine({
    store,
    locator: createStaticLocator([loadBenchMachine(executors)]),
    executors,
    clock: systemClock,
    ids,
    logger: silentLogger,
  });
  /** Works all events that wait, so many at a time; gives how many. */
  return async (batchSize) => {
    for (let worked = 0; ; ) {
      const now = systemClock.now();
      const items = await store.takeDue({ kinds: ["event"], now, limit: batchSize, leaseMs: LEASE_MS });
      if (items.length === 0) return worked;
      const events = items.flatMap((item) => (item.kind === "event" ? [item] : []));
      await engine.handle(
        events.map(({ event, receipt, deliveries }) => ({ event, storeReceipt: receipt, deliveries })),
      );
      worked += events.length;
    }
  };
}

/** Transactions a second with nothing but the rows of a transition. */
export interface BareRowsResult {
  readonly batch: number;
  readonly perSecond: number;
}

const SCHEMA = `
create table stack (id text primary key, version integer, body text) without rowid;
create table event (id text primary key) without rowid;
create table history (position integer primary key, stack_id text, body text);
create table run (id text primary key, body text) without rowid;
`;
const BODY = JSON.stringify({ text: "x".repeat(600) });
const STACKS = 1_000;

/**
 * Measures the same machine and disk with the rows alone: read the stack, add event id, history and run, write the
 * stack.
 */
export function measureBareRows(input: {
  readonly batch: number;
  readonly transitions: number;
}): Promise<BareRowsResult> {
  return withFolder((folder) => {
    const database = new DatabaseSync(join(folder, "bare.db"));
    database.exec("pragma journal_mode = wal; pragma synchronous = full;");
    database.exec(SCHEMA);
    const startedAt = performance.now();
    writeAll(database, input);
    const ms = performance.now() - startedAt;
    database.close();
    return Promise.resolve({ batch: input.batch, perSecond: Math.round((input.transitions / ms) * 1_000) });
  });
}

function writeAll(database: DatabaseSync, { batch, transitions }: { batch: number; transitions: number }): void {
  const read = database.prepare("select version, body from stack where id = ?");
  const addEvent = database.prepare("insert into event values (?)");
  const addHistory = database.prepare("insert into history (stack_id, body) values (?, ?)");
  const addRun = database.prepare("insert into run values (?, ?)");
  const write = database.prepare("insert or replace into stack values (?, ?, ?)");
  for (let first = 0; first < transitions; first += batch) {
    database.exec("begin immediate");
    for (let index = first; index < Math.min(first + batch, transitions); index += 1) {
      const id = `stack-${index % STACKS}`;
      const version = Number(read.get(id)?.["version"] ?? 0);
      addEvent.run(`event-${index}`);
      addHistory.run(id, BODY);
      addRun.run(`${id}/${index}`, BODY);
      write.run(id, version + 1, BODY);
    }
    database.exec("commit");
  }
}
