import { correctInstants, isAhead } from "../machine/decide/correct-instants.ts";
import { toEventKey } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import type { Stack } from "../machine/stack.ts";
import type { CorrectedAttempt, HistoryEntry, LoadedStack } from "../ports/stack-store.ts";
import { nextTryAt } from "./parking.ts";
import type { Round } from "./round.ts";

/** The code of the history line about instants that a clock has made that was ahead. */
export const CLOCK_CORRECTED = "CLOCK_CORRECTED";

/** Returns true for a stack, or events that wait for it, with an instant that only a clock that was ahead can have noted. */
export function isMistimed({ stack, parked }: Pick<LoadedStack, "stack" | "parked">, now: number): boolean {
  return isAhead(stack?.updatedAt ?? 0, now) || parked.some(({ parkedAt }) => isAhead(parkedAt, now));
}

/** Begins a unit of work with the instants as they would be if the clock had been right, and notes it in the history. */
export function correctClock(round: Round): void {
  const { loaded, now } = round;
  if (!isMistimed(loaded, now)) return;
  const { stack, parked } = loaded;
  const corrected = stack === undefined ? undefined : correctInstants(stack, now);
  if (corrected !== undefined) round.stack = corrected;
  for (const head of parked.filter(({ parkedAt }) => isAhead(parkedAt, now))) {
    const next = { ...head, parkedAt: now, nextTryAt: nextTryAt(now, now) };
    round.parked.set(toEventKey(head.event), next);
    round.retried.set(toEventKey(head.event), next);
  }
  round.history.push(toLine(loaded, corrected, now));
}

/** Returns the line about attempts that a clock that was ahead has begun. */
export function toCorrectedLine(
  { loaded, stack, now }: Pick<Round, "stack" | "now"> & { readonly loaded: Pick<LoadedStack, "stackId"> },
  attempts: readonly CorrectedAttempt[],
): HistoryEntry {
  const notes = attempts.map(({ attemptId, ends }) =>
    ends === undefined
      ? `The lease of the attempt ${attemptId} has ended.`
      : `The attempt ${attemptId} ends at ${toText(ends.is)} at the latest instead of ${toText(ends.was)}.`,
  );
  const reason = "The clock that has begun these attempts was ahead of the present one. They wait again from now on.";
  return { ...toHead(loaded.stackId, stack, now), eventId: `clock:${now}:attempts`, reason, notes };
}

function toLine({ stackId, stack }: LoadedStack, corrected: Stack | undefined, now: number): HistoryEntry {
  const moved = (corrected?.timers ?? []).flatMap(({ id, event, dueAt }) => {
    const before = stack?.timers.find((timer) => timer.id === id)?.dueAt;
    return before === undefined || before === dueAt ? [] : [{ event, before, dueAt }];
  });
  return {
    ...toHead(stackId, stack, now),
    eventId: `clock:${now}`,
    reason: "The clock that decided before was ahead of the present one. What it has begun waits again from now on.",
    notes: moved.map(({ event, before, dueAt }) => {
      return `The timer of "${event}" is due at ${toText(dueAt)} instead of ${toText(before)}.`;
    }),
  };
}

function toHead(stackId: string, stack: Stack | undefined, now: number) {
  return {
    stackId,
    at: now,
    event: CLOCK_CORRECTED,
    outcome: "ignored",
    code: CLOCK_CORRECTED,
    sent: [],
    internal: true,
    ...defined({ incarnation: stack?.incarnation, from: stack?.state, to: stack?.state }),
  } as const;
}

function toText(at: number): string {
  return new Date(at).toISOString();
}
