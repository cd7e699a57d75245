import { type CronSchedule, nextOccurrence } from "../cron.ts";
import type { StackEvent } from "../event-message.ts";
import { defined } from "../json.ts";
import type { AfterTimer } from "../machine.ts";
import { type State, TIMEOUT } from "../machine.ts";
import type { RefusedTimer, Stack, StackTimer } from "../stack.ts";
import type { Ignored } from "./decision.ts";
import { afterTimerId, timeoutId } from "./timer-ids.ts";

/** Returns true for timers whose instant is an expression. */
export function isInstantTimer({ instant, repeats }: StackTimer): boolean {
  return instant !== undefined && repeats === undefined;
}

/** Returns true for a timer that fires by itself: its event was not refused. */
export function isArmed({ refused }: Pick<StackTimer, "refused">): boolean {
  return refused === undefined;
}

/**
 * Returns the stack's due timers, in the order in which they fire: by instant; at the same instant first those of tasks
 * (in their order), then the state's timeout, then its other events as declared. Each must be decided on the result of
 * the one before, which may have dropped it. A stack that is gone has none.
 */
export function dueTimers(stack: Stack | undefined, now: number): readonly StackTimer[] {
  if (stack === undefined) return [];
  const due = stack.timers.filter((timer) => timer.dueAt <= now && isArmed(timer));
  if (due.length < 2) return due;
  const rank = ({ event, task }: StackTimer) => {
    if (task !== undefined) return stack.tasks.findIndex(({ name }) => name === task) - stack.tasks.length;
    return event === TIMEOUT ? 0 : 1;
  };
  // Timers of `after` are in the order of the declaration, and the sort keeps it.
  return due.sort((a, b) => a.dueAt - b.dueAt || rank(a) - rank(b));
}

/** Returns when the first timer of a stack fires; undefined when none will. */
export function nextTimerAt({ timers }: Pick<Stack, "timers">): number | undefined {
  let first: number | undefined;
  for (const timer of timers) {
    if (isArmed(timer) && (first === undefined || timer.dueAt < first)) first = timer.dueAt;
  }
  return first;
}

/** Returns true when the state has timed out unhandled, or the event of one of its timers was given up. */
export function isOverdue({ overdue, timers }: Pick<Stack, "overdue" | "timers">): boolean {
  return overdue === true || timers.some(({ refused }) => refused?.givenUpAt !== undefined);
}

/** Returns the stack with a timer whose event was refused. The timer stays with its state, but does not fire again. */
export function withRefused(stack: Stack, timerId: string, refused: RefusedTimer): Stack {
  return replaceTimer(stack, timerId, (timer) => {
    return { ...timer, refused: { ...refused, at: timer.refused?.at ?? refused.at } };
  });
}

/** Returns the stack with a timer whose event is not refused any more: it fires when it is due. */
export function withoutRefusal(stack: Stack, timerId: string): Stack {
  return replaceTimer(stack, timerId, withoutRefused);
}

/** Returns a timer whose event was not refused. */
export function withoutRefused({ refused: _, ...timer }: StackTimer): StackTimer {
  return timer;
}

/** Returns the stack whose schedule has skipped an occurrence, and is armed for the next one. */
export function skipOccurrence(stack: Stack, timerId: string, { at, code, reason }: RefusedTimer): Stack {
  const counted = replaceTimer(stack, timerId, ({ refused, ...timer }) => {
    return { ...timer, skipped: { count: (timer.skipped?.count ?? 0) + 1, at, code, reason } };
  });
  return spendTimer(counted, timerId, at);
}

function replaceTimer(stack: Stack, timerId: string, replace: (timer: StackTimer) => StackTimer): Stack {
  return { ...stack, timers: stack.timers.map((timer) => (timer.id === timerId ? replace(timer) : timer)) };
}

/** Returns the stack without a timer. */
export function dropTimer(stack: Stack, timerId: string): Stack {
  return { ...stack, timers: stack.timers.filter(({ id }) => id !== timerId) };
}

/**
 * Returns a stack on another revision of its machine. A schedule that its state has in both revisions stays, one of the
 * earlier revision stops, and a new one starts. `armInstants` does the same for instants of expressions. Timers that
 * count from the entry stay as they were then.
 */
export function adoptTimers(stack: Stack, state: State | undefined, at: number): Stack {
  const { entry, timers } = stack;
  const schedules = (state?.after ?? []).flatMap((timer) => {
    if (timer.kind !== "cron") return NO_TIMERS;
    const id = afterTimerId(entry, timer);
    const present = timers.find((each) => each.id === id);
    return present === undefined ? armCron({ id, event: timer.event, repeats: timer.repeats }, at) : [present];
  });
  const declared = listIds(state, entry);
  const others = timers.filter(({ id, repeats, instant }) => {
    return repeats === undefined && (instant === undefined || declared.has(id));
  });
  return schedules.length === 0 && others.length === timers.length
    ? stack
    : { ...stack, timers: [...others, ...schedules] };
}

function listIds(state: State | undefined, entry: number): ReadonlySet<string> {
  return new Set((state?.after ?? []).map((timer) => afterTimerId(entry, timer)));
}

/**
 * Returns true when a timer has sent its event for an instant in the present entry, or when one that only an earlier
 * revision has sent the same event for it.
 */
export function hasFired(
  { entry, firedInstants = {} }: Stack,
  state: State | undefined,
  { id, event, instant }: Required<Pick<StackTimer, "id" | "event" | "instant">>,
): boolean {
  const declared = listIds(state, entry);
  return Object.entries(firedInstants).some(([other, fired]) => {
    return fired.event === event && fired.instant === instant && (other === id || !declared.has(other));
  });
}

/**
 * Returns why a timer's event is ignored: its timer has fired, was dropped with its state, or is not due. The last happens
 * when an id is used by a new stack: a late event of the old one may carry the name of a timer of the new.
 */
export function findTimerFault(stack: Stack, event: StackEvent): Ignored | undefined {
  const armed = stack.timers.some(({ id, dueAt, event: name }) => {
    return id === event.timerId && name === event.name && dueAt <= event.at;
  });
  if (armed) return undefined;
  return { kind: "ignored", code: "TIMER_STALE", reason: `The timer "${event.timerId ?? ""}" is not armed and due.` };
}

/**
 * Returns how the timers of a stack have changed with the revision of its machine, without the one that has fired; and
 * which of them stay although the revision has others.
 */
export function describeTimers(before: Stack, after: Stack, state: State | undefined, fired?: string): string[] {
  const own = ({ timers }: Stack) =>
    timers.filter((timer) => timer.task === undefined && isArmed(timer) && timer.id !== fired);
  const [old, now] = [own(before), own(after)];
  const lost = old.filter(({ id, dueAt }) => !now.some((timer) => timer.id === id && timer.dueAt === dueAt));
  const found = now.filter(({ id, dueAt }) => !old.some((timer) => timer.id === id && timer.dueAt === dueAt));
  const stopped = lost.filter(({ event }) => !found.some((timer) => timer.event === event));
  const { entry, enteredAt } = after;
  const next = armTimers(state, entry, enteredAt).filter(({ repeats }) => repeats === undefined);
  const isNext = (timer: StackTimer) => next.some(({ id, dueAt }) => id === timer.id && dueAt === timer.dueAt);
  const stays = now.filter((timer) => timer.instant === undefined && !isNext(timer));
  const begins = next.filter(({ id, dueAt }) => dueAt > after.updatedAt && !now.some((timer) => timer.id === id));
  return [
    ...stopped.map(({ event, dueAt }) => `The timer of "${event}" stops. It was due at ${formatInstant(dueAt)}.`),
    ...found.map(({ event, dueAt }) => {
      const earlier = lost.find((timer) => timer.event === event);
      const instead = earlier === undefined ? "" : ` instead of ${formatInstant(earlier.dueAt)}`;
      return `The timer of "${event}" is due at ${formatInstant(dueAt)}${instead}.`;
    }),
    ...stays.map(({ event, dueAt }) => {
      return `The timer of "${event}" stays due at ${formatInstant(dueAt)} until the state is left; the revision has another.`;
    }),
    ...begins.map(({ event }) => `A timer of "${event}" begins when the state is entered the next time.`),
  ];
}

/** Returns which timers count from the entry, are only in the state of the new revision, and would have been due already. */
export function describePast(before: State | undefined, after: State | undefined, stack: Stack): readonly string[] {
  const { entry, enteredAt, updatedAt } = stack;
  const known = new Set(armTimers(before, entry, enteredAt).map(({ id }) => id));
  const past = armTimers(after, entry, enteredAt).filter(({ id, dueAt, repeats }) => {
    return repeats === undefined && dueAt <= updatedAt && !known.has(id);
  });
  return past.map(({ event, dueAt }) => {
    return `A timer of "${event}" would have been due at ${formatInstant(dueAt)}; it begins when the state is entered the next time.`;
  });
}

function formatInstant(at: number): string {
  return new Date(at).toISOString();
}

/** The latest instant that a date can name; a timer or deadline behind it never comes. */
const LAST_INSTANT = 8_640_000_000_000_000;

/** Limits an instant to the range of dates. */
export function toInstant(ms: number): number {
  return Math.min(ms, LAST_INSTANT);
}

export const NO_TIMERS: readonly StackTimer[] = [];

/** Returns the timers that are armed when a state is entered, without those whose instant is an expression. */
export function armTimers(state: State | undefined, entry: number, at: number): readonly StackTimer[] {
  if (state === undefined || (state.after.length === 0 && state.timeoutMs === undefined)) return NO_TIMERS;
  const { timeoutMs, after } = state;
  return [
    ...(timeoutMs === undefined ? [] : [{ id: timeoutId(entry), event: TIMEOUT, dueAt: toInstant(at + timeoutMs) }]),
    ...after.flatMap((timer) => armAfter(timer, afterTimerId(entry, timer), at)),
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

/** Returns the timer of a schedule, armed for its next instant; none when it has no other. */
export function armCron(
  timer: Pick<StackTimer, "id" | "event" | "skipped"> & { readonly repeats: CronSchedule },
  after: number,
) {
  const dueAt = nextOccurrence(timer.repeats, after);
  return dueAt === undefined ? NO_TIMERS : [{ ...timer, dueAt, instant: dueAt }];
}

/**
 * Returns the stack after a timer has fired; the same stack when it is not armed. A timer that repeats is armed again
 * for its next instant after `at`: missed instants are skipped. The instant of an expression is kept, so that neither
 * another evaluation with the same result nor another revision arms it again.
 */
export function spendTimer(stack: Stack, timerId: string, at: number): Stack {
  const timer = stack.timers.find(({ id }) => id === timerId);
  if (timer === undefined) return stack;
  const { id, event, repeats, instant, skipped } = timer;
  const next = repeats === undefined ? NO_TIMERS : armCron({ id, event, repeats, ...defined({ skipped }) }, at);
  const timers = stack.timers.flatMap((each) => (each === timer ? next : [each]));
  if (instant === undefined || repeats !== undefined) return { ...stack, timers };
  const fired = { event, instant, times: timesFired(stack, id) + 1 };
  return { ...stack, timers, firedInstants: { ...stack.firedInstants, [id]: fired } };
}

/** Returns how many times a timer whose instant is an expression has fired in the present entry. */
export function timesFired({ firedInstants = {} }: Stack, timerId: string): number {
  return Object.hasOwn(firedInstants, timerId) ? (firedInstants[timerId]?.times ?? 0) : 0;
}
