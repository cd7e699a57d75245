import type { AttemptMove } from "@stackyard/core/attempt";
import { type Aggregate, EMPTY, type FollowUp } from "./aggregate.ts";
import { applyMove, findOpen, putAttempt } from "./attempt-moves.ts";
import type { AttemptRow } from "./attempt-row.ts";
import { type PreparedEvents, queueEvents } from "./event-queue.ts";
import { locateAttempt, readLocator } from "./locate-attempt.ts";
import { type Change, changeStack } from "./stack-home.ts";
import type { StoreContext } from "./store-context.ts";

/** What becomes of an attempt: another row, or a move with what follows from it, or nothing. */
export interface AttemptChange<Result> {
  readonly write?: AttemptRow | undefined;
  readonly move?: AttemptMove<AttemptRow> | undefined;
  readonly result: Result;
}

/** Changes an open attempt by one write of its stack. One that is unknown or has ended is undefined to `decide`. */
export async function changeAttempt<Result>(
  context: StoreContext,
  attemptId: string,
  now: number,
  decide: (row: AttemptRow | undefined, aggregate: Aggregate) => AttemptChange<Result>,
): Promise<Result> {
  const prepared: PreparedEvents = new Map();
  let toldEvents = 0;
  const tryIn = (stackId: string) =>
    changeStack<{ readonly answer: Result } | undefined>(context, stackId, async (aggregate) => {
      const row = findOpen(aggregate, attemptId);
      if (row === undefined) return { result: undefined };
      const { write, move, result } = decide(row, aggregate);
      const next = write === undefined ? undefined : putAttempt(aggregate, write);
      if (move === undefined) return { next, now, result: { answer: result } };
      const moved = await moveAttempt(context, stackId, aggregate, { move, now, prepared });
      toldEvents = moved.added;
      return { ...moved, now, result: { answer: result } };
    });
  const named = await locateAttempt(context, attemptId);
  const found = named === undefined ? undefined : await tryIn(named);
  const other = named === undefined || found !== undefined ? undefined : await readLocator(context, attemptId);
  const answered = found ?? (other === undefined || other === named ? undefined : await tryIn(other));
  if (toldEvents > 0) context.listeners.tell("event");
  return answered === undefined ? decide(undefined, EMPTY).result : answered.answer;
}

/** Applies a move, and queues its events of the same stack. */
export async function moveAttempt(
  context: StoreContext,
  stackId: string,
  aggregate: Aggregate,
  input: { readonly move: AttemptMove<AttemptRow>; readonly now: number; readonly prepared: PreparedEvents },
): Promise<Pick<Change<unknown>, "follow"> & { readonly next: Aggregate; readonly added: number }> {
  const { move, now, prepared } = input;
  const moved = applyMove(aggregate, move, { stackId, now });
  const { aggregate: next, added } = await queueEvents(context, stackId, moved.aggregate, moved.queued, prepared);
  return { next, follow: moved.follow, added: added.length };
}

/** What two moves of one write leave to do. Pure. */
export function joinFollowUps(a: FollowUp, b: FollowUp): FollowUp {
  return {
    lines: join(a.lines, b.lines),
    ended: join(a.ended, b.ended),
    setAside: join(a.setAside, b.setAside),
    leaves: join(a.leaves, b.leaves),
    events: join(a.events, b.events),
    receipts: join(a.receipts, b.receipts),
    unused: join(a.unused, b.unused),
  };
}

function join<Part>(a: readonly Part[] = [], b: readonly Part[] = []): readonly Part[] {
  return [...a, ...b];
}
