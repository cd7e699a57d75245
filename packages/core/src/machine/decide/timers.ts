import { type CronSchedule, nextOccurrence } from "../cron.ts";
import type { StackEvent } from "../event-message.ts";
import { type AfterTimer, type State, TIMEOUT } from "../machine.ts";
import type { Stack, StackTimer } from "../stack.ts";
import type { Ignored } from "./decision.ts";

/** The latest instant that a date can name; a timer or deadline behind it never comes. */
const LAST_INSTANT = 8_640_000_000_000_000;

/** An instant that a date can name. */
export function toInstant(ms: number): number {
  return Math.min(ms, LAST_INSTANT);
}

/** The id of the timer of a state's own time-out. */
export function timeoutId(entry: number): string {
  return `${entry}/timeout`;
}

/** The id of the timer of a task's next attempt. */
export function retryId(entry: number, task: string): string {
  return `${entry}/retry/${task}`;
}

/** The id of the timer of an approval's end. */
export function approvalTimerId(entry: number, task: string): string {
  return `${entry}/approval/${task}`;
}

/** The id of the timer of an entry of `after` whose instant an expression gives. */
export function instantTimerId(entry: number, index: number): string {
  return `${entry}/at/${index}`;
}

/** True for timers whose instant an expression gives. */
export function isInstantTimer({ instant, repeats }: StackTimer): boolean {
  return instant !== undefined && repeats === undefined;
}

/** The id of a timer's event: one timer fires once in the incarnation of its stack. */
export function timerEventId(incarnation: string, timerId: string): string {
  return `timer:${incarnation}:${timerId}`;
}

const NO_TIMERS: readonly StackTimer[] = [];

/** The timers that are armed when a state is entered, without those whose instant an expression gives. */
export function armTimers(state: State | undefined, entry: number, at: number): readonly StackTimer[] {
  if (state === undefined || (state.after.length === 0 && state.timeoutMs === undefined)) return NO_TIMERS;
  const { timeoutMs, after } = state;
  return [
    ...(timeoutMs === undefined ? [] : [{ id: timeoutId(entry), event: TIMEOUT, dueAt: toInstant(at + timeoutMs) }]),
    ...after.flatMap((timer, index) =>
      armAfter(timer, `${entry}/${timer.kind === "cron" ? "cron" : "after"}/${index}`, at),
    ),
  ];
}

function armAfter(timer: AfterTimer, id: string, at: number): readonly StackTimer[] {
  const { event } = timer;
  switch (timer.kind) {
    case "in":
      return [{ id, event, dueAt: toInstant(at + timer.inMs) }];
    case "cron":
      return armCron({ id, event, repeats: timer.repeats }, at);
    case "at":
      return NO_TIMERS;
  }
}

function armCron(timer: Pick<StackTimer, "id" | "event"> & { readonly repeats: CronSchedule }, after: number) {
  const dueAt = nextOccurrence(timer.repeats, after);
  return dueAt === undefined ? NO_TIMERS : [{ ...timer, dueAt, instant: dueAt }];
}

/**
 * The stack's timers that are due, in the order in which they fire: by instant; of one instant first what tasks wait for
 * (in their order), then the state's time-out, then its other events as declared. Each is to be decided on the result of
 * the one before, which may have dropped it.
 */
export function dueTimers(stack: Stack, now: number): readonly StackTimer[] {
  const due = stack.timers.filter(({ dueAt }) => dueAt <= now);
  if (due.length < 2) return due;
  const rank = ({ id, event, task }: StackTimer) => {
    if (task !== undefined) return stack.tasks.findIndex(({ name }) => name === task) - stack.tasks.length;
    return event === TIMEOUT ? 0 : 1 + Number(id.split("/").at(-1));
  };
  return due.sort((a, b) => a.dueAt - b.dueAt || rank(a) - rank(b));
}

/**
 * The stack after a timer has fired; the same stack when it is not armed. A timer that repeats is armed again for its next
 * instant after `at`: what was missed meanwhile is not made up for. The instant of one that an expression gives is kept, so
 * that a later evaluation with the same result does not arm it again.
 */
export function spendTimer(stack: Stack, timerId: string, at: number): Stack {
  const timer = stack.timers.find(({ id }) => id === timerId);
  if (timer === undefined) return stack;
  const { id, event, repeats, instant } = timer;
  const next = repeats === undefined ? NO_TIMERS : armCron({ id, event, repeats }, at);
  const timers = stack.timers.flatMap((each) => (each === timer ? next : [each]));
  if (instant === undefined || repeats !== undefined) return { ...stack, timers };
  return { ...stack, timers, firedInstants: { ...stack.firedInstants, [id]: instant } };
}

/**
 * Returns why a timer's event is ignored: its timer has fired, was dropped with its state, or is not due. The last
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
