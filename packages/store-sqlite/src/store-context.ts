import type { Database } from "./database.ts";
import { DueLeases } from "./due-leases.ts";
import { QueueWindow } from "./queue-window.ts";
import { readEventRows } from "./read-event-rows.ts";
import { readTaskRows } from "./read-task-rows.ts";
import { Sequence } from "./sequence.ts";
import { Tally } from "./tally.ts";

/** An open store: its connection, and what one process may keep in memory because it is the only writer. */
export interface StoreContext {
  readonly database: Database;
  readonly tally: Tally;
  readonly events: QueueWindow;
  readonly tasks: QueueWindow;
  readonly dueLeases: DueLeases;
  /** Stacks that may have parked events: asking the table for each load would cost more than all that are parked. */
  readonly parkedStacks: Set<string>;
  readonly eventSeq: Sequence;
  readonly taskSeq: Sequence;
  readonly positions: Sequence;
  readonly attemptNos: Sequence;
}

/** Reads the ends of tables and what is parked, so opening a large store takes hardly longer than a small one. */
export function createStoreContext(database: Database): StoreContext {
  return {
    database,
    tally: new Tally(database),
    events: new QueueWindow((afterSeq, limit) => readEventRows(database, afterSeq, limit)),
    tasks: new QueueWindow((afterSeq, limit) => readTaskRows(database, afterSeq, limit)),
    dueLeases: new DueLeases(),
    parkedStacks: readParkedStacks(database),
    eventSeq: Sequence.load(database, "event_queue", "seq"),
    taskSeq: Sequence.load(database, "task_queue", "seq"),
    positions: Sequence.load(database, "history", "position"),
    attemptNos: Sequence.load(database, "attempt", "attempt_no"),
  };
}

function readParkedStacks(database: Database): Set<string> {
  return new Set(
    database.all<{ stack_id: string }>("select distinct stack_id from parked").map(({ stack_id }) => stack_id),
  );
}
