import type { Dispatch } from "../machine/decide/decision.ts";
import { SYSTEM_EVENTS } from "../machine/message/event.ts";
import type { AttemptStore, AttemptView, ClaimInput, ClaimResult, SettleInput } from "../ports/attempt-store.ts";
import type { CancelAttempt, QueuedEvent } from "../ports/stack-store.ts";
import { type Attempt, createAttempt, findLiveOwner, isHeldBy, toAttemptView } from "./memory-attempt.ts";
import { type AttemptIndex, createAttemptIndex } from "./memory-attempt-index.ts";
import { type AttemptMoves, createAttemptMoves, type MoveDeps } from "./memory-attempt-moves.ts";
import { createMemoryKeys, type MemoryKeys } from "./memory-keys.ts";
import { toFrozen } from "./memory-value.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** What attempts set in motion. */
export interface AttemptEffects extends Pick<MoveDeps, "due" | "sendTask" | "readSecrets"> {
  enqueue(event: QueuedEvent, notBefore?: number): void;
}

/** What a commit does with attempts. */
export interface CommittedAttempts {
  /** A known one is sent again, unless it is settled. */
  dispatch(dispatch: Dispatch, now: number): void;
  cancel(cancel: CancelAttempt, now: number): void;
  close(attemptId: string, now: number): void;
}

type Call<Name extends keyof AttemptStore> = (
  ...args: Parameters<AttemptStore[Name]>
) => Awaited<ReturnType<AttemptStore[Name]>>;

/** What workers do with attempts. */
export interface WorkedAttempts {
  readonly claim: Call<"claim">;
  readonly renew: Call<"renew">;
  readonly suspend: Call<"suspend">;
  readonly settle: Call<"settle">;
}

/** The attempts of all stacks, with their leases and keys. */
export interface MemoryAttempts extends CommittedAttempts, WorkedAttempts, Omit<AttemptIndex, "add" | "settle"> {
  view(attempt: Attempt): AttemptView;
}

interface Parts extends AttemptMoves {
  readonly index: AttemptIndex;
  readonly keys: MemoryKeys<Attempt>;
  readonly effects: AttemptEffects;
  readonly toUnclaimedMs: (timeoutMs: number) => number;
}

/** `runnersHaveStore`: an attempt that nobody claims gets a day at least. */
export function createMemoryAttempts(
  effects: AttemptEffects,
  { runnersHaveStore }: { readonly runnersHaveStore: boolean },
): MemoryAttempts {
  const index = createAttemptIndex();
  const keys = createMemoryKeys<Attempt>();
  const toUnclaimedMs = (timeoutMs: number) => (runnersHaveStore ? Math.max(timeoutMs, DAY_MS) : timeoutMs);
  const { due, sendTask, readSecrets } = effects;
  const moves = createAttemptMoves({ index, keys, due, sendTask, readSecrets, toUnclaimedMs });
  const parts = { ...moves, index, keys, effects, toUnclaimedMs };
  const { find, listOf, countOpen, prune } = index;
  return {
    ...createCommitted(parts),
    ...createWorked(parts),
    view: (attempt) => toAttemptView(attempt, keys.findPlace(attempt)),
    find,
    listOf,
    countOpen,
    prune,
  };
}

function createCommitted({ index, effects, schedule, end, markCancelled, toUnclaimedMs }: Parts): CommittedAttempts {
  let sequence = 0;

  function add(dispatch: Dispatch, now: number): Attempt {
    sequence += 1;
    const attempt = createAttempt(dispatch, sequence, now, toUnclaimedMs(dispatch.timeoutMs));
    index.add(attempt);
    schedule(attempt);
    return attempt;
  }

  return {
    dispatch(dispatch, now) {
      const attempt = index.find(dispatch.attemptId) ?? add(dispatch, now);
      if (attempt.status !== "settled") effects.sendTask(attempt, now);
    },
    cancel(cancel, now) {
      const attempt = index.find(cancel.attemptId);
      if (attempt === undefined || attempt.status === "settled") return;
      if (cancel.unclaimedAtOnce && attempt.token === 0) {
        end(attempt, "cancelled", now);
        effects.enqueue(toCancelled(attempt, now));
      } else markCancelled(attempt, cancel, now);
    },
    close(attemptId, now) {
      const attempt = index.find(attemptId);
      if (attempt !== undefined && attempt.status !== "settled") end(attempt, "closed", now);
    },
  };
}

function createWorked(parts: Parts): WorkedAttempts {
  const { index, schedule } = parts;
  return {
    claim: (input) => claim(parts, input),
    renew(grant, { leaseMs, now, message }) {
      const attempt = index.find(grant.attemptId);
      if (!isHeldBy(attempt, grant)) return { kind: "lost" };
      attempt.leaseUntil = now + leaseMs;
      attempt.progressMessage = message ?? attempt.progressMessage;
      schedule(attempt);
      return { kind: "renewed", ...(attempt.cancel === undefined ? {} : { cancelling: attempt.cancel.why }) };
    },
    suspend(grant, { progress, dueAt, message, now }) {
      const attempt = index.find(grant.attemptId);
      if (!isHeldBy(attempt, grant)) return "lost";
      const isUntold = attempt.cancel !== undefined && !attempt.isCancelTold;
      attempt.progressMessage = message ?? attempt.progressMessage;
      const due = { pollDueAt: isUntold ? now : dueAt, leaseUntil: undefined };
      Object.assign(attempt, due, { status: "suspended", progress: toFrozen(progress) });
      schedule(attempt);
      return "suspended";
    },
    settle(grant, input) {
      const attempt = index.find(grant.attemptId);
      if (!isHeldBy(attempt, grant)) return "lost";
      settle(parts, attempt, input);
      return "settled";
    },
  };
}

function claim({ index, keys, queue, grant }: Parts, input: ClaimInput): ClaimResult {
  const attempt = index.find(input.attemptId);
  if (attempt === undefined || attempt.status === "settled") return { kind: "gone" };
  const by = findLiveOwner(attempt, input.now);
  if (by !== undefined) return { kind: "held", by };
  const isQueued = keys.takeAll(attempt, input.exclusiveKeys) !== undefined;
  return isQueued ? queue(attempt, input.now) : grant(attempt, input);
}

function settle({ end, effects }: Parts, attempt: Attempt, input: SettleInput): void {
  attempt.log = input.log;
  end(attempt, input.outcome, input.now);
  effects.enqueue(toFrozen(input.event));
  for (const { event, notBefore } of input.followUps ?? []) effects.enqueue(toFrozen(event), notBefore);
}

function toCancelled({ attemptId, dispatch }: Attempt, now: number): QueuedEvent {
  const { stackId, task } = dispatch;
  const message = { event: SYSTEM_EVENTS.taskCancelled, stackId, task: { name: task }, dispatchId: attemptId };
  return toFrozen({ id: `cancelled:${attemptId}`, stackId, origin: "worker", receivedAt: now, message });
}
