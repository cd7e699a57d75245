import { attemptsOf } from "../machine/decide/open-runs.ts";
import { timerEventId } from "../machine/decide/timers.ts";
import type { StackEvent } from "../machine/message/event.ts";
import type { Stack, StackTimer } from "../machine/stack.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import { nextTryAt } from "./parking.ts";

/**
 * The event of a timer that has fired; its id names the timer, so it counts once. A task may wait for several of its
 * attempts in one entry: there the last attempt tells them apart.
 */
export function toTimerEvent(stack: Stack, timer: StackTimer, at: number): StackEvent {
  const attempt = timer.task === undefined ? "" : `/${attemptsOf(stack, timer.task)}`;
  return {
    id: timerEventId(stack.life, `${timer.id}${attempt}`),
    stackId: stack.id,
    name: timer.event,
    at,
    origin: "timer",
    timerId: timer.id,
    ...(timer.task === undefined ? {} : { task: { name: timer.task } }),
  };
}

/** The stack with a timer that fires again as a parked event is tried again; undefined when it was tried long enough. */
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

/** The stack with its postponed timers due; the same stack when it has none. */
export function resumeTimers(stack: Stack): Stack {
  if (!stack.timers.some(({ postponedFrom }) => postponedFrom !== undefined)) return stack;
  return replaceTimers(stack, (each) => ({ ...each, dueAt: each.postponedFrom ?? each.dueAt }));
}

/** A timer's event as it is kept when it is set aside: sent again, it counts as the worker's. */
export function toQueuedTimer({ id, stackId, name, at, task }: StackEvent): QueuedEvent {
  const message = { event: name, stackId, ...(task === undefined ? {} : { task }) };
  return { id, stackId, origin: "worker", receivedAt: at, message };
}

function replaceTimers(stack: Stack, replace: (timer: StackTimer) => StackTimer): Stack {
  return { ...stack, timers: stack.timers.map(replace) };
}
