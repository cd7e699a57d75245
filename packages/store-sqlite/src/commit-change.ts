import { type Change, type CommitResult, toEventKey } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import type { Transaction } from "./group-commit.ts";
import { recordChange } from "./history.ts";
import { parkEvent, setEventAside, unparkEvent } from "./kept-events.ts";
import { findStackRow, writeStack } from "./stacks.ts";

/** Writes everything that a change does to its stack, or nothing when the stack, an event or an attempt was changed before. */
export function commitChange(transaction: Transaction, change: Change): CommitResult {
  const { database, state } = transaction;
  const { stackId, results = [], claims = [] } = change;
  const row = findStackRow(database, stackId);
  if ((row?.is_there === 1 ? row.version : 0) !== change.expectedVersion) return { kind: "conflict" };
  const eventIds = findApplied(database, change);
  if (eventIds.length > 0) return { kind: "duplicate", eventIds };
  const lost = state.attempts.findLost(results);
  if (lost.length > 0) return { kind: "lost", attemptIds: lost };
  if (results.length > 0 && state.events.hasOthers(stackId, change.acknowledges)) return { kind: "behind" };
  const version = writeStack(state, row, change);
  rememberApplied(database, change, row?.id_count ?? 0);
  writeEvents(transaction, change);
  const grants = state.attempts.commit(transaction, change);
  if (row !== undefined) transaction.setStackNo(stackId, row.stack_no);
  if (change.cancels.length > 0) transaction.signal("task");
  recordChange(state, change, transaction.takeEnded());
  if (change.history.length > 0) transaction.signal("history");
  return { kind: "committed", version, ...(claims.length === 0 ? {} : { grants }) };
}

function writeEvents(transaction: Transaction, change: Change): void {
  const { state } = transaction;
  for (const parked of change.park) parkEvent(state, parked);
  for (const eventId of change.unpark) unparkEvent(state, change.stackId, eventId);
  for (const setAside of change.setAside) setEventAside(state, setAside);
  if (change.acknowledges.length === 0) return;
  const remembered = new Set([...change.appliedIds, ...change.park.map(({ event }) => toEventKey(event))]);
  for (const receipt of change.acknowledges) acknowledge(transaction, receipt, remembered);
}

/** Removes the row of a queue; other receipts, as those of polls, and unknown ones are passed over. */
export function acknowledge(transaction: Transaction, receipt: string, remembered?: ReadonlySet<string>): void {
  const { events, attempts } = transaction.state;
  events.remove(transaction, receipt, remembered);
  attempts.acknowledge(transaction, receipt);
}

/** The keys of events of a change, applied, parked or set aside by it, that were applied before. */
function findApplied(database: Database, change: Change): readonly string[] {
  const known: string[] = [];
  for (const id of change.appliedIds) if (isApplied(database, change.stackId, id)) known.push(id);
  for (const { event } of [...change.park, ...change.setAside]) {
    if (isApplied(database, event.stackId, toEventKey(event))) known.push(toEventKey(event));
  }
  return known;
}

function isApplied(database: Database, stackId: string, eventId: string): boolean {
  const row = database.get<{ applied_at: number | null }>(
    "select applied_at from event_id where event_id = ? and stack_id = ?",
    eventId,
    stackId,
  );
  return row !== undefined && row.applied_at !== null;
}

/** Remembers ids as applied; `count`: how many the stack had before. */
function rememberApplied(database: Database, change: Change, count: number): void {
  for (const [index, id] of change.appliedIds.entries()) {
    database.run(
      `insert into event_id (event_id, stack_id, applied_at, number) values (?, ?, ?, ?)
       on conflict do update set applied_at = excluded.applied_at, number = excluded.number`,
      id,
      change.stackId,
      change.now,
      count + index + 1,
    );
  }
}
