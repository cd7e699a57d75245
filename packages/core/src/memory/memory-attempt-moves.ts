import type { Dispatch } from "../machine/decide/decision.ts";
import type { Metadata } from "../machine/stack.ts";
import type { AttemptView, ClaimInput, ClaimResult } from "../ports/attempt-store.ts";
import type { CancelAttempt } from "../ports/stack-store.ts";
import { type Attempt, toGranted } from "./memory-attempt.ts";
import type { AttemptIndex } from "./memory-attempt-index.ts";
import type { DueIndex } from "./memory-due-index.ts";
import type { MemoryKeys } from "./memory-keys.ts";

/** What the moves of attempts work on. */
export interface MoveDeps {
  readonly index: AttemptIndex;
  readonly keys: MemoryKeys<Attempt>;
  readonly due: Readonly<Record<"deadline" | "poll" | "lapsedLease", DueIndex>>;
  sendTask(attempt: Attempt, now: number): void;
  /** The values behind references to secrets of the dispatch's stack. */
  readSecrets(dispatch: Dispatch, refs: readonly string[]): Metadata;
  /** The time in which an attempt must be claimed. */
  toUnclaimedMs(timeoutMs: number): number;
}

/** The steps in an attempt's life. */
export interface AttemptMoves {
  /** Brings the due work in line with the attempt. */
  schedule(attempt: Attempt): void;
  /** A claim that did not get all keys. */
  queue(attempt: Attempt, now: number): ClaimResult;
  grant(attempt: Attempt, input: ClaimInput): ClaimResult;
  markCancelled(attempt: Attempt, cancel: CancelAttempt, now: number): void;
  /** Settles it, and passes its keys on. */
  end(attempt: Attempt, outcome: NonNullable<AttemptView["outcome"]>, now: number): void;
}

/** Moves that keep the attempt, its keys and the due work in line. */
export function createAttemptMoves(deps: MoveDeps): AttemptMoves {
  const { index, keys, due } = deps;

  function schedule(attempt: Attempt): void {
    const { attemptId, status } = attempt;
    const isTimed = status !== "queued" && status !== "settled";
    due.deadline.set(attemptId, isTimed ? (attempt.cancelAt ?? attempt.deadlineAt) : undefined);
    due.poll.set(attemptId, status === "suspended" ? attempt.pollDueAt : undefined);
    due.lapsedLease.set(attemptId, status === "running" ? attempt.leaseUntil : undefined);
  }

  function passOn(next: Attempt, now: number): void {
    next.status = "unclaimed";
    next.deadlineAt = now + next.remainingMs;
    schedule(next);
    deps.sendTask(next, now);
  }

  return {
    schedule,
    queue(attempt, now) {
      if (attempt.status !== "queued") {
        const { token, deadlineAt, dispatch } = attempt;
        attempt.remainingMs = token === 0 ? deps.toUnclaimedMs(dispatch.timeoutMs) : deadlineAt - now;
      }
      Object.assign(attempt, { status: "queued", leaseUntil: undefined, pollDueAt: undefined });
      schedule(attempt);
      const place = keys.findPlace(attempt);
      return place === undefined ? { kind: "gone" } : { kind: "queued", ...place };
    },
    grant(attempt, { owner, leaseMs, timeoutMs, now }) {
      if (attempt.token === 0) attempt.deadlineAt = now + (timeoutMs ?? attempt.dispatch.timeoutMs);
      if (attempt.cancel !== undefined) attempt.cancelAt ??= now + attempt.cancel.withinMs;
      const lease = { status: "running", owner, leaseUntil: now + leaseMs, pollDueAt: undefined };
      Object.assign(attempt, lease, { token: attempt.token + 1, isCancelTold: attempt.cancel !== undefined });
      schedule(attempt);
      const { dispatch } = attempt;
      const { secrets } = dispatch;
      return toGranted(attempt, owner, secrets === undefined ? undefined : deps.readSecrets(dispatch, secrets));
    },
    markCancelled(attempt, { why, withinMs }, now) {
      attempt.cancel ??= { why, withinMs };
      // Nobody works on it yet: it may still end with its answer or at its deadline.
      if (attempt.token > 0 || why === "timed-out") attempt.cancelAt ??= now + withinMs;
      if (attempt.status === "suspended") attempt.pollDueAt = now;
      schedule(attempt);
    },
    end(attempt, outcome, now) {
      const ended = { status: "settled", outcome, settledAt: now, leaseUntil: undefined, pollDueAt: undefined };
      Object.assign(attempt, ended);
      schedule(attempt);
      index.settle(attempt);
      for (const next of keys.release(attempt)) passOn(next, now);
    },
  };
}
