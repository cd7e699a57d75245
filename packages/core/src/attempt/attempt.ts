import { isAhead } from "../machine/decide/correct-instants.ts";
import { SYSTEM_EVENTS } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import type {
  AttemptView,
  CancelAttempt,
  ClaimInput,
  ClaimResult,
  CorrectedAttempt,
  DispatchAttempt,
  Grant,
  QueuedEvent,
  RenewResult,
  SettleInput,
  SuspendInput,
} from "../ports/stack-store.ts";

// The life cycle of an attempt. Every function is pure: it takes an attempt and an input, and returns the next attempt
// and the effects of the move. Stores load the attempt, call the function, and write the result.
//
//   from        | move                      | to
//   ------------|---------------------------|------------------------------------------------------------
//   –           | beginAttempt              | unclaimed, its message is sent
//   –           | claimAtBirth              | running, no message is sent
//   unclaimed   | claimAttempt              | running, or queued for a key that another attempt holds
//   queued      | grantKey                  | unclaimed, its message is sent
//   running     | suspendAttempt            | suspended until its poll is due
//   running     | settleAttempt, endByResult| settled: succeeded, failed or cancelled
//   running     | claimAttempt after a lapse | running under a higher token, or queued; after three, only to be ended
//   suspended   | claimAttempt when due     | running under a higher token, or queued
//   any open    | cancelAttempt             | settled at once if it was never granted, else marked
//   any open    | closeAttempt              | settled: closed

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The latest end of a lease, from now: the longest that can be configured, and the difference of two clocks. One that ends
 * later was given by a process whose clock was wrong.
 */
export const MOST_LEASE_MS = 65 * 60 * 1000;

/** The fields of an attempt that the rules need. Stores may add more. Instants are epoch milliseconds. */
export interface Attempt {
  readonly attemptId: string;
  readonly stackId: string;
  readonly task: string;
  /** From the first grant to the deadline. */
  readonly timeoutMs: number;
  readonly status: AttemptView["status"];
  /** The token of the newest grant; 0 before the first. Every grant has a higher token than all before it. */
  readonly token: number;
  /** Grants that have lapsed since its last step, because their workers died or lost the store. Missing: none. */
  readonly lapses?: number | undefined;
  /** Before the first grant: until when it must be claimed. Not meaningful while it is queued. */
  readonly deadlineAt: number;
  /** While it is queued: the time that is left when its clock continues. */
  readonly remainingMs: number;
  readonly owner?: string | undefined;
  readonly leaseUntil?: number | undefined;
  readonly pollDueAt?: number | undefined;
  readonly progress?: unknown;
  readonly progressMessage?: string | undefined;
  /** As its last step has reported it. */
  readonly opensAt?: number | undefined;
  /** As its last step has reported it. */
  readonly heldBy?: string | undefined;
  /** The reason of the first cancel, and the shortest time that a cancel allowed. */
  readonly cancel?: Pick<CancelAttempt, "why" | "withinMs"> | undefined;
  /** When the cancel must have ended; undefined while the cancel's clock has not started. */
  readonly cancelAt?: number | undefined;
  /** The present grant reported the cancel to its owner. */
  readonly isCancelTold: boolean;
  /** Sorted. */
  readonly heldKeys: readonly string[];
  /** The key that it waits for. */
  readonly queuedFor?: string | undefined;
  readonly outcome?: AttemptView["outcome"] | undefined;
  readonly settledAt?: number | undefined;
  readonly log?: string | undefined;
}

/** The effects that a store applies besides writing the attempt, in the same commit or from its outbox. */
export type AttemptEffect =
  /** Queue the attempt's task message, unless it is still queued. */
  | { readonly kind: "send" }
  /** Remove the attempt's task message from the queue. */
  | { readonly kind: "withdraw" }
  /** Give each key to the attempt that is next in its queue (`grantKey`), or free it. */
  | { readonly kind: "release"; readonly keys: readonly string[] }
  /** Leave the queue of a key. */
  | { readonly kind: "leaveQueue"; readonly key: string }
  | { readonly kind: "enqueue"; readonly event: QueuedEvent; readonly notBefore?: number | undefined };

/** The attempt after a move, and the effects of the move. */
export interface AttemptMove<A extends Attempt> {
  readonly attempt: A;
  readonly effects: readonly AttemptEffect[];
}

/**
 * Returns the time in which an attempt must be claimed: its timeout, or a day when that is longer and every runner
 * claims its attempts, so that a full queue is not a failure.
 */
export function toClaimWithinMs(timeoutMs: number, everyRunnerClaims: boolean): number {
  return everyRunnerClaims ? Math.max(timeoutMs, DAY_MS) : timeoutMs;
}

/** Returns a new attempt that is not claimed. */
export function beginAttempt(
  {
    attemptId,
    stackId,
    task,
    timeoutMs,
    claimWithinMs,
  }: Pick<DispatchAttempt, "attemptId" | "stackId" | "task" | "timeoutMs" | "claimWithinMs">,
  now: number,
): Attempt {
  return {
    attemptId,
    stackId,
    task,
    timeoutMs,
    status: "unclaimed",
    token: 0,
    deadlineAt: now + claimWithinMs,
    remainingMs: claimWithinMs,
    isCancelTold: false,
    heldKeys: [],
  };
}

/** Returns true while the attempt is not settled; narrows away undefined only. */
export function isOpen<A extends Attempt>(attempt: A | undefined): attempt is A {
  return attempt !== undefined && attempt.status !== "settled";
}

/**
 * Returns true when the grant is the newest one and has not ended. Owners are compared too: a store that was set back to an
 * earlier time gives a token a second time, to another owner.
 */
export function isHeldBy<A extends Attempt>(attempt: A | undefined, { token, owner }: Grant): attempt is A {
  return attempt?.status === "running" && attempt.token === token && (attempt.owner ?? "") === owner;
}

/** As many grants may lapse without a step. What ends its process each time is given up then, for a person. */
const MOST_LAPSES = 3;

/** Returns true for a granted attempt whose executor must not be called again: each grant of it has lapsed. */
export function hasLostWorkers({ lapses = 0 }: Pick<Attempt, "lapses">): boolean {
  return lapses >= MOST_LAPSES;
}

/**
 * Returns who holds the attempt's lease, or held it before a suspension that is not over; undefined when it is free.
 */
export function findLiveOwner(attempt: Attempt, now: number): string | undefined {
  if (isMistimed(attempt, now)) return undefined;
  const until = attempt.status === "running" ? attempt.leaseUntil : attempt.pollDueAt;
  return until !== undefined && until > now ? (attempt.owner ?? "") : undefined;
}

/** Returns true for a lease that ends later than any can. Its owner may be dead: others would wait for days. */
export function isMistimed({ status, leaseUntil = 0 }: Pick<Attempt, "status" | "leaseUntil">, now: number): boolean {
  return status === "running" && leaseUntil > now + MOST_LEASE_MS;
}

/**
 * Returns an attempt as if what has been noted by a clock that was ahead had happened now: the same object when no instant is
 * wrong. Its deadline, its next poll and the end of its cancel wait again from now on, and its lease ends.
 */
export function correctAttempt<A extends Attempt>(attempt: A, now: number): A {
  const { status, token, timeoutMs, remainingMs, deadlineAt, leaseUntil, pollDueAt, cancel, cancelAt } = attempt;
  if (status === "settled") return attempt;
  const beganAt = deadlineAt - (token === 0 ? remainingMs : timeoutMs);
  const aheadMs = status !== "queued" && isAhead(beganAt, now) ? beganAt - now : 0;
  const withinMs = cancel?.withinMs ?? 0;
  const isCancelAhead = cancelAt !== undefined && isAhead(cancelAt - withinMs, now);
  const isLeaseAhead = isMistimed(attempt, now);
  if (aheadMs === 0 && !isCancelAhead && !isLeaseAhead) return attempt;
  return {
    ...attempt,
    deadlineAt: deadlineAt - aheadMs,
    leaseUntil: isLeaseAhead ? now : leaseUntil,
    pollDueAt: pollDueAt === undefined ? undefined : Math.max(now, pollDueAt - aheadMs),
    cancelAt: isCancelAhead ? now + withinMs : cancelAt,
  };
}

/** Returns what people read of a correction: when the attempt would have ended, and ends by itself now. */
export function toCorrectedAttempt(before: Attempt, after: Attempt): CorrectedAttempt {
  const { stackId, attemptId } = after;
  const [was, is] = [before, after].map((attempt) => toAttemptDue(attempt).deadline?.at);
  return { stackId, attemptId, ...(was !== undefined && is !== undefined && was !== is && { ends: { was, is } }) };
}

/** The effects of a claim, apart from the results that change nothing. */
export type ClaimMove<A extends Attempt> =
  | { readonly kind: "gone" }
  | { readonly kind: "held"; readonly by: string }
  /** `takes`: keys to write as held by this attempt. `leaves`: a queue that it no longer waits in. */
  | { readonly kind: "granted"; readonly attempt: A; readonly takes: readonly string[]; readonly leaves?: string }
  | {
      readonly kind: "queued";
      readonly attempt: A;
      readonly key: string;
      readonly takes: readonly string[];
      readonly leaves?: string;
    };

/**
 * Decides a claim. `holders` contains the attempt that holds each wanted key, if any. Keys are locked in sorted order,
 * which prevents deadlocks: at the first key that another attempt holds, this attempt queues and keeps the keys before
 * it.
 */
export function claimAttempt<A extends Attempt>(
  attempt: A | undefined,
  input: ClaimInput,
  holders: ReadonlyMap<string, string>,
): ClaimMove<A> {
  if (!isOpen(attempt)) return { kind: "gone" };
  const by = findLiveOwner(attempt, input.now);
  if (by !== undefined) return { kind: "held", by };
  const wanted = sortKeys(input.exclusiveKeys);
  const blocked = wanted.findIndex((key) => (holders.get(key) ?? attempt.attemptId) !== attempt.attemptId);
  const key = blocked === -1 ? undefined : wanted[blocked];
  const takes = wanted
    .slice(0, blocked === -1 ? wanted.length : blocked)
    .filter((each) => !attempt.heldKeys.includes(each));
  const heldKeys = sortKeys([...attempt.heldKeys, ...takes]);
  const leaves = attempt.queuedFor !== undefined && attempt.queuedFor !== key ? { leaves: attempt.queuedFor } : {};
  if (key === undefined) return { kind: "granted", attempt: grant({ ...attempt, heldKeys }, input), takes, ...leaves };
  return { kind: "queued", attempt: queue({ ...attempt, heldKeys }, key, input), key, takes, ...leaves };
}

function sortKeys(keys: readonly string[]): readonly string[] {
  return [...new Set(keys)].sort();
}

/**
 * Grants the attempt. The deadline counts from the first grant; a cancel requested before the first grant counts from
 * now.
 */
function grant<A extends Attempt>(attempt: A, { owner, leaseMs, now }: ClaimInput): A {
  const { cancel } = attempt;
  return {
    ...attempt,
    status: "running",
    token: attempt.token + 1,
    lapses: attempt.status === "running" ? (attempt.lapses ?? 0) + 1 : attempt.lapses,
    owner,
    leaseUntil: now + leaseMs,
    pollDueAt: undefined,
    queuedFor: undefined,
    deadlineAt: attempt.token === 0 ? now + attempt.timeoutMs : attempt.deadlineAt,
    cancelAt: attempt.cancelAt ?? (cancel === undefined ? undefined : now + cancel.withinMs),
    isCancelTold: cancel !== undefined,
  };
}

/** Queues the attempt for a key. The clock of the deadline stops while it waits; the clock of a cancel does not. */
function queue<A extends Attempt>(attempt: A, key: string, { now }: ClaimInput): A {
  const left = attempt.token === 0 ? attempt.remainingMs : attempt.deadlineAt - now;
  return {
    ...attempt,
    status: "queued",
    queuedFor: key,
    remainingMs: attempt.status === "queued" ? attempt.remainingMs : left,
    leaseUntil: undefined,
    pollDueAt: undefined,
  };
}

/** Returns the result of a granted claim; `secrets`: the values of the references in its dispatch. */
export function toGranted(
  attempt: Attempt,
  secrets: Extract<ClaimResult, { kind: "granted" }>["secrets"],
): ClaimResult {
  const { attemptId, token, owner = "", deadlineAt, progress, cancel } = attempt;
  const workersLost = hasLostWorkers(attempt) ? (true as const) : undefined;
  return {
    kind: "granted",
    grant: { attemptId, owner, token },
    deadlineAt,
    again: token > 1,
    ...defined({ progress, cancelling: cancel?.why, secrets, workersLost }),
  };
}

/** Grants a key to the attempt that waited for it: its clock continues, and its message is sent. */
export function grantKey<A extends Attempt>(attempt: A, key: string, now: number): AttemptMove<A> {
  return {
    attempt: {
      ...attempt,
      status: "unclaimed",
      queuedFor: undefined,
      heldKeys: sortKeys([...attempt.heldKeys, key]),
      deadlineAt: now + attempt.remainingMs,
    },
    effects: [{ kind: "send" }],
  };
}

/** Extends the lease of the newest grant, also one that is over; undefined when the grant is lost. */
export function renewAttempt<A extends Attempt>(
  attempt: A | undefined,
  grant: Grant,
  { leaseMs, now, message }: { readonly leaseMs: number; readonly now: number; readonly message?: string },
): { readonly attempt: A; readonly answer: RenewResult } | undefined {
  if (!isHeldBy(attempt, grant)) return undefined;
  const { cancel } = attempt;
  return {
    attempt: { ...attempt, leaseUntil: now + leaseMs, progressMessage: message ?? attempt.progressMessage },
    answer: { kind: "renewed", ...defined({ cancelling: cancel?.why }) },
  };
}

/**
 * Releases the lease until the poll is due; undefined when the grant is lost. The poll is due at once when a cancel was
 * requested after the grant.
 */
export function suspendAttempt<A extends Attempt>(
  attempt: A | undefined,
  grant: Grant,
  { progress, dueAt, message, opensAt, heldBy, now }: SuspendInput,
): A | undefined {
  if (!isHeldBy(attempt, grant)) return undefined;
  const isCancelNew = attempt.cancel !== undefined && !attempt.isCancelTold;
  return {
    ...attempt,
    status: "suspended",
    lapses: undefined,
    progress,
    progressMessage: message ?? attempt.progressMessage,
    opensAt,
    heldBy,
    pollDueAt: isCancelNew ? now : dueAt,
    leaseUntil: undefined,
  };
}

/** Ends the attempt with its result, and queues the result's event; undefined when the grant is lost. */
export function settleAttempt<A extends Attempt>(
  attempt: A | undefined,
  grant: Grant,
  { event, followUps = [], ...result }: SettleInput,
): AttemptMove<A> | undefined {
  const ended = endByResult(attempt, grant, result);
  const events = [{ event, notBefore: undefined }, ...followUps];
  return (
    ended && { ...ended, effects: [...ended.effects, ...events.map((each) => ({ kind: "enqueue", ...each }) as const)] }
  );
}

/** Ends the attempt by a commit that applies its result; undefined when the grant is lost. */
export function endByResult<A extends Attempt>(
  attempt: A | undefined,
  grant: Grant,
  { outcome, log, now }: Pick<SettleInput, "outcome" | "log" | "now">,
): AttemptMove<A> | undefined {
  return isHeldBy(attempt, grant) ? end(attempt, outcome, { now, log }) : undefined;
}

/** Grants an attempt to its owner when it begins. It has no exclusive keys, so nothing can block it. */
export function claimAtBirth<A extends Attempt>(attempt: A, claim: Pick<ClaimInput, "owner" | "leaseMs" | "now">): A {
  return grant(attempt, { ...claim, attemptId: attempt.attemptId, exclusiveKeys: [] });
}

/**
 * Ends an attempt that was never granted, where all runners have the store; marks every other one. Undefined for an
 * unknown or settled attempt. After several cancels the reason of the first and the earliest end count, and a suspended
 * attempt is polled at once after each.
 */
export function cancelAttempt<A extends Attempt>(
  attempt: A | undefined,
  { why, withinMs, unclaimedAtOnce }: Omit<CancelAttempt, "attemptId">,
  now: number,
): AttemptMove<A> | undefined {
  if (!isOpen(attempt)) return undefined;
  if (unclaimedAtOnce && attempt.token === 0) {
    const ended = end(attempt, "cancelled", { now });
    return { ...ended, effects: [...ended.effects, { kind: "enqueue", event: toCancelledEvent(attempt, now) }] };
  }
  // A runner without the store may work on an attempt that was never granted: it may still end with its result or at
  // its deadline, so the clock of a requested cancel starts with its first grant.
  const hasClock = attempt.token > 0 || why === "timed-out" || attempt.cancelAt !== undefined;
  const { cancel, cancelAt, pollDueAt } = attempt;
  return {
    attempt: {
      ...attempt,
      cancel: { why: cancel?.why ?? why, withinMs: Math.min(withinMs, cancel?.withinMs ?? withinMs) },
      cancelAt: hasClock ? Math.min(now + withinMs, cancelAt ?? Number.POSITIVE_INFINITY) : undefined,
      pollDueAt: attempt.status === "suspended" ? Math.min(now, pollDueAt ?? now) : pollDueAt,
    },
    effects: [],
  };
}

/** Ends an attempt whose task run the engine has closed; undefined for an unknown or settled one. */
export function closeAttempt<A extends Attempt>(attempt: A | undefined, now: number): AttemptMove<A> | undefined {
  return isOpen(attempt) ? end(attempt, "closed", { now }) : undefined;
}

function end<A extends Attempt>(
  attempt: A,
  outcome: NonNullable<Attempt["outcome"]>,
  { now, log }: { readonly now: number; readonly log?: string | undefined },
): AttemptMove<A> {
  const { queuedFor, heldKeys } = attempt;
  return {
    attempt: {
      ...attempt,
      status: "settled",
      outcome,
      log,
      settledAt: now,
      leaseUntil: undefined,
      pollDueAt: undefined,
      opensAt: undefined,
      heldBy: undefined,
      queuedFor: undefined,
      heldKeys: [],
    },
    effects: [
      { kind: "withdraw" },
      ...(queuedFor === undefined ? [] : [{ kind: "leaveQueue", key: queuedFor } as const]),
      ...(heldKeys.length === 0 ? [] : [{ kind: "release", keys: heldKeys } as const]),
    ],
  };
}

/** Returns the event of an attempt that was cancelled before it was granted. */
function toCancelledEvent({ attemptId, stackId, task }: Attempt, now: number): QueuedEvent {
  const message = { event: SYSTEM_EVENTS.taskCancelled, stackId, task: { name: task }, dispatchId: attemptId };
  return { id: `cancelled:${attemptId}`, stackId, origin: "worker", receivedAt: now, message };
}

/** The due instants of an attempt. */
export interface AttemptDue {
  /** `deadline`: its own; `cancel`: that of a cancel, which replaces it. */
  readonly deadline?: { readonly at: number; readonly why: "deadline" | "cancel" };
  readonly poll?: number;
  readonly lapsedLease?: number;
}

/** Returns the instants at which the attempt needs attention. While it is queued only a cancel's clock runs. */
export function toAttemptDue({ status, cancelAt, deadlineAt, pollDueAt, leaseUntil }: Attempt): AttemptDue {
  if (status === "settled") return {};
  if (cancelAt !== undefined) return { deadline: { at: cancelAt, why: "cancel" }, ...toReturn() };
  if (status === "queued") return {};
  return { deadline: { at: deadlineAt, why: "deadline" }, ...toReturn() };

  function toReturn(): Pick<AttemptDue, "poll" | "lapsedLease"> {
    if (status === "suspended" && pollDueAt !== undefined) return { poll: pollDueAt };
    if (status === "running" && leaseUntil !== undefined) return { lapsedLease: leaseUntil };
    return {};
  }
}
