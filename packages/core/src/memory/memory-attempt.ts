import { defined } from "../engine/defined.ts";
import type { Dispatch } from "../machine/decide/decision.ts";
import type { MetadataValue } from "../machine/stack.ts";
import type { AttemptView, ClaimResult, Grant } from "../ports/attempt-store.ts";
import type { CancelAttempt } from "../ports/stack-store.ts";
import type { KeyHolder } from "./memory-keys.ts";

/** One attempt as the memory store holds it. */
export interface Attempt extends KeyHolder {
  readonly dispatch: Dispatch;
  readonly dispatchedAt: number;
  status: AttemptView["status"];
  deadlineAt: number;
  /** While it is queued: the time that is left when the clock goes on. */
  remainingMs: number;
  token: number;
  owner: string | undefined;
  leaseUntil: number | undefined;
  pollDueAt: number | undefined;
  progress: unknown;
  progressMessage: string | undefined;
  cancel: { readonly why: CancelAttempt["why"]; readonly withinMs: number } | undefined;
  /** The end of the cancel's time; undefined while nobody has claimed what is to be cancelled. */
  cancelAt: number | undefined;
  /** The present grant told its owner of the cancel. */
  isCancelTold: boolean;
  outcome: AttemptView["outcome"];
  settledAt: number | undefined;
  log: string | undefined;
}

/** A new attempt; `unclaimedMs` is the time in which somebody must claim it. */
export function createAttempt(dispatch: Dispatch, sequence: number, now: number, unclaimedMs: number): Attempt {
  return {
    attemptId: dispatch.attemptId,
    sequence,
    dispatch,
    dispatchedAt: now,
    status: "unclaimed",
    deadlineAt: now + unclaimedMs,
    remainingMs: unclaimedMs,
    token: 0,
    heldKeys: [],
    queuedFor: undefined,
    owner: undefined,
    leaseUntil: undefined,
    pollDueAt: undefined,
    progress: undefined,
    progressMessage: undefined,
    cancel: undefined,
    cancelAt: undefined,
    isCancelTold: false,
    outcome: undefined,
    settledAt: undefined,
    log: undefined,
  };
}

/** Who holds the attempt's lease, or held it before a suspension that is not over. */
export function findLiveOwner(attempt: Attempt, now: number): string | undefined {
  const until = attempt.status === "running" ? attempt.leaseUntil : attempt.pollDueAt;
  return until !== undefined && until > now ? attempt.owner : undefined;
}

/** True when the grant is the newest one and nothing has ended it. */
export function isHeldBy(attempt: Attempt | undefined, grant: Grant): attempt is Attempt {
  return attempt?.status === "running" && attempt.token === grant.token;
}

/** What a claim that was granted answers; `secrets`: the values behind the references of its dispatch. */
export function toGranted(
  attempt: Attempt,
  owner: string,
  secrets: Readonly<Record<string, MetadataValue>> | undefined,
): ClaimResult {
  return {
    kind: "granted",
    grant: { attemptId: attempt.attemptId, owner, token: attempt.token },
    deadlineAt: attempt.deadlineAt,
    again: attempt.token > 1,
    ...(attempt.progress === undefined ? {} : { progress: attempt.progress }),
    ...(attempt.cancel === undefined ? {} : { cancelling: attempt.cancel.why }),
    ...(secrets === undefined ? {} : { secrets }),
  };
}

/** The attempt as people see it. */
export function toAttemptView(attempt: Attempt, queuedFor: AttemptView["queuedFor"]): AttemptView {
  const { attemptId, stackId, task, entry, attempt: number, executor } = attempt.dispatch;
  const optional = {
    executor,
    queuedFor,
    owner: attempt.owner,
    leaseUntil: attempt.leaseUntil,
    pollDueAt: attempt.pollDueAt,
    cancelling: attempt.cancel?.why,
    progressMessage: attempt.progressMessage,
    log: attempt.log,
    outcome: attempt.outcome,
  };
  return {
    attemptId,
    stackId,
    task,
    entry,
    attempt: number,
    status: attempt.status,
    dispatchedAt: attempt.dispatchedAt,
    deadlineAt: attempt.deadlineAt,
    token: attempt.token,
    heldKeys: attempt.heldKeys,
    ...defined(optional),
  };
}
