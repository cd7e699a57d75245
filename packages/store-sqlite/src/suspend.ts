import type { Grant } from "@stackyard/core/engine";
import { findGranted } from "./find-granted.ts";
import type { SuspendInput } from "./port-types.ts";
import type { Transaction } from "./transaction.ts";

/** Gives the lease back until the poll is due: at once when a cancel was asked for that the owner was not granted with. */
export function suspend(transaction: Transaction, grant: Grant, input: SuspendInput): "suspended" | "lost" {
  const row = findGranted(transaction, grant);
  if (row === undefined) return "lost";
  const isUntold = row.cancelling !== null && row.cancel_told === 0;
  transaction.database.run(
    `update attempt
        set status = 'suspended', lease_until = null, poll_due_at = ?, progress = ?,
            progress_message = coalesce(?, progress_message)
      where attempt_no = ?`,
    isUntold ? input.now : input.dueAt,
    JSON.stringify(input.progress ?? null),
    input.message ?? null,
    row.attempt_no,
  );
  transaction.signal("task");
  return "suspended";
}
