import type { Grant } from "@stackyard/core/engine";
import { endAttempt } from "./end-attempt.ts";
import { enqueueEvent } from "./event-queue.ts";
import { findGranted } from "./find-granted.ts";
import type { SettleInput } from "./port-types.ts";
import type { Transaction } from "./transaction.ts";

/** Ends the attempt that runs under this grant, and queues its result and its follow-ups. */
export function settle(transaction: Transaction, grant: Grant, input: SettleInput): "settled" | "lost" {
  const row = findGranted(transaction, grant);
  if (row === undefined) return "lost";
  endAttempt(transaction, row, input.outcome, input.now);
  if (input.log !== undefined) {
    transaction.database.run("insert into attempt_log (attempt_no, log) values (?, ?)", row.attempt_no, input.log);
  }
  enqueueEvent(transaction, input.event);
  for (const { event, notBefore } of input.followUps ?? []) enqueueEvent(transaction, event, notBefore);
  return "settled";
}
