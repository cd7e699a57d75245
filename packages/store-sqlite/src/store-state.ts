import { type DueKind, isMap, type Logger } from "@stackyard/core";
import {
  AttemptBook,
  type BookAttempt,
  type DueItem,
  type DueSource,
  findNextDueAt,
  type QueuedMessage,
  type Take,
  type TakeDueInput,
  takeFrom,
} from "@stackyard/core/engine";
import { type Database, Sequence } from "./database.ts";
import { EventQueue } from "./event-queue.ts";
import { StackCounts } from "./stacks.ts";

/** An open store: its connection, and what one process may keep in memory because it is the only writer. */
export class StoreState {
  readonly database: Database;
  readonly counts: StackCounts;
  readonly events: EventQueue;
  readonly dueLeases = new DueLeases();
  readonly positions: Sequence;
  /** Stacks that may have parked events: asking the table for each load would cost more than all that are parked. */
  readonly parkedStacks: Set<string>;
  /** Stacks with attempts that were renewed since they were written. */
  readonly renewed = new Set<string>();
  readonly #logger: Logger;
  #attempts: AttemptBook;
  #isStale = false;
  #takes = 0;

  /** Reads open attempts, ends of tables and parked stacks: a large store opens about as fast as a small one. */
  constructor(database: Database, logger: Logger) {
    this.database = database;
    this.#logger = logger;
    this.counts = new StackCounts(database);
    this.events = new EventQueue(database);
    this.positions = Sequence.load(database, "history", "position");
    this.parkedStacks = new Set(
      database.all<{ stack_id: string }>("select distinct stack_id from parked").map(({ stack_id }) => stack_id),
    );
    this.#attempts = this.#readAttempts();
  }

  get attempts(): AttemptBook {
    return this.#attempts;
  }

  /** Marks the state as stale after a transaction was undone: its changes in memory must be read again. */
  invalidate(): void {
    this.#isStale = true;
    this.events.forgetCounts();
    this.counts.forget();
  }

  /** Reads again what a transaction has left in memory that was undone. Leases that were renewed since stay. */
  refresh(): void {
    if (!this.#isStale) return;
    const attempts = this.#readAttempts();
    for (const stackId of this.renewed) attempts.keepLeases(this.#attempts.listOf(stackId));
    this.#attempts = attempts;
    this.#isStale = false;
  }

  beginTake({ now, leaseMs }: Omit<Take, "number">): Take {
    this.#takes += 1;
    return { number: this.#takes, now, leaseMs };
  }

  #readAttempts(): AttemptBook {
    const book = new AttemptBook();
    book.restore(readOpenAttempts(this.database, this.#logger));
    return book;
  }
}

/** Receives due items, oldest first over all kinds, and leases them in memory; writes nothing. */
export function takeDue(state: StoreState, input: TakeDueInput): readonly DueItem[] {
  const { now, leaseMs, limit } = input;
  state.dueLeases.dropEnded(now);
  const sources = [...new Set(input.kinds)].map((kind) => openSource(state, kind, limit));
  return takeFrom(sources, state.beginTake({ now, leaseMs }), limit);
}

/** Returns the earliest instant at which an item of these kinds may be due. */
export function nextDueAt(state: StoreState, kinds: readonly DueKind[]): number | undefined {
  return findNextDueAt(kinds.map((kind) => openSource(state, kind, 1)));
}

function openSource(state: StoreState, kind: DueKind, limit: number): DueSource {
  if (kind === "event") return state.events.openSource(limit);
  if (kind === "timer" || kind === "parked") return openStackSource(state, kind, limit);
  return state.attempts.toDueSource(kind);
}

/** Something of a stack that time makes due. An index of its table finds it. */
interface DueRow {
  /** Names this work at this instant: a lease on it means nothing for a later one. */
  readonly key: string;
  readonly stackId: string;
  readonly dueAt: number;
}

const DUE_ROWS = { timer: readTimers, parked: readParked };

function openStackSource({ database, dueLeases }: StoreState, kind: "timer" | "parked", limit: number): DueSource {
  let rows: readonly DueRow[] | undefined;
  let next = 0;
  const peek = (now: number): DueRow | undefined => {
    rows ??= DUE_ROWS[kind](database, now, limit + dueLeases.size).filter(
      ({ key }) => dueLeases.findUntil(key, now) === undefined,
    );
    return rows[next];
  };
  return {
    findDueAt: ({ now }) => peek(now)?.dueAt,
    takeOne({ now, leaseMs }) {
      const row = peek(now);
      next += 1;
      if (row === undefined) return undefined;
      dueLeases.lease(row.key, now + leaseMs);
      return { kind, stackId: row.stackId, dueAt: row.dueAt };
    },
    nextDueAt() {
      let earliest: number | undefined;
      for (const { key, dueAt } of DUE_ROWS[kind](database, Number.MAX_SAFE_INTEGER, dueLeases.size + 1)) {
        const until = dueLeases.findUntil(key, Number.NEGATIVE_INFINITY);
        earliest = Math.min(earliest ?? Number.POSITIVE_INFINITY, until ?? dueAt);
        // Rows come oldest first: rows behind an unleased one are not due earlier.
        if (until === undefined) return earliest;
      }
      return earliest;
    },
  };
}

interface DueStackRow {
  readonly stack_id: string;
  readonly due_at: number;
}

function readTimers(database: Database, until: number, limit: number): readonly DueRow[] {
  const select =
    "select stack_id, version, timer_at as due_at from stack where timer_at <= ? order by timer_at limit ?";
  const rows = database.all<DueStackRow & { version: number }>(select, until, limit);
  return rows.map(({ stack_id: stackId, version, due_at: dueAt }) => ({
    // A later record may have another timer of the same instant.
    key: `timer:${dueAt}:${version}:${stackId}`,
    stackId,
    dueAt,
  }));
}

function readParked(database: Database, until: number, limit: number): readonly DueRow[] {
  const select =
    "select stack_id, next_try_at as due_at from parked where next_try_at <= ? order by next_try_at limit ?";
  return database
    .all<DueStackRow>(select, until, limit)
    .filter(isFirstOfStack())
    .map(({ stack_id: stackId, due_at: dueAt }) => ({ key: `parked:${dueAt}:${stackId}`, stackId, dueAt }));
}

function isFirstOfStack(): (row: DueStackRow) => boolean {
  const seen = new Set<string>();
  return ({ stack_id }) => !seen.has(stack_id) && seen.add(stack_id) !== undefined;
}

/** Who took due work of stacks: such leases live in memory and end with the process. */
class DueLeases {
  /** In the order of the leases; those that ended are dropped from the beginning. */
  readonly #until = new Map<string, number>();

  get size(): number {
    return this.#until.size;
  }

  /** Returns the end of the lease of that work; undefined when it is not leased. */
  findUntil(key: string, now: number): number | undefined {
    const until = this.#until.get(key);
    return until !== undefined && until > now ? until : undefined;
  }

  lease(key: string, until: number): void {
    this.#until.delete(key);
    this.#until.set(key, until);
  }

  dropEnded(now: number): void {
    for (const [key, until] of this.#until) {
      if (until > now) return;
      this.#until.delete(key);
    }
  }
}

/** The stored form of an open attempt in the row of its stack. */
interface KeptAttempt extends Omit<BookAttempt, "stackId" | "message"> {
  readonly message: unknown;
  readonly queued?: QueuedMessage;
}

/**
 * Replaces the open attempts of a stack. A renewal alone is not written: a lease that is lost with the process ends
 * early, its attempt is claimed again, and the token of that grant fences a late owner.
 */
export function writeOpenAttempts(
  database: Database,
  attempts: AttemptBook,
  { stackId, stackNo }: { readonly stackId: string; readonly stackNo: number },
): void {
  const open = attempts.listOf(stackId);
  if (open.length === 0) {
    database.run("delete from open_attempts where stack_no = ?", stackNo);
    return;
  }
  const kept = open.map((attempt) => toText(attempt, attempts.findQueued(attempt.attemptId)));
  const insert = `insert into open_attempts (stack_no, attempts) values (?, ?)
     on conflict do update set attempts = excluded.attempts`;
  database.run(insert, stackNo, `[${kept.join(",")}]`);
}

function toText({ message, stackId: _, ...facts }: BookAttempt, queued: QueuedMessage | undefined): string {
  const text = JSON.stringify(queued === undefined ? facts : { ...facts, queued: toPlace(queued) });
  // The message is JSON already.
  return `${text.slice(0, -1)},"message":${message}}`;
}

function toPlace({ number, dueAt, visibleAt, deliveries }: QueuedMessage): QueuedMessage {
  return { number, dueAt, visibleAt, deliveries };
}

/** Reads all open attempts. Logs and skips unreadable rows, so that the store opens. */
function readOpenAttempts(database: Database, logger: Logger) {
  const rows = database.each<{ stack_id: string; attempts: string }>(
    "select stack_id, attempts from open_attempts join stack using (stack_no)",
  );
  const found: { readonly attempt: BookAttempt; readonly queued?: QueuedMessage }[] = [];
  for (const { stack_id: stackId, attempts } of rows) {
    try {
      for (const kept of parseKept(attempts)) found.push(toAttempt(stackId, kept));
    } catch (error) {
      logger.error("The open attempts of a stack cannot be read. Retry its pending tasks.", { stackId, error });
    }
  }
  return found.sort((a, b) => a.attempt.sequence - b.attempt.sequence);
}

function toAttempt(stackId: string, { queued, message, ...facts }: KeptAttempt) {
  const attempt = { ...facts, stackId, message: JSON.stringify(message) };
  return queued === undefined ? { attempt } : { attempt, queued };
}

function parseKept(text: string): readonly KeptAttempt[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list) || !list.every(isKept)) throw new TypeError("The row is not a list of attempts.");
  return list;
}

const NUMBERS = ["token", "deadlineAt", "remainingMs", "timeoutMs", "dispatchedAt", "sequence"];

function isKept(value: unknown): value is KeptAttempt {
  if (!isMap(value)) return false;
  const texts = ["attemptId", "task", "status"].every((name) => typeof value[name] === "string");
  return texts && NUMBERS.every((name) => typeof value[name] === "number") && Array.isArray(value["heldKeys"]);
}
