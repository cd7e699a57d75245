import { giveEventBack, removeEvent } from "./event-queue.ts";
import { giveTaskBack, removeTask } from "./task-queue.ts";
import type { Transaction } from "./transaction.ts";

const QUEUED = /^(event|task):(\d{1,15})$/;

/** The number of the event's row that a receipt stands for; undefined when it is another kind's. */
export function findEventSeq(receipt: string): number | undefined {
  const [, kind, seq] = QUEUED.exec(receipt) ?? [];
  return kind === "event" ? Number(seq) : undefined;
}

/** Removes the queue's row; other receipts, as those of polls, and unknown ones are passed over. */
export function removeReceipt(transaction: Transaction, receipt: string, remembered?: ReadonlySet<string>): void {
  const [, kind, seq] = QUEUED.exec(receipt) ?? [];
  if (kind === "event") removeEvent(transaction, Number(seq), remembered);
  if (kind === "task") removeTask(transaction, Number(seq));
}

/** Ends the lease that the receipt stands for: handed out again from that instant on. */
export function giveReceiptBack(transaction: Transaction, receipt: string, visibleAt: number): void {
  const [, kind, seq] = QUEUED.exec(receipt) ?? [];
  if (kind === "event") giveEventBack(transaction, Number(seq), visibleAt);
  else if (kind === "task") giveTaskBack(transaction, Number(seq), visibleAt);
  else transaction.afterCommit(() => transaction.store.dueLeases.giveBack(receipt, visibleAt));
}
