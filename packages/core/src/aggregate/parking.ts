import { attemptsOf } from "../machine/decide/open-runs.ts";
import { timerEventId } from "../machine/decide/work.ts";
import type { StackEvent } from "../machine/message/event.ts";
import type { Stack, StackTimer } from "../machine/stack.ts";
import type { Random } from "../ports/clock.ts";
import type { ParkedEvent, QueuedEvent } from "../ports/stack-store.ts";
import type { MaskedKeys } from "./masked-keys.ts";

/** How long and how often a refused event is tried again. */
export interface ParkingOptions {
  /** Decisions in all. Default 50. */
  readonly maxTries: number;
  /** From the first refusal. Default one hour (`REFUSED_EVENTS_KEEP`). */
  readonly keepMs: number;
  /** Of one stack; more are set aside at once. Default 1,000. */
  readonly maxParked: number;
}

/** How long a refused event waits for its turn: 50 tries or one hour, and 1,000 events of a stack at most. */
export const DEFAULT_PARKING: ParkingOptions = { maxTries: 50, keepMs: 3_600_000, maxParked: 1_000 };

const FIRST_DELAYS_MS = [30_000, 60_000, 120_000, 240_000, 480_000];
const LATER_DELAY_MS = 900_000;

/** When a parked event is due again: 30 s after it was parked, then 1, 2, 4, 8 and every 15 minutes later. */
export function nextTryAt(parkedAt: number, now: number): number {
  let at = parkedAt;
  for (const delay of FIRST_DELAYS_MS) {
    at += delay;
    if (at > now) return at;
  }
  return at + LATER_DELAY_MS * (Math.floor((now - at) / LATER_DELAY_MS) + 1);
}

/** What a refusal makes of an event: parked (again), or given up because of its tries or its age. */
export function parkAgain(
  input: {
    readonly event: QueuedEvent;
    readonly before: ParkedEvent | undefined;
    readonly code: string;
    readonly reason: string;
    readonly now: number;
    readonly masked?: MaskedKeys | undefined;
  },
  options: ParkingOptions,
): { readonly kind: "park" | "give-up"; readonly parked: ParkedEvent } {
  const { event, before, code, reason, now, masked } = input;
  const parkedAt = before?.parkedAt ?? now;
  const tries = (before?.tries ?? 0) + 1;
  const parked = {
    event,
    code,
    reason,
    parkedAt,
    tries,
    nextTryAt: Math.min(nextTryAt(parkedAt, now), parkedAt + options.keepMs),
    ...(masked === undefined ? {} : { masked }),
  };
  const over = tries >= options.maxTries || now - parkedAt >= options.keepMs;
  return { kind: over ? "give-up" : "park", parked };
}

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

/**
 * The stack with its timers at fixed instants: `decide` gives the latest one and how much before it is up to chance. The
 * same stack when nothing is.
 */
export function drawJitter(stack: Stack, random: Random): Stack {
  if (stack.timers.every(({ jitterMs }) => jitterMs === undefined)) return stack;
  const timers = stack.timers.map(({ jitterMs = 0, ...timer }) => ({
    ...timer,
    dueAt: timer.dueAt - Math.floor(random() * jitterMs),
  }));
  return { ...stack, timers };
}
