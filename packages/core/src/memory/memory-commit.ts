import { toEventKey } from "../machine/message/event.ts";
import type { Grant } from "../ports/attempt-store.ts";
import type { Change, CommitResult } from "../ports/stack-store.ts";
import type { MemoryAttempts } from "./memory-attempts.ts";
import type { DueIndexes } from "./memory-due.ts";
import type { MemoryHistory } from "./memory-history.ts";
import type { MemoryRows } from "./memory-rows.ts";
import type { MemorySetAside } from "./memory-set-aside.ts";
import { type MemoryStacks, type StackRow, toEarliest } from "./memory-stacks.ts";
import { toFrozen } from "./memory-value.ts";

/** What a commit writes to. */
export interface CommitParts {
  readonly stacks: MemoryStacks;
  readonly attempts: MemoryAttempts;
  readonly rows: MemoryRows;
  readonly due: DueIndexes;
  readonly history: MemoryHistory;
  readonly setAside: MemorySetAside;
}

/** Writes one change whole, or nothing of it. */
export function commitChange(parts: CommitParts, input: Change): CommitResult {
  const found = parts.stacks.find(input.stackId);
  const version = found?.stack === undefined ? 0 : found.version;
  if (version !== input.expectedVersion) return { kind: "conflict" };
  const eventIds = findKnownIds(found, input);
  if (eventIds.length > 0) return { kind: "duplicate", eventIds };
  return checkResults(parts, input) ?? { kind: "committed", ...write(parts, toFrozen(input)) };
}

function checkResults(
  { attempts, rows }: CommitParts,
  { stackId, results = [], acknowledges }: Change,
): CommitResult | undefined {
  const lost = results.flatMap(({ grant }) => (attempts.isHeld(grant) ? [] : [grant.attemptId]));
  if (lost.length > 0) return { kind: "lost", attemptIds: lost };
  return results.length > 0 && rows.hasEvents(stackId, acknowledges) ? { kind: "behind" } : undefined;
}

function findKnownIds(row: StackRow | undefined, { appliedIds, park, setAside }: Change): readonly string[] {
  if (row === undefined) return [];
  const ids = [...appliedIds, ...[...park, ...setAside].map(({ event }) => toEventKey(event))];
  return [...new Set(ids)].filter((id) => row.applied.has(id));
}

function write(parts: CommitParts, change: Change): { readonly version: number; readonly grants?: readonly Grant[] } {
  const { stacks, attempts, rows, due, history, setAside } = parts;
  const row = stacks.require(change.stackId);
  const version = stacks.write(row.id, change.write);
  for (const id of change.appliedIds) row.applied.set(id, change.now);
  for (const entry of change.setAside) setAside.add(entry);
  for (const entry of change.history) history.append(entry);
  for (const receipt of change.acknowledges) rows.acknowledge(receipt);
  for (const result of change.results ?? []) attempts.endByResult(result, change.now);
  const grants = dispatchAll(attempts, change);
  // An attempt that has ended is not cancelled.
  for (const attemptId of change.closes) attempts.close(attemptId, change.now);
  for (const cancel of change.cancels) attempts.cancel(cancel, change.now);
  if (change.park.length > 0 || change.unpark.length > 0) due.parked.set(row.id, stacks.park(row.id, change));
  if (change.write.kind !== "keep") scheduleTimer(due, row);
  return { version, ...(change.claims === undefined || change.claims.length === 0 ? {} : { grants }) };
}

function dispatchAll(attempts: MemoryAttempts, { dispatches, claims = [], now }: Change): readonly Grant[] {
  const claimed = new Map(claims.map((claim) => [claim.attemptId, claim]));
  return dispatches.flatMap((dispatch) => attempts.dispatch(dispatch, now, claimed.get(dispatch.attemptId)) ?? []);
}

/** Afresh at each write: another timer may be due at the instant of one that was taken. */
function scheduleTimer({ timer }: DueIndexes, row: StackRow): void {
  timer.set(row.id, undefined);
  timer.set(row.id, toEarliest((row.stack?.timers ?? []).map(({ dueAt }) => dueAt)));
}
