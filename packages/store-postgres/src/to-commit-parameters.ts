import { type Change, toEventKey } from "@stackyard/core/engine";
import type { Parameter } from "./database.ts";
import { toComparedText, toKeyText, toLongText } from "./key-text.ts";
import { parseReceipts } from "./receipts.ts";
import { toColumns } from "./stack-columns.ts";
import { toStackData } from "./stack-data.ts";

/** Where every runner has the store, an attempt that nobody claims has so long at least: the runners may be away. */
const LEAST_UNCLAIMED_MS = 86_400_000;

/** What `commit_changes` takes, in its order. Rows name their change by `n`, from 1. */
export function toCommitParameters(
  changes: readonly Change[],
  { runnersHaveStore }: { readonly runnersHaveStore: boolean },
): readonly Parameter[] {
  const leastMs = runnersHaveStore ? LEAST_UNCLAIMED_MS : 0;
  const rows = (toRows: (change: Change) => readonly object[]) => toJson(changes, toRows);
  return [
    changes.map(({ stackId }) => toKeyText(stackId)),
    changes.map(({ expectedVersion }) => expectedVersion),
    changes.map(({ write }) => write.kind),
    changes.map(({ appliedIds }) => appliedIds.length),
    rows(toPuts),
    rows(toApplied),
    rows(toKnown),
    rows(toParked),
    rows(({ unpark }) => unpark.map((id) => ({ id: toComparedText(id) }))),
    rows(toSetAside),
    rows(toHistory),
    rows(({ closes, now }) => closes.map((id) => ({ id: toComparedText(id), now }))),
    rows((change) => toDispatches(change, { again: false, leastMs })),
    rows((change) => toDispatches(change, { again: true, leastMs })),
    rows(toCancels),
    rows(({ acknowledges }) => parseReceipts(acknowledges).events),
    rows(({ acknowledges }) => parseReceipts(acknowledges).tasks.map((seq) => ({ seq }))),
    rows(toResults),
  ];
}

function toJson(changes: readonly Change[], toRows: (change: Change) => readonly object[]): string | null {
  const rows: object[] = [];
  for (const [index, change] of changes.entries()) {
    for (const row of toRows(change)) rows.push({ n: index + 1, ...row });
  }
  return rows.length === 0 ? null : JSON.stringify(rows);
}

function toPuts({ write }: Change): readonly object[] {
  if (write.kind !== "put") return [];
  const { stack } = write;
  const { machine, state, busy, trouble, timerAt } = toColumns(stack);
  return [
    {
      id: toKeyText(stack.id),
      data: toStackData(stack),
      machine: toKeyText(machine),
      state: toKeyText(state),
      busy,
      trouble,
      timer: timerAt,
      created: stack.createdAt,
      updated: stack.updatedAt,
    },
  ];
}

function toApplied({ stackId, appliedIds, now }: Change): readonly object[] {
  return appliedIds.map((id, index) => ({ o: index + 1, id: toComparedText(id), stack: toKeyText(stackId), now }));
}

/** Ids that must not have been applied before, besides those that are applied. */
function toKnown({ appliedIds, park, setAside }: Change): readonly object[] {
  return [...park, ...setAside].map(({ event }, index) => ({
    o: appliedIds.length + index + 1,
    stack: toKeyText(event.stackId),
    id: toComparedText(toEventKey(event)),
  }));
}

function toParked({ park }: Change): readonly object[] {
  return park.map((parked) => ({
    stack: toKeyText(parked.event.stackId),
    id: toComparedText(toEventKey(parked.event)),
    at: parked.parkedAt,
    next: parked.nextTryAt,
    body: JSON.stringify(parked),
  }));
}

function toSetAside({ setAside }: Change): readonly object[] {
  return setAside.map((entry) => ({
    id: toKeyText(entry.id),
    stack: toKeyText(entry.event.stackId),
    code: toKeyText(entry.code),
    at: entry.setAsideAt,
    body: JSON.stringify(entry),
  }));
}

function toHistory({ history }: Change): readonly object[] {
  return history.map((entry) => ({
    stack: toKeyText(entry.stackId),
    id: toComparedText(entry.eventId),
    at: entry.at,
    body: JSON.stringify(entry),
  }));
}

function toDispatches(
  { dispatches, claims = [], now }: Change,
  { again, leastMs }: { readonly again: boolean; readonly leastMs: number },
): readonly object[] {
  const claimed = new Map(claims.map((claim) => [claim.attemptId, claim]));
  return dispatches
    .filter((dispatch) => dispatch.again === again)
    .map((dispatch) => ({
      id: toComparedText(dispatch.attemptId),
      long: toLongText(dispatch.attemptId),
      stack: toKeyText(dispatch.stackId),
      task: toKeyText(dispatch.task),
      entry: dispatch.entry,
      attempt: dispatch.attempt,
      executor: dispatch.executor === undefined ? null : toKeyText(dispatch.executor),
      timeout: dispatch.timeoutMs,
      unclaimed: Math.max(dispatch.timeoutMs, leastMs),
      within: dispatch.cancelWithinMs,
      secrets: dispatch.secrets === undefined ? null : JSON.stringify(dispatch.secrets),
      message: JSON.stringify(dispatch.message),
      ...toClaimed(claimed.get(dispatch.attemptId)),
      now,
    }));
}

function toClaimed(claim: NonNullable<Change["claims"]>[number] | undefined): object {
  return claim === undefined ? {} : { owner: toKeyText(claim.owner), lease: claim.leaseMs };
}

function toResults({ results = [], now }: Change): readonly object[] {
  return results.map(({ grant, outcome, log }) => ({
    id: toComparedText(grant.attemptId),
    token: grant.token,
    outcome,
    log: log === undefined ? null : JSON.stringify(log),
    now,
  }));
}

function toCancels({ cancels, now }: Change): readonly object[] {
  return cancels.map(({ attemptId, why, withinMs, unclaimedAtOnce }) => ({
    id: toComparedText(attemptId),
    event: toComparedText(toEventKey({ origin: "worker", id: `cancelled:${attemptId}` })),
    why,
    within: withinMs,
    at_once: unclaimedAtOnce,
    now,
  }));
}
