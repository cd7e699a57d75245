import { attemptsOf } from "../machine/decide/runs.ts";
import { timerEventId, timesFired } from "../machine/decide/timers.ts";
import type { StackEvent } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import type { Stack, StackTimer } from "../machine/stack.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import { nextTryAt } from "./parking.ts";

/**
 * Returns the event of a timer that has fired. Its id contains the id of the timer, so it is applied once. A task may
 * wait for several retries in one entry; the number of its last attempt distinguishes their timers. Other timers that
 * fire several times in one entry are distinguished by their instant, and by how often they have fired, since metadata
 * may return to an instant.
 */
export function toTimerEvent(stack: Stack, timer: StackTimer, at: number): StackEvent {
  const attempt = timer.task === undefined ? "" : `/${attemptsOf(stack, timer.task)}`;
  const times = timesFired(stack, timer.id);
  const firing = timer.instant === undefined ? "" : `/${timer.instant}${times === 0 ? "" : `/${times}`}`;
  return defined({
    id: timerEventId(stack.incarnation, `${timer.id}${attempt}${firing}`),
    stackId: stack.id,
    name: timer.event,
    at,
    origin: "timer" as const,
    timerId: timer.id,
    task: timer.task === undefined ? undefined : { name: timer.task },
  });
}

/**
 * Returns the stack with the timer postponed like a parked event; undefined when the timer was postponed for too long.
 */
export function postponeTimer(
  stack: Stack,
  timer: StackTimer,
  { now, keepMs }: { readonly now: number; readonly keepMs: number },
): Stack | undefined {
  const postponedFrom = timer.postponedFrom ?? now;
  const endAt = postponedFrom + keepMs;
  if (now >= endAt) return undefined;
  const dueAt = Math.min(nextTryAt(postponedFrom, now), endAt);
  return replaceTimers(stack, (each) => (each.id === timer.id ? { ...each, dueAt, postponedFrom } : each));
}

/** Makes the postponed timers of a stack due. Returns the same stack when it has no such timers. */
export function resumeTimers(stack: Stack): Stack {
  if (!stack.timers.some(({ postponedFrom }) => postponedFrom !== undefined)) return stack;
  return replaceTimers(stack, (each) => ({ ...each, dueAt: each.postponedFrom ?? each.dueAt }));
}

function replaceTimers(stack: Stack, replace: (timer: StackTimer) => StackTimer): Stack {
  return { ...stack, timers: stack.timers.map(replace) };
}

/** Converts a timer's event to the event of a dead letter. When it is sent again, its origin is `worker`. */
export function toQueuedTimer({ id, stackId, name, at, task }: StackEvent): QueuedEvent {
  const message = { event: name, stackId, ...defined({ task }) };
  return { id, stackId, origin: "worker", receivedAt: at, message };
}
