import { type DispatchAttempt, type Stack, StackyardError, type StoreSignal } from "@stackyard/core";
import { type AuditEntry, toPendingKey } from "@stackyard/core/access";
import { readAttemptSecrets } from "@stackyard/core/attempt";
import {
  type AttemptSink,
  type BookAttempt,
  type Change,
  type CommitResult,
  type EndedAttempt,
  type QueuedEvent,
  toEventKey,
} from "@stackyard/core/engine";
import type { Database, Effects } from "./database.ts";
import { parkEvent, setEventAside, unparkEvent, writeParkedHead } from "./event-queue.ts";
import { findEnded, recordChange, recordEnded } from "./history.ts";
import { findStack, findStackRow, requireStackNo, writeStack } from "./stacks.ts";
import { type StoreState, writeOpenAttempts } from "./store-state.ts";

/**
 * One write in the making: its statements, what shall happen in memory once they are on the disk, and what the moves of
 * attempts have left to be written.
 */
export class Transaction implements AttemptSink, Effects {
  readonly state: StoreState;
  readonly signals = new Set<StoreSignal["kind"]>();
  /** Entries of the audit log, which are written with those of the whole group. */
  readonly audit: AuditEntry[] = [];
  readonly #effects: (() => void)[] = [];
  /** Stacks whose open attempts have changed, with the numbers of their rows where they are known. */
  readonly #touched = new Map<string, number | undefined>();
  #ended: EndedAttempt[] = [];

  constructor(state: StoreState) {
    this.state = state;
  }

  get database(): Database {
    return this.state.database;
  }

  afterCommit(effect: () => void): void {
    this.#effects.push(effect);
  }

  signal(kind: StoreSignal["kind"]): void {
    this.signals.add(kind);
  }

  /** Marks a stack whose open attempts must be written at the end. */
  touch(stackId: string): void {
    if (!this.#touched.has(stackId)) this.#touched.set(stackId, undefined);
  }

  /** Saves the look-up of a stack's row when its open attempts are written. */
  setStackNo(stackId: string, stackNo: number): void {
    if (this.#touched.has(stackId)) this.#touched.set(stackId, stackNo);
  }

  changed({ stackId }: BookAttempt): void {
    this.touch(stackId);
  }

  ended(attempt: EndedAttempt): void {
    this.touch(attempt.view.stackId);
    this.#ended.push(attempt);
  }

  sent(): void {
    this.signal("task");
  }

  enqueue(event: QueuedEvent, notBefore?: number): void {
    this.state.events.add(this, event, notBefore);
  }

  hasEnded({ attemptId }: DispatchAttempt): boolean {
    return findEnded(this.state, attemptId) !== undefined;
  }

  readSecrets({ attemptId, stackId }: BookAttempt, refs: readonly string[]): Stack["metadata"] {
    return readAttemptSecrets(findStack(this.database, stackId)?.stack, attemptId, refs);
  }

  /** Returns the attempts that have ended in this transaction and are not written yet; the caller writes them. */
  takeEnded(): readonly EndedAttempt[] {
    const ended = this.#ended;
    this.#ended = [];
    return ended;
  }

  /** Writes the remaining changes, before the commit. */
  finish(): void {
    const { database, attempts } = this.state;
    for (const ended of this.takeEnded()) recordEnded(this.state, ended);
    for (const [stackId, stackNo = requireStackNo(database, stackId)] of this.#touched) {
      writeOpenAttempts(database, attempts, { stackId, stackNo });
      this.afterCommit(() => this.state.renewed.delete(stackId));
    }
  }

  /** Runs the effects once the commit is on the disk. */
  runEffects(): void {
    for (const effect of this.#effects) effect();
  }
}

/** Writes the change of one caller. Runs inside a transaction, and again in a separate one when the group failed. */
export type Write<Result> = (transaction: Transaction) => Result;

interface Waiting {
  readonly write: Write<unknown>;
  readonly weight: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Done {
  readonly waiting: Waiting;
  readonly transaction: Transaction;
  readonly result: unknown;
}

/**
 * Writes of all callers, in the order of the calls, as many as wait in one transaction: they share its one wait for
 * the disk. Nothing is ever delayed in order to make a group larger. A write that fails undoes no other: the group is
 * rolled back and each runs alone.
 */
export class GroupCommit {
  readonly #state: StoreState;
  readonly #maxGroup: number;
  readonly #onCommitted: (signals: ReadonlySet<StoreSignal["kind"]>) => void;
  #queue: Waiting[] = [];
  #scheduled = false;
  #closed = false;

  constructor(state: StoreState, maxGroup: number, onCommitted: (signals: ReadonlySet<StoreSignal["kind"]>) => void) {
    this.#state = state;
    this.#maxGroup = maxGroup;
    this.#onCommitted = onCommitted;
  }

  /** Resolves once the write is on the disk. `weight`: how much of a group it fills. */
  write<Result>(write: Write<Result>, weight = 1): Promise<Result> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise<Result>((resolve, reject) => {
      // The queue contains writes of all types; each resolves with the result of its own function.
      this.#queue.push({ write, weight, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  /** Reads the present content of the disk, without waiting writes. Rejects with `STORE_CLOSED` after `close`. */
  async read<Result>(read: (state: StoreState) => Result | Promise<Result>): Promise<Result> {
    if (this.#closed) throw closedError();
    this.#state.refresh();
    return read(this.#state);
  }

  /** Writes what waits, and the leases that were renewed in memory; later writes are refused. */
  close(): void {
    this.#closed = true;
    while (this.#queue.length > 0) this.#flush();
    this.#flushRenewed();
  }

  #flushRenewed(): void {
    const { renewed } = this.#state;
    if (renewed.size === 0) return;
    const write = (transaction: Transaction) => {
      for (const stackId of renewed) transaction.touch(stackId);
    };
    // Without the write they end early, as after a crash.
    this.#runAlone({ write, weight: 1, resolve: () => undefined, reject: () => undefined });
  }

  // A turn of the event loop, not a microtask: what the last group's callers do next joins the next group.
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
      if (this.#queue.length > 0) this.#schedule();
    });
  }

  #flush(): void {
    const group = this.#takeGroup();
    if (group.length === 0) return;
    try {
      this.#finish(this.#runTogether(group));
    } catch (error) {
      const [only, ...others] = group;
      if (only !== undefined && others.length === 0) only.reject(error);
      else for (const waiting of group) this.#runAlone(waiting);
    }
  }

  #takeGroup(): Waiting[] {
    let weight = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      weight += waiting.weight;
      if (count > 0 && weight > this.#maxGroup) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  #runAlone(waiting: Waiting): void {
    try {
      this.#finish(this.#runTogether([waiting]));
    } catch (error) {
      waiting.reject(error);
    }
  }

  #runTogether(group: readonly Waiting[]): readonly Done[] {
    this.#state.refresh();
    this.#state.database.run("begin immediate");
    try {
      const done = group.map((waiting): Done => {
        const transaction = new Transaction(this.#state);
        const result = waiting.write(transaction);
        transaction.finish();
        return { waiting, transaction, result };
      });
      addAuditEntries(
        this.#state.database,
        done.flatMap(({ transaction }) => transaction.audit),
      );
      this.#state.database.run("commit");
      return done;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  // SQLite ends the transaction itself after some errors, such as a full disk.
  #rollBack(): void {
    this.#state.invalidate();
    if (this.#state.database.isTransaction) this.#state.database.run("rollback");
  }

  #finish(done: readonly Done[]): void {
    for (const { transaction } of done) transaction.runEffects();
    for (const { waiting, result } of done) waiting.resolve(result);
    const signals = new Set(done.flatMap(({ transaction }) => [...transaction.signals]));
    if (signals.size > 0) this.#onCommitted(signals);
  }
}

function closedError(): StackyardError {
  return new StackyardError("STORE_CLOSED", "The store was closed. Open it again before you use it.");
}

/**
 * Writes everything that a change does to its stack, or nothing when the stack, an event or an attempt was changed
 * before.
 */
export function commitChange(transaction: Transaction, change: Change): CommitResult {
  const { database, state } = transaction;
  const { stackId, results = [], claims = [] } = change;
  const row = findStackRow(database, stackId);
  if ((row?.is_there === 1 ? row.version : 0) !== change.expectedVersion) return { kind: "conflict" };
  const eventIds = findApplied(database, change);
  if (eventIds.length > 0) return { kind: "duplicate", eventIds };
  const lost = state.attempts.findLost(results);
  if (lost.length > 0) return { kind: "lost", attemptIds: lost };
  if (results.length > 0 && state.events.hasOthers(stackId, change.receipts)) return { kind: "behind" };
  const version = writeStack(state, row, change);
  rememberApplied(database, change, row?.id_count ?? 0);
  writeEvents(transaction, change);
  const grants = state.attempts.commit(transaction, change);
  if (row !== undefined) transaction.setStackNo(stackId, row.stack_no);
  if (change.cancels.length > 0) transaction.signal("task");
  recordChange(state, change, transaction.takeEnded());
  if (change.history.length > 0) transaction.signal("history");
  return { kind: "committed", version, ...(claims.length === 0 ? {} : { grants }) };
}

function writeEvents(transaction: Transaction, change: Change): void {
  const { state } = transaction;
  for (const parked of change.park) parkEvent(state, parked);
  for (const head of change.retried ?? []) writeParkedHead(state.database, head);
  for (const eventId of change.unpark) unparkEvent(state.database, change.stackId, eventId);
  for (const deadLetters of change.deadLetters) setEventAside(state.database, deadLetters);
  transaction.audit.push(...(change.audit ?? []));
  if (change.receipts.length === 0) return;
  const remembered = new Set([...change.appliedIds, ...change.park.map(({ event }) => toEventKey(event))]);
  for (const receipt of change.receipts) acknowledge(transaction, receipt, remembered);
}

/** Rows of one statement: what a statement costs besides its rows is then shared. */
const AUDIT_ROWS = 16;

/** Adds the records of entries of the audit log. No other entry has the id of one. */
function addAuditEntries(database: Database, entries: readonly AuditEntry[]): void {
  for (let first = 0; first < entries.length; first += AUDIT_ROWS) {
    const rows = entries.slice(first, first + AUDIT_ROWS);
    const values = rows.map(() => "(?, ?)").join(", ");
    const parameters = rows.flatMap((entry) => [toPendingKey(entry.id), JSON.stringify(entry)]);
    database.run(`insert into record (key, value) values ${values}`, ...parameters);
  }
}

/** Deletes the row of a queue. Ignores unknown receipts and those without a row, such as receipts of polls. */
export function acknowledge(transaction: Transaction, receipt: string, remembered?: ReadonlySet<string>): void {
  const { events, attempts } = transaction.state;
  events.remove(transaction, receipt, remembered);
  attempts.acknowledge(transaction, receipt);
}

/** Returns the keys of events of a change, applied, parked or dead-lettered by it, that were applied before. */
function findApplied(database: Database, change: Change): readonly string[] {
  const known: string[] = [];
  for (const id of change.appliedIds) if (isApplied(database, change.stackId, id)) known.push(id);
  for (const { event } of [...change.park, ...(change.retried ?? []), ...change.deadLetters]) {
    if (isApplied(database, event.stackId, toEventKey(event))) known.push(toEventKey(event));
  }
  return known;
}

function isApplied(database: Database, stackId: string, eventId: string): boolean {
  const select = "select applied_at from event_id where event_id = ? and stack_id = ?";
  const row = database.get<{ applied_at: number | null }>(select, eventId, stackId);
  return row !== undefined && row.applied_at !== null;
}

/** Remembers ids as applied; `count`: how many the stack had before. */
function rememberApplied(database: Database, change: Change, count: number): void {
  for (const [index, id] of change.appliedIds.entries()) {
    const insert = `insert into event_id (event_id, stack_id, applied_at, number) values (?, ?, ?, ?)
       on conflict do update set applied_at = excluded.applied_at, number = excluded.number`;
    database.run(insert, id, change.stackId, change.now, count + index + 1);
  }
}

/** Ends the leases of an owner that is dead, so that its attempts continue at once; its late calls are fenced. */
export function endLeases(transaction: Transaction, now: number): void {
  const { attempts } = transaction.state;
  for (const { attemptId, stackId, owner = "", token, status, leaseUntil = 0 } of [...attempts.all()]) {
    if (status !== "running" || leaseUntil <= now) continue;
    attempts.renew({ attemptId, owner, token }, { leaseMs: 0, now });
    transaction.touch(stackId);
  }
}
