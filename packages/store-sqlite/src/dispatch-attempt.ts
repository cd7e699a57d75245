import { unclaimedMs } from "./attempt-deadline.ts";
import { findAttemptRow } from "./attempt-row.ts";
import type { Dispatch } from "./port-types.ts";
import { queueTask } from "./task-queue.ts";
import type { Transaction } from "./transaction.ts";

/** Makes an attempt of a dispatch and queues its message; `again` only queues the message of one that is there. */
export function dispatchAttempt(transaction: Transaction, dispatch: Dispatch, now: number): void {
  if (dispatch.again) sendAgain(transaction, dispatch, now);
  else addAttempt(transaction, dispatch, now);
}

function addAttempt(transaction: Transaction, dispatch: Dispatch, now: number): void {
  const { database, store } = transaction;
  const attemptNo = store.attemptNos.next();
  const deadlineAt = now + unclaimedMs(dispatch.timeoutMs);
  database.run(
    `insert into attempt (attempt_no, attempt_id, stack_id, task, entry, attempt, executor, dispatched_at, timeout_ms,
                          cancel_within_ms, status, deadline_at, ends_at, token, cancel_told, queue_seq, secrets)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'unclaimed', ?, ?, 0, 0, ?, ?)`,
    attemptNo,
    dispatch.attemptId,
    dispatch.stackId,
    dispatch.task,
    dispatch.entry,
    dispatch.attempt,
    dispatch.executor ?? null,
    now,
    dispatch.timeoutMs,
    dispatch.cancelWithinMs,
    deadlineAt,
    deadlineAt,
    queueTask(transaction, attemptNo, now),
    dispatch.secrets === undefined ? null : JSON.stringify(dispatch.secrets),
  );
  database.run(
    "insert into attempt_message (attempt_no, message) values (?, ?)",
    attemptNo,
    JSON.stringify(dispatch.message),
  );
  transaction.count("openAttempts", 1);
}

function sendAgain(transaction: Transaction, dispatch: Dispatch, now: number): void {
  const { database, store } = transaction;
  const row = findAttemptRow(database, store.attemptNos, dispatch.attemptId);
  if (row === undefined) addAttempt(transaction, dispatch, now);
  else if (row.status !== "settled" && row.queue_seq === null) {
    const seq = queueTask(transaction, row.attempt_no, now);
    database.run("update attempt set queue_seq = ? where attempt_no = ?", seq, row.attempt_no);
  }
}
