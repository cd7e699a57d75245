import type { AttemptView } from "@stackyard/core/engine";
import type { AttemptRow } from "./attempt-row.ts";
import { passKeysOn } from "./exclusive-keys.ts";
import { unqueueTask } from "./task-queue.ts";
import type { Transaction } from "./transaction.ts";

/** Ends an open attempt: nothing of it is due any more, its message leaves the queue, its keys go to the next. */
export function endAttempt(
  transaction: Transaction,
  row: AttemptRow,
  outcome: NonNullable<AttemptView["outcome"]>,
  now: number,
): void {
  transaction.database.run(
    `update attempt
        set status = 'settled', outcome = ?, settled_at = ?, ends_at = null, lease_until = null, poll_due_at = null,
            keys = null, queued_key = null, queue_seq = null
      where attempt_no = ?`,
    outcome,
    now,
    row.attempt_no,
  );
  if (row.queue_seq !== null) unqueueTask(transaction, row.queue_seq);
  passKeysOn(transaction, row, now);
  transaction.count("openAttempts", -1);
}
