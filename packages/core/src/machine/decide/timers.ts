import { type State, TIMEOUT } from "../machine.ts";
import type { StackEvent } from "../message/event.ts";
import type { Stack, StackTimer } from "../stack.ts";
import type { Ignored } from "./decision.ts";

/** The latest instant that a date can name; a timer or deadline behind it never comes. */
const LAST_INSTANT = 8_640_000_000_000_000;

/** The timers that are armed when a state is entered. */
export function armTimers(state: State | undefined, entry: number, at: number): readonly StackTimer[] {
  if (state === undefined || (state.after.length === 0 && state.timeoutMs === undefined)) return NO_TIMERS;
  const { timeoutMs, after } = state;
  return [
    ...(timeoutMs === undefined ? [] : [{ id: timeoutId(entry), event: TIMEOUT, dueAt: toInstant(at + timeoutMs) }]),
    ...after.map(({ inMs, event }, index) => ({ id: `${entry}/after/${index}`, event, dueAt: toInstant(at + inMs) })),
  ];
}

/** The id of the timer of a state's own time-out. */
export function timeoutId(entry: number): string {
  return `${entry}/timeout`;
}

/** The id of the timer of a task's next attempt. */
export function retryId(entry: number, task: string): string {
  return `${entry}/retry/${task}`;
}

/** The id of a timer's event: one timer fires once in the life of its stack. */
export function timerEventId(life: string, timerId: string): string {
  return `timer:${life}:${timerId}`;
}

/** An instant that a date can name. */
export function toInstant(ms: number): number {
  return Math.min(ms, LAST_INSTANT);
}

/**
 * The stack's timers that are due, in the order in which they fire: by instant; of one instant first what tasks wait for
 * (in their order), then the state's time-out, then its other events as declared. Each is to be decided on the result of
 * the one before, which may have dropped it.
 */
export function dueTimers(stack: Stack, now: number): readonly StackTimer[] {
  const due = stack.timers.filter(({ dueAt }) => dueAt <= now);
  if (due.length < 2) return due;
  const rank = ({ event, task }: StackTimer) => {
    if (task !== undefined) return stack.tasks.findIndex(({ name }) => name === task) - stack.tasks.length;
    return event === TIMEOUT ? 0 : 1;
  };
  return due.sort((a, b) => a.dueAt - b.dueAt || rank(a) - rank(b));
}

/** The stack without a timer that has fired; the same stack when it is not armed. */
export function spendTimer(stack: Stack, timerId: string): Stack {
  const timers = stack.timers.filter(({ id }) => id !== timerId);
  return timers.length === stack.timers.length ? stack : { ...stack, timers };
}

/**
 * Why a timer's event comes to nothing: its timer has fired, was dropped with its state, or is not due. The last
 * happens when an id is used by a new stack: a late event of the old one may carry the name of a timer of the new.
 */
export function findTimerFault(stack: Stack, event: StackEvent): Ignored | undefined {
  if (event.origin !== "timer") return undefined;
  const armed = stack.timers.some(({ id, dueAt, event: name }) => {
    return id === event.timerId && name === event.name && dueAt <= event.at;
  });
  if (armed) return undefined;
  return { kind: "ignored", code: "TIMER_STALE", reason: `The timer "${event.timerId ?? ""}" is not armed and due.` };
}

const NO_TIMERS: readonly StackTimer[] = [];
