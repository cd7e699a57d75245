import { isStackyardError } from "@stackyard/core";
import { toPendingKey } from "@stackyard/core/access";
import { beginAttempt, cancelAttempt } from "@stackyard/core/attempt";
import {
  type Change,
  type CommitResult,
  type EventHead,
  type LoadedStack,
  type ParkedEvent,
  type ParkedHead,
  parseStored,
  type QueuedEvent,
  toEventKey,
  toParkedEvent,
  toParkedHead,
} from "@stackyard/core/engine";
import { fromKeyText, toComparedText, toHome, toKeyText, toPlace } from "./column-values.ts";
import { type Database, isDataError } from "./database.ts";
import { toLineColumns } from "./line-text.ts";
import { commitPlain, isPlain } from "./plain-commit.ts";
import type { RevisionNumbers } from "./revision-numbers.ts";
import { parseSent } from "./sent-text.ts";
import { parseStackRow, STACK_COLUMNS, type StackRow, toDispatchRow, toWrittenRow } from "./stored-rows.ts";
import { parseReceipts, toEventRow } from "./work-queue.ts";

const LOAD = {
  name: "load_stacks",
  text: `
select ${STACK_COLUMNS},
       (select array_agg(p.head order by p.parked_at, p.parked_no) from stackyard.parked p where p.stack_id = i.id) as parked
  from unnest($1::text[]) with ordinality as i(id, n)
  left join stackyard.stacks s on s.id = i.id and s.id = any($1)
 order by i.n`,
};

type LoadRow = (StackRow | { readonly id: null }) & { readonly parked: readonly string[] | null };

/** Loads stacks with the heads of their parked events, in the order of the ids. */
export async function loadStacks(database: Database, ids: readonly string[]): Promise<readonly LoadedStack[]> {
  const rows = await database.rows<LoadRow>(LOAD, ids.map(toKeyText));
  return ids.map((stackId, index) => toLoaded(stackId, rows[index]));
}

function toLoaded(stackId: string, row: LoadRow | undefined): LoadedStack {
  const parked = (row?.parked ?? []).map((head) => parseStored.parkedHead(head, toParkedName(stackId)));
  if (row === undefined || row.id === null) return { stackId, version: 0, parked };
  return { stackId, version: row.version, stack: parseStackRow({ ...row, id: stackId }), parked };
}

const LOAD_PARKED = {
  name: "load_parked",
  text: "select head, message from stackyard.parked where stack_id = $1 and event_id = any($2)",
};

/** Loads parked events of a stack by their keys. */
export async function loadParked(
  database: Database,
  stackId: string,
  keys: readonly string[],
): Promise<readonly ParkedEvent[]> {
  const name = toParkedName(stackId);
  const values = [toKeyText(stackId), keys.map(toComparedText)];
  const rows = await database.rows<{ readonly head: string; readonly message: string }>(LOAD_PARKED, ...values);
  return rows.map(({ head, message }) =>
    toParkedEvent(parseStored.parkedHead(head, name), parseStored.message(message, name)),
  );
}

function toParkedName(stackId: string): string {
  return `parked event of the stack ${JSON.stringify(stackId)}`;
}

/** The result of a group of commits. `passedKeys`: an attempt that waited for a key has its message now. */
interface CommittedGroup {
  readonly results: readonly (readonly CommitResult[])[];
  readonly passedKeys: boolean;
}

/** Writes the changes of several calls, of different stacks. Returns the results of each call. */
export async function commitAll(
  database: Database,
  numbers: RevisionNumbers,
  calls: readonly (readonly Change[])[],
): Promise<CommittedGroup> {
  // Groups that lock their stacks in one order do not wait for each other in a circle.
  const changes = calls.flat().sort((a, b) => (a.stackId < b.stackId ? -1 : 1));
  const results = await commitMostly(database, numbers, changes.filter(isPlain));
  const left = changes.filter((change) => !results.has(change));
  const rows = left.length === 0 ? [] : await commitSingly(database, numbers, left);
  for (const [index, change] of left.entries()) results.set(change, toResult(rows[index], change));
  return {
    results: calls.map((call) => call.map((change) => results.get(change) ?? { kind: "conflict" })),
    passedKeys: rows.some(({ passed }) => passed),
  };
}

/** Omits changes that could not be written: all of a change if another owner has claimed one of its attempts. */
async function commitMostly(
  database: Database,
  numbers: RevisionNumbers,
  changes: readonly Change[],
): Promise<Map<Change, CommitResult>> {
  const results = new Map<Change, CommitResult>();
  if (changes.length === 0) return results;
  try {
    const committed = await commitPlain(database, numbers, changes);
    for (const [index, change] of changes.entries()) {
      const result = committed[index];
      if (result !== undefined) results.set(change, result);
    }
  } catch (error) {
    if (!hasChangedHands(error) && !isDataError(error)) throw error;
  }
  return results;
}

function hasChangedHands(error: unknown): boolean {
  const { cause } = error instanceof Error ? error : {};
  return isStackyardError(error) && cause instanceof Error && "code" in cause && cause.code === "SY001";
}

const COMMIT = {
  name: "commit_changes",
  isLong: true as const,
  text: `
select c.kind, c.version, c.known, c.granted, c.passed
  from json_array_elements($1) with ordinality as e(change, o) cross join lateral stackyard.commit_change(e.change) c
 order by e.o`,
};

interface CommitRow {
  readonly kind: CommitResult["kind"];
  readonly version: number;
  /** Events that were applied before, or attempts whose grants are lost. */
  readonly known: readonly string[] | null;
  readonly granted: readonly string[] | null;
  readonly passed: boolean;
}

async function commitSingly(
  database: Database,
  numbers: RevisionNumbers,
  changes: readonly Change[],
): Promise<readonly CommitRow[]> {
  const ended = await toCancelledEvents(database, changes);
  const documents = changes.map((change) => toChangeDocument(change, numbers, ended));
  return database.rows<CommitRow>(COMMIT, JSON.stringify(documents));
}

function toResult(row: CommitRow | undefined, change: Change): CommitResult {
  const { kind = "conflict", version = 0, known = [], granted = [] } = row ?? {};
  const keys = new Set(known);
  switch (kind) {
    case "committed": {
      const { claims = [] } = change;
      if (claims.length === 0) return { kind, version };
      const made = claims.filter(({ attemptId }) => granted?.includes(toComparedText(attemptId)));
      return { kind, version, grants: made.map(({ attemptId, owner }) => ({ attemptId, owner, token: 1 })) };
    }
    case "duplicate": {
      const given = [...change.appliedIds, ...listKept(change).map(toEventKey)];
      return { kind, eventIds: given.filter((id) => keys.has(toComparedText(id))) };
    }
    case "lost": {
      const given = (change.results ?? []).map(({ grant }) => grant.attemptId);
      return { kind, attemptIds: given.filter((id) => keys.has(toComparedText(id))) };
    }
    default:
      return { kind };
  }
}

function listKept({ park, retried = [], deadLetters }: Change): readonly EventHead[] {
  return [...park, ...retried, ...deadLetters].map(({ event }) => event);
}

/** Returns one change in the form of `commit_change`. */
function toChangeDocument(
  change: Change,
  numbers: RevisionNumbers,
  cancelled: ReadonlyMap<string, QueuedEvent>,
): object {
  const { stackId, expectedVersion, write, appliedIds, park, unpark, deadLetters, history, now } = change;
  const { dispatches, cancels, endedAttempts, receipts, results = [], claims = [], audit = [], retried = [] } = change;
  const { events, tasks } = parseReceipts(receipts);
  const claimed = new Map(claims.map((claim) => [claim.attemptId, claim]));
  return {
    id: toKeyText(stackId),
    expected: expectedVersion,
    write: write.kind,
    now,
    put: write.kind === "put" ? toWrittenRow(write.stack) : {},
    applied: appliedIds.map(toComparedText),
    known: [
      ...appliedIds.map((id) => ({ stack: toKeyText(stackId), id: toComparedText(id) })),
      ...listKept(change).map((event) => ({ stack: toKeyText(event.stackId), id: toComparedText(toEventKey(event)) })),
    ],
    parked: park.map((parked) => ({
      ...toHeadRow(toParkedHead(parked)),
      message: JSON.stringify(parked.event.message),
    })),
    retried: retried.map(toHeadRow),
    unparked: unpark.map(toComparedText),
    aside: deadLetters.map((entry) => ({
      id: toKeyText(entry.id),
      stack: toKeyText(entry.event.stackId),
      code: toKeyText(entry.code),
      at: entry.deadLetteredAt,
      body: JSON.stringify(entry),
    })),
    history: history.map((entry) => toLineColumns(entry, numbers)),
    audit: audit.map((entry) => ({ key: toPendingKey(entry.id), value: JSON.stringify(entry) })),
    results: results.map(({ grant, outcome, log }) => ({
      ...toPlace(grant.attemptId),
      token: grant.token,
      owner: toKeyText(grant.owner),
      outcome,
      log: log === undefined ? null : JSON.stringify(log),
    })),
    dispatches: dispatches.map((dispatch) => toDispatchRow(dispatch, claimed.get(dispatch.attemptId), now)),
    resends: (change.resends ?? []).map(toPlace),
    endedAttempts: endedAttempts.map(toPlace),
    cancels: cancels.map(({ attemptId, why, withinMs, unclaimedAtOnce }) => {
      const event = cancelled.get(attemptId);
      const rows = event === undefined ? [] : [{ n: 1, ...toEventRow(event) }];
      return { ...toPlace(attemptId), why, within: withinMs, at_once: unclaimedAtOnce, events: rows };
    }),
    events,
    tasks,
  };
}

function toHeadRow(head: ParkedHead) {
  const { event, parkedAt: at, nextTryAt: next } = head;
  const id = toComparedText(toEventKey(event));
  return { stack: toKeyText(event.stackId), id, at, next, head: JSON.stringify(head) };
}

const SENT = {
  name: "read_sent",
  text: `
select o.attempt_id, o.stack_id, h.sent
  from stackyard.open_attempt o join stackyard.history h on h.position = o.began_at
 where o.home = any($1) and o.attempt_id = any($2) and o.first_token is null`,
};

interface SentRow {
  readonly attempt_id: string;
  readonly stack_id: string;
  readonly sent: string;
}

/** Returns the events of attempts that end immediately because they were never granted. Reads only constant columns. */
async function toCancelledEvents(
  database: Database,
  changes: readonly Change[],
): Promise<ReadonlyMap<string, QueuedEvent>> {
  const wanted = changes.flatMap(({ cancels, now }) =>
    cancels.filter(({ unclaimedAtOnce }) => unclaimedAtOnce).map((cancel) => ({ cancel, now })),
  );
  const events = new Map<string, QueuedEvent>();
  if (wanted.length === 0) return events;
  const ids = wanted.map(({ cancel }) => cancel.attemptId);
  const rows = await database.rows<SentRow>(SENT, ids.map(toHome), ids.map(toComparedText));
  const found = new Map(rows.map((row) => [row.attempt_id, row]));
  const begun = new Map(changes.flatMap(({ dispatches }) => dispatches.map((each) => [each.attemptId, each])));
  for (const { cancel, now } of wanted) {
    const { attemptId } = cancel;
    const row = found.get(toComparedText(attemptId));
    const facts =
      row === undefined
        ? begun.get(attemptId)
        : { stackId: fromKeyText(row.stack_id), task: parseSent(row.sent, row.attempt_id).task };
    if (facts === undefined) continue;
    const { stackId, task } = facts;
    const attempt = beginAttempt({ attemptId, stackId, task, timeoutMs: 0, claimWithinMs: 0 }, now);
    for (const effect of cancelAttempt(attempt, cancel, now)?.effects ?? []) {
      if (effect.kind === "enqueue") events.set(attemptId, effect.event);
    }
  }
  return events;
}
