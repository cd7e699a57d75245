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
  readonly eventSeq: Sequence;
  readonly taskSeq: Sequence;
  readonly positions: Sequence;
  readonly attemptNos: Sequence;
}

/** Reads only the ends of tables, so opening takes as long for a large store as for a small one. */
export function createStoreContext(database: Database): StoreContext {
  return {
    database,
    tally: new Tally(database),
    events: new QueueWindow((afterSeq, limit) => readEventRows(database, afterSeq, limit)),
    tasks: new QueueWindow((afterSeq, limit) => readTaskRows(database, afterSeq, limit)),
    dueLeases: new DueLeases(),
    eventSeq: Sequence.load(database, "event_queue", "seq"),
    taskSeq: Sequence.load(database, "task_queue", "seq"),
    positions: Sequence.load(database, "history", "position"),
    attemptNos: Sequence.load(database, "attempt", "attempt_no"),
  };
}
