import type { Decision } from "../decide/decision.ts";
import { DEFAULT_CANCEL_WITHIN_MS } from "../decide/open-runs.ts";
import { dueTimers } from "../decide/timers.ts";
import { TIMEOUT } from "../machine.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../message/event.ts";
import type { OpenRun, Stack, StackTimer } from "../stack.ts";
import type { SimulatedYard } from "./simulated-yard.ts";

/** A timer that has fired while the clock was advanced. */
export interface FiredTimer {
  /** ISO 8601. */
  readonly at: string;
  readonly stackId: string;
  /** `deadline` and `cancel` of an attempt, `retry` of a task, `timeout` of the state, `after`. */
  readonly timer: "deadline" | "cancel" | "retry" | "timeout" | "after";
  readonly event: string;
  readonly task?: string;
  readonly outcome: "applied" | "refused" | "ignored" | "removed";
  readonly code?: string;
}

/** What an advance of the clock has done. */
export interface ClockAdvance {
  readonly fired: readonly FiredTimer[];
  /** False when the simulation has fired all that it may: then the clock stands where it is, and more is due. */
  readonly isThere: boolean;
}

/**
 * Moves the clock to an instant, through everything that is due on the way: by instant, then stacks in the order of their
 * creation, then deadlines of attempts, retries, the state's time-out and `after`. Each is decided on what the one before
 * has left.
 */
export function advanceClock(yard: SimulatedYard, until: number, work: WorkEvent): ClockAdvance {
  const fired: FiredTimer[] = [];
  for (let due = findNext(yard, until); due !== undefined; due = findNext(yard, until)) {
    if (yard.firesLeft === 0) return { fired, isThere: false };
    yard.firesLeft -= 1;
    yard.now = Math.max(yard.now, due.at);
    fired.push(fire(yard, due, work));
  }
  yard.now = until;
  return { fired, isThere: true };
}

/** Decides an event and takes what is decided. */
type WorkEvent = (event: StackEvent) => Decision;

type Due =
  | { readonly kind: "timer"; readonly at: number; readonly stack: Stack; readonly timer: StackTimer }
  | { readonly kind: "deadline" | "cancel"; readonly at: number; readonly stack: Stack; readonly run: OpenRun };

function findNext(yard: SimulatedYard, until: number): Due | undefined {
  let next: Due | undefined;
  for (const stack of yard.stacks.values()) {
    for (const due of listDue(yard, stack, until)) if (next === undefined || due.at < next.at) next = due;
  }
  return next;
}

/** In the order in which they fire at one instant. */
function listDue(yard: SimulatedYard, stack: Stack, until: number): readonly Due[] {
  const runs = stack.runs.flatMap((run) => findRunDue(yard, stack, run) ?? []);
  const timers = dueTimers(stack, until).map((timer): Due => ({ kind: "timer", at: timer.dueAt, stack, timer }));
  return [...runs.filter(({ at }) => at <= until), ...timers];
}

function findRunDue(yard: SimulatedYard, stack: Stack, run: OpenRun): Due | undefined {
  if (run.cancelling !== undefined) {
    const askedAt = yard.cancelledAt.get(run.attemptId) ?? yard.now;
    return { kind: "cancel", at: askedAt + (run.cancelWithinMs ?? DEFAULT_CANCEL_WITHIN_MS), stack, run };
  }
  const timeoutMs = yard.timeouts.get(run.attemptId);
  return timeoutMs === undefined ? undefined : { kind: "deadline", at: run.dispatchedAt + timeoutMs, stack, run };
}

function fire(yard: SimulatedYard, due: Due, work: WorkEvent): FiredTimer {
  const event = due.kind === "timer" ? toTimerEvent(yard, due) : toRunEvent(yard, due);
  const decision = work(event);
  // A run that has passed its deadline is asked to stop; here it does at once, so that its next attempt can begin.
  if (due.kind === "deadline") confirmTimedOut(yard, due, work);
  const isRemoved = decision.kind === "applied" && !yard.stacks.has(due.stack.id);
  const outcome = decision.kind === "rejected" ? "refused" : decision.kind;
  return {
    at: new Date(yard.now).toISOString(),
    stackId: due.stack.id,
    timer: due.kind === "timer" ? toTimerKind(due.timer) : due.kind,
    event: event.name,
    ...(event.task && { task: event.task.name }),
    outcome: isRemoved ? "removed" : outcome,
    ...(decision.kind !== "applied" && { code: decision.code }),
  };
}

function confirmTimedOut(yard: SimulatedYard, { stack, run }: Extract<Due, { run: OpenRun }>, work: WorkEvent): void {
  const open = yard.stacks.get(stack.id)?.runs.find(({ attemptId }) => attemptId === run.attemptId);
  if (open?.cancelling === "timed-out") work(toAnswer(yard, stack.id, open, SYSTEM_EVENTS.taskCancelled));
}

function toTimerKind({ task, event }: StackTimer): FiredTimer["timer"] {
  if (task !== undefined) return "retry";
  return event === TIMEOUT ? "timeout" : "after";
}

function toTimerEvent(yard: SimulatedYard, { stack, timer }: Extract<Due, { kind: "timer" }>): StackEvent {
  const { id, event: name, task } = timer;
  return {
    id: `timer:${stack.life}:${id}:${timer.dueAt}`,
    stackId: stack.id,
    name,
    at: yard.now,
    origin: "timer",
    timerId: id,
    ...(task !== undefined && { task: { name: task } }),
  };
}

function toRunEvent(yard: SimulatedYard, { kind, stack, run }: Extract<Due, { run: OpenRun }>): StackEvent {
  return toAnswer(yard, stack.id, run, kind === "cancel" ? SYSTEM_EVENTS.taskCancelled : SYSTEM_EVENTS.taskTimedOut);
}

function toAnswer(yard: SimulatedYard, stackId: string, { attemptId, task }: OpenRun, name: string): StackEvent {
  const id = `${name}:${attemptId}`;
  return { id, stackId, name, at: yard.now, origin: "worker", task: { name: task }, dispatchId: attemptId };
}
