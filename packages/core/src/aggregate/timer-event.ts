import type { Decision } from "../machine/decide/decision.ts";
import { attemptsOf } from "../machine/decide/runs.ts";
import { isOccurrence, timerEventId } from "../machine/decide/timer-ids.ts";
import {
  dropTimer,
  skipOccurrence,
  spendTimer,
  timesFired,
  withoutRefusal,
  withRefused,
} from "../machine/decide/timers.ts";
import type { StackEvent } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import type { Stack, StackTimer } from "../machine/stack.ts";
import type { Outcome, QueuedEvent } from "../ports/stack-store.ts";

/**
 * Returns the event of a timer that fires. Its id contains the id of the timer, so it is applied once. A task may
 * wait for several retries in one entry; the number of its last attempt distinguishes their timers. Other timers that
 * fire several times in one entry are distinguished by their instant, and by how often they have fired, since metadata
 * may return to an instant.
 */
export function toTimerEvent(stack: Stack, timer: StackTimer, now: number): QueuedEvent {
  const attempt = timer.task === undefined ? "" : `/${attemptsOf(stack, timer.task)}`;
  const times = timesFired(stack, timer.id);
  const firing = timer.instant === undefined ? "" : `/${timer.instant}${times === 0 ? "" : `/${times}`}`;
  const task = timer.task === undefined ? undefined : { name: timer.task };
  return {
    id: timerEventId(stack.incarnation, `${timer.id}${attempt}${firing}`),
    stackId: stack.id,
    origin: "worker",
    timerId: timer.id,
    receivedAt: now,
    message: { event: timer.event, stackId: stack.id, ...defined({ task }) },
  };
}

/** The event of a timer: its id names the instant too. */
type TimerEvent = Required<Pick<QueuedEvent, "id" | "timerId">>;

/** Returns false for the event of a timer that the stack has dropped, or has armed for another instant since. */
export function isStanding(stack: Stack | undefined, { id, timerId }: TimerEvent): boolean {
  const timer = stack?.timers.find((each) => each.id === timerId);
  return stack !== undefined && timer !== undefined && toTimerEvent(stack, timer, 0).id === id;
}

function isDue({ timers }: Stack, timerId: string, at: number): boolean {
  return timers.some(({ id, dueAt }) => id === timerId && dueAt <= at);
}

/** The end of an event, and its instant. */
interface Ending {
  readonly outcome: Outcome | "parked-again";
  readonly code: string;
  readonly reason: string;
  readonly at: number;
}

/**
 * Returns true for an occurrence of a schedule that is refused for the same reason as the one before. The timer counts it; a
 * line of the history for each would hide all others.
 */
export function isSkippedAgain(before: Stack | undefined, event: StackEvent, decision: Decision): boolean {
  if (decision.kind !== "rejected" || !isOccurrence(event)) return false;
  const skipped = before?.timers.find(({ id }) => id === event.timerId)?.skipped;
  return skipped !== undefined && skipped.code === decision.code && skipped.reason === decision.reason;
}

/**
 * Returns the stack after the event of one of its timers was refused or ignored. The timer of an event that is parked or
 * given up stays, so that the event still stands when it is decided again. An event that is ignored drops its timer, if
 * that was due; a schedule continues.
 */
export function followTimer(stack: Stack, event: TimerEvent, { outcome, ...why }: Ending): Stack {
  const { timerId } = event;
  if (outcome === "parked-again" || !isStanding(stack, event)) return stack;
  // The next occurrence follows, also on the revision that a stack still has.
  if (outcome === "ignored" && isOccurrence(event)) return spendTimer(stack, timerId, why.at);
  // A process whose clock is behind has decided a parked event: the timer fires when it is due.
  if (outcome === "ignored" && !isDue(stack, timerId, why.at)) return withoutRefusal(stack, timerId);
  if (outcome === "ignored") return dropTimer(stack, timerId);
  if (outcome === "parked") return withRefused(stack, timerId, why);
  if (isOccurrence(event)) return skipOccurrence(stack, timerId, why);
  return withRefused(stack, timerId, { ...why, givenUpAt: why.at });
}
