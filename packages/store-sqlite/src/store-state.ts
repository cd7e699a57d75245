import type { Logger } from "@stackyard/core";
import { AttemptBook, type Take } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import { DueLeases } from "./due-leases.ts";
import { EventQueue } from "./event-queue.ts";
import { readOpenAttempts } from "./open-attempts.ts";
import { Sequence } from "./sequence.ts";
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
  #attempts: AttemptBook<string>;
  #isStale = false;
  #takes = 0;

  /** Reads open attempts, ends of tables and what is parked: a large store opens about as fast as a small one. */
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

  get attempts(): AttemptBook<string> {
    return this.#attempts;
  }

  /** A transaction was undone: what it has changed in memory must be read again. */
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

  #readAttempts(): AttemptBook<string> {
    const book = new AttemptBook<string>({
      keepMessage: (message) => JSON.stringify(message),
      readMessage: (kept) => JSON.parse(kept),
    });
    book.restore(readOpenAttempts(this.database, this.#logger));
    return book;
  }
}
