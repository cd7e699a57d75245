import type { ClaimInput, Grant, QueuedEvent } from "@stackyard/core/engine";
import type { AttemptOutbox, AttemptRow } from "./attempt-row.ts";
import type { CancelAttempt, RenewInput, SettleInput, SuspendInput } from "./port-types.ts";

// Pure: what the steps of its life make of an attempt.

/** How long a queued attempt waits before it looks after the holder of its key. */
const CHECK_AFTER_MS = 60_000;

/** Who holds the attempt's lease, or held it before a suspension that is not over. */
export function findLiveOwner(row: AttemptRow, now: number): string | undefined {
  const until = row.status === "running" ? row.leaseUntil : row.pollDueAt;
  return until !== undefined && until > now ? row.owner : undefined;
}

/** True when the grant is the newest one and nothing has ended it. */
export function isHeldBy(row: AttemptRow | undefined, grant: Grant): row is AttemptRow {
  return row?.status === "running" && row.token === grant.token;
}

/** An attempt that can still be worked on. */
export function isOpen(row: AttemptRow | undefined): row is AttemptRow {
  return row !== undefined && row.status !== "settled";
}

/** The message goes out again. */
export function send(row: AttemptRow, now: number): AttemptRow {
  const no = row.sentNo + 1;
  return { ...row, sentNo: no, sent: { no, dueAt: now, visibleAt: 0, deliveries: 0 } };
}

/** A claim that got all keys. */
export function grant(row: AttemptRow, input: ClaimInput, heldKeys: readonly string[]): AttemptRow {
  const { owner, leaseMs, timeoutMs = row.timeoutMs, now } = input;
  const { cancel } = row;
  return {
    ...row,
    status: "running",
    owner,
    leaseUntil: now + leaseMs,
    pollDueAt: undefined,
    checkAt: undefined,
    queuedFor: undefined,
    sent: undefined,
    heldKeys: [...new Set([...row.heldKeys, ...heldKeys])].sort(),
    deadlineAt: row.token === 0 ? now + timeoutMs : row.deadlineAt,
    cancelAt: cancel === undefined ? row.cancelAt : (row.cancelAt ?? now + cancel.withinMs),
    token: row.token + 1,
    isCancelTold: cancel !== undefined,
  };
}

/** A claim that did not get all keys: the clock stands. */
export function queue(
  row: AttemptRow,
  input: {
    readonly key: string;
    readonly heldKeys: readonly string[];
    readonly unclaimedMs: number;
    readonly now: number;
  },
): AttemptRow {
  const { key, heldKeys, unclaimedMs, now } = input;
  const left = row.token === 0 ? unclaimedMs : row.deadlineAt - now;
  return {
    ...row,
    status: "queued",
    queuedFor: key,
    heldKeys: [...new Set([...row.heldKeys, ...heldKeys])].sort(),
    remainingMs: row.status === "queued" ? row.remainingMs : left,
    leaseUntil: undefined,
    pollDueAt: undefined,
    sent: undefined,
    checkAt: now + CHECK_AFTER_MS,
  };
}

/** The key that it waits for has become its own: its message goes out. */
export function promote(row: AttemptRow, key: string, now: number): AttemptRow {
  const heldKeys = [...new Set([...row.heldKeys, key])].sort();
  const awake = { status: "unclaimed", queuedFor: undefined, checkAt: undefined } as const;
  return send({ ...row, ...awake, heldKeys, deadlineAt: now + row.remainingMs }, now);
}

/** The lease goes on. */
export function renew(row: AttemptRow, { leaseMs, now, message }: RenewInput): AttemptRow {
  return { ...row, leaseUntil: now + leaseMs, progressMessage: message ?? row.progressMessage };
}

/** The lease is given back until the poll. */
export function suspend(row: AttemptRow, { progress, dueAt, message, now }: SuspendInput): AttemptRow {
  const isUntold = row.cancel !== undefined && !row.isCancelTold;
  return {
    ...row,
    status: "suspended",
    progress,
    progressMessage: message ?? row.progressMessage,
    pollDueAt: isUntold ? now : dueAt,
    leaseUntil: undefined,
    hidden: undefined,
  };
}

/** Somebody wants it to stop. */
export function markCancelled(row: AttemptRow, { why, withinMs }: CancelAttempt, now: number): AttemptRow {
  // Nobody works on it yet: it may still end with its answer or at its deadline.
  const hasEnd = row.token > 0 || why === "timed-out";
  return {
    ...row,
    cancel: row.cancel ?? { why, withinMs },
    cancelAt: hasEnd ? (row.cancelAt ?? now + withinMs) : row.cancelAt,
    pollDueAt: row.status === "suspended" ? now : row.pollDueAt,
  };
}

/** It is over: what follows stands in its outbox. */
export function end(
  row: AttemptRow,
  outcome: NonNullable<AttemptRow["outcome"]>,
  input: { readonly now: number; readonly events?: AttemptOutbox["events"]; readonly log?: string | undefined },
): AttemptRow {
  const { now, events = [], log } = input;
  const { keys } = row;
  return {
    ...row,
    status: "settled",
    outcome,
    log,
    settledAt: now,
    leaseUntil: undefined,
    pollDueAt: undefined,
    checkAt: undefined,
    queuedFor: undefined,
    heldKeys: [],
    sent: undefined,
    outbox: events.length + keys.length === 0 ? undefined : { events, keys, at: now },
  };
}

/** What the result of an attempt sets in motion. */
export function toSettleEvents({ event, followUps = [] }: SettleInput): AttemptOutbox["events"] {
  return [{ event }, ...followUps];
}

/** The event of an attempt that was cancelled before anybody claimed it. */
export function toCancelledEvent({ attemptId, stackId, task }: AttemptRow, now: number): QueuedEvent {
  const message = { event: "TASK_CANCELLED", stackId, task: { name: task }, dispatchId: attemptId };
  return { id: `cancelled:${attemptId}`, stackId, origin: "worker", receivedAt: now, message };
}
