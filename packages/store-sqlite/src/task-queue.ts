import type { Database } from "./database.ts";
import type { DueItemOf, TaskMessage } from "./port-types.ts";
import type { Transaction } from "./transaction.ts";
import type { WindowRow } from "./window-row.ts";

/** Queues the message of an attempt. Gives the row's number, which the attempt keeps. */
export function queueTask(transaction: Transaction, attemptNo: number, now: number): number {
  const { database, store } = transaction;
  const seq = store.taskSeq.next();
  database.run(
    "insert into task_queue (seq, attempt_no, visible_at, deliveries, queued_at) values (?, ?, 0, 0, ?)",
    seq,
    attemptNo,
    now,
  );
  transaction.count("queuedTasks", 1);
  transaction.signal("task");
  return seq;
}

/** Takes the message of an attempt off the queue; the caller clears the attempt's number of it. */
export function unqueueTask(transaction: Transaction, seq: number): void {
  const { database, store } = transaction;
  if (database.run("delete from task_queue where seq = ?", seq) === 0) return;
  transaction.count("queuedTasks", -1);
  transaction.afterCommit(() => store.tasks.remove(seq));
}

/** What a row of the window hands out. */
export function readTaskItem(database: Database, row: WindowRow): DueItemOf<"task"> | undefined {
  const { seq, subject, deliveries, document } = row;
  const message = document === undefined ? readMessage(database, Number(subject)) : parseMessage(document);
  if (message === undefined) return undefined;
  return { kind: "task", receipt: `task:${seq}`, attemptId: message.dispatch.id, message, deliveries };
}

/** The message that an attempt was dispatched with. */
export function readMessage(database: Database, attemptNo: number): TaskMessage | undefined {
  const row = database.get<{ message: string }>("select message from attempt_message where attempt_no = ?", attemptNo);
  return row === undefined ? undefined : parseMessage(row.message);
}

function parseMessage(document: string): TaskMessage {
  return JSON.parse(document) as TaskMessage;
}

/** Removes a message that its consumer is done with. */
export function removeTask(transaction: Transaction, seq: number): void {
  const row = transaction.store.tasks.find(seq);
  if (row === undefined) return;
  unqueueTask(transaction, seq);
  transaction.database.run(
    "update attempt set queue_seq = null where attempt_no = ? and queue_seq = ?",
    Number(row.subject),
    seq,
  );
}

/** Ends the lease of a message; the row remembers the instant and the count over a restart. */
export function giveTaskBack(transaction: Transaction, seq: number, visibleAt: number): void {
  const { database, store } = transaction;
  const row = store.tasks.find(seq);
  if (row === undefined) return;
  database.run("update task_queue set visible_at = ?, deliveries = ? where seq = ?", visibleAt, row.deliveries, seq);
  transaction.afterCommit(() => store.tasks.giveBack(seq, visibleAt));
  transaction.signal("task");
}
