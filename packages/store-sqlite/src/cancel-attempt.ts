import { type AttemptRow, findAttemptRow } from "./attempt-row.ts";
import { endAttempt } from "./end-attempt.ts";
import { enqueueEvent } from "./event-queue.ts";
import type { CancelAttempt } from "./port-types.ts";
import type { Transaction } from "./transaction.ts";

/** Asks an attempt to stop, or ends one that nobody works on; unknown and settled ones are passed over. */
export function cancelAttempt(transaction: Transaction, cancel: CancelAttempt, now: number): void {
  const { database, store } = transaction;
  const row = findAttemptRow(database, store.attemptNos, cancel.attemptId);
  if (row === undefined || row.status === "settled") return;
  const nobodyWorks = row.status === "unclaimed" || row.status === "queued";
  if (nobodyWorks && cancel.unclaimedAtOnce) endAtOnce(transaction, row, now);
  else if (row.cancel_until === null) mark(transaction, row, cancel, now, nobodyWorks);
}

function endAtOnce(transaction: Transaction, row: AttemptRow, now: number): void {
  const { attempt_id: dispatchId, stack_id: stackId, task } = row;
  endAttempt(transaction, row, "cancelled", now);
  enqueueEvent(transaction, {
    id: `cancelled:${dispatchId}`,
    stackId,
    origin: "worker",
    receivedAt: now,
    message: { event: "TASK_CANCELLED", stackId, task: { name: task }, dispatchId },
  });
}

/** An attempt that a runner without the store may work on keeps its deadline until that has passed. */
function mark(
  transaction: Transaction,
  row: AttemptRow,
  { why, withinMs }: CancelAttempt,
  now: number,
  nobodyWorks: boolean,
): void {
  const cancelUntil = nobodyWorks && why === "requested" ? null : now + withinMs;
  transaction.database.run(
    `update attempt
        set cancelling = coalesce(cancelling, ?), cancel_within_ms = ?, cancel_until = ?, ends_at = coalesce(?, ends_at),
            poll_due_at = case status when 'suspended' then min(poll_due_at, ?) end
      where attempt_no = ?`,
    why,
    withinMs,
    cancelUntil,
    cancelUntil,
    now,
    row.attempt_no,
  );
  transaction.signal("task");
}
