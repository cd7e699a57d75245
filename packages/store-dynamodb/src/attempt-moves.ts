import type { AttemptMove } from "@stackyard/core/attempt";
import type { Aggregate, FollowUp } from "./aggregate.ts";
import { type AttemptRow, send } from "./attempt-row.ts";
import type { EventToQueue } from "./lane.ts";

/** The aggregate after a move of an attempt, and what the move leaves to do. */
export interface Moved {
  readonly aggregate: Aggregate;
  /** Events of the stack itself, which the same write queues. */
  readonly queued: readonly EventToQueue[];
  readonly follow: FollowUp;
}

/** Applies a move to the attempts of its stack. An attempt that has ended leaves all keys that it noted. Pure. */
export function applyMove(
  aggregate: Aggregate,
  { attempt, effects }: AttemptMove<AttemptRow>,
  { stackId, now }: { readonly stackId: string; readonly now: number },
): Moved {
  const events = effects.flatMap((effect) => (effect.kind === "enqueue" ? [toQueued(effect)] : []));
  const isOwn = ({ event }: EventToQueue) => event.stackId === stackId;
  const queued = events.filter(isOwn);
  const others = events.filter((event) => !isOwn(event));
  const follow: FollowUp = others.length === 0 ? {} : { events: others };
  if (attempt.status !== "settled") {
    const moved = { ...attempt, checkAt: attempt.status === "queued" ? attempt.checkAt : undefined };
    const row = effects.some(({ kind }) => kind === "send") ? send(moved, now) : moved;
    return { aggregate: putAttempt(aggregate, row), queued, follow };
  }
  const { attemptId, keys } = attempt;
  const row: AttemptRow = {
    ...attempt,
    checkAt: undefined,
    sent: undefined,
    deadlineHidden: undefined,
    hidden: undefined,
  };
  const attempts = aggregate.attempts.filter((each) => each.attemptId !== attemptId);
  const leaves = keys.length === 0 ? {} : { leaves: [{ attemptId, keys }] };
  return {
    aggregate: { ...aggregate, attempts, ended: [...aggregate.ended, row] },
    queued,
    follow: { ...follow, ...leaves },
  };
}

function toQueued({ event, notBefore }: EventToQueue): EventToQueue {
  return { event, notBefore };
}

/** The attempt of that id, while it is open. */
export function findOpen({ attempts }: Aggregate, attemptId: string): AttemptRow | undefined {
  return attempts.find((row) => row.attemptId === attemptId);
}

/** Adds an open attempt, or replaces it in its place. */
export function putAttempt(aggregate: Aggregate, row: AttemptRow): Aggregate {
  const { attempts } = aggregate;
  const isKnown = attempts.some(({ attemptId }) => attemptId === row.attemptId);
  const next = isKnown ? attempts.map((each) => (each.attemptId === row.attemptId ? row : each)) : [...attempts, row];
  return { ...aggregate, attempts: next };
}
