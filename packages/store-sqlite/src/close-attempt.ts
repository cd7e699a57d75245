import { findAttemptRow } from "./attempt-row.ts";
import { endAttempt } from "./end-attempt.ts";
import type { Transaction } from "./transaction.ts";

/** Ends an attempt whose run was closed by the engine; unknown and settled ones are passed over. */
export function closeAttempt(transaction: Transaction, attemptId: string, now: number): void {
  const { database, store } = transaction;
  const row = findAttemptRow(database, store.attemptNos, attemptId);
  if (row !== undefined && row.status !== "settled") endAttempt(transaction, row, "closed", now);
}
