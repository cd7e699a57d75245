import { type Change, type CommitResult, toEventKey } from "@stackyard/core/engine";
import { findLost, writeAttempts } from "./attempts.ts";
import { findApplied, rememberApplied } from "./event-ids.ts";
import { hasOtherEvents } from "./event-queue.ts";
import { recordHistory } from "./history.ts";
import { parkEvent, unparkEvent } from "./park-events.ts";
import { findEventSeq, removeReceipt } from "./receipts.ts";
import { setEventAside } from "./set-aside-events.ts";
import { findStackRow } from "./stack-row.ts";
import type { Transaction } from "./transaction.ts";
import { writeStack } from "./write-stack.ts";

/** Writes everything that a change does to its stack, or nothing when the stack or one of its events was changed before. */
export function commitChange(transaction: Transaction, change: Change): CommitResult {
  const { database } = transaction;
  const row = findStackRow(database, change.stackId);
  if ((row?.is_there === 1 ? row.version : 0) !== change.expectedVersion) return { kind: "conflict" };
  const eventIds = findApplied(database, change);
  if (eventIds.length > 0) return { kind: "duplicate", eventIds };
  const attemptIds = findLost(transaction, change);
  if (attemptIds.length > 0) return { kind: "lost", attemptIds };
  if (isBehind(transaction, change)) return { kind: "behind" };
  const version = writeStack(transaction, row, change);
  rememberApplied(database, change, row?.id_count ?? 0);
  writeEvents(transaction, change);
  const grants = writeAttempts(transaction, change);
  return {
    kind: "committed",
    version,
    ...(change.claims === undefined || change.claims.length === 0 ? {} : { grants }),
  };
}

/** Whether a result of the change would overtake an event of its stack. */
function isBehind({ database }: Transaction, { stackId, results = [], acknowledges }: Change): boolean {
  if (results.length === 0) return false;
  return hasOtherEvents(database, stackId, new Set(acknowledges.map(findEventSeq)));
}

function writeEvents(transaction: Transaction, change: Change): void {
  for (const parked of change.park) parkEvent(transaction, parked);
  for (const eventId of change.unpark) unparkEvent(transaction, change.stackId, eventId);
  for (const setAside of change.setAside) setEventAside(transaction, setAside);
  for (const entry of change.history) recordHistory(transaction, entry);
  if (change.acknowledges.length === 0) return;
  const remembered = new Set([...change.appliedIds, ...change.park.map(({ event }) => toEventKey(event))]);
  for (const receipt of change.acknowledges) removeReceipt(transaction, receipt, remembered);
}
