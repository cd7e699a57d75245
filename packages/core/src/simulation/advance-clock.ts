import type { DecidedEvent } from "../aggregate/apply-options.ts";
import type { StackInput } from "../aggregate/stack-input.ts";
import { toAttemptDue } from "../attempt/attempt.ts";
import { dueTimers } from "../machine/decide/timers.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import { TIMEOUT } from "../machine/machine.ts";
import type { TaskRun } from "../machine/stack.ts";
import type { SimulatedYard } from "./simulated-yard.ts";
import { type FiredTimer, toOutcome } from "./simulation-line.ts";

/** The result of advancing the clock. */
export interface ClockAdvance {
  readonly fired: readonly FiredTimer[];
  /** False when the simulation has reached its limit of fired timers: then the clock stops there, and more are due. */
  readonly isThere: boolean;
}

/**
 * Moves the clock to an instant, through everything that is due on the way: by instant, then stacks in the order of
 * their creation, then deadlines of attempts, the stack's timers, and parked events that are tried again. Each is
 * decided on what the one before has left.
 */
export function advanceClock(yard: SimulatedYard, until: number, work: WorkInput): ClockAdvance {
  const fired: FiredTimer[] = [];
  for (let due = findNext(yard, until); due !== undefined; due = findNext(yard, until)) {
    if (yard.firesLeft <= 0) return { fired, isThere: false };
    yard.now = Math.max(yard.now, due.at);
    const timers = fire(yard, due.input, work);
    yard.firesLeft -= timers.length;
    fired.push(...timers);
  }
  yard.now = until;
  return { fired, isThere: true };
}

/** Applies an input and takes its change. */
export type WorkInput = (input: StackInput) => readonly DecidedEvent[];

interface Due {
  readonly at: number;
  readonly input: StackInput;
}

function findNext(yard: SimulatedYard, until: number): Due | undefined {
  let next: Due | undefined;
  const ids = new Set([...yard.stacks.keys(), ...yard.parked.keys()]);
  for (const stackId of ids) {
    for (const due of listDue(yard, stackId, until)) if (next === undefined || due.at < next.at) next = due;
  }
  return next;
}

/** Lists due work in the order in which it fires at one instant. */
function listDue(yard: SimulatedYard, stackId: string, until: number): readonly Due[] {
  const stack = yard.stacks.get(stackId);
  const [timer] = dueTimers(stack, until);
  const tries = [...(yard.parked.get(stackId)?.values() ?? [])].map(({ nextTryAt }) => nextTryAt);
  const nextTryAt = tries.length === 0 ? undefined : Math.min(...tries);
  return [
    ...(stack?.runs ?? []).flatMap((run) => findRunDue(yard, stackId, run) ?? []),
    ...(timer === undefined ? [] : [{ at: timer.dueAt, input: { kind: "timers", stackId } as const }]),
    ...(nextTryAt === undefined ? [] : [{ at: nextTryAt, input: { kind: "parked", stackId } as const }]),
  ].filter(({ at }) => at <= until);
}

function findRunDue(yard: SimulatedYard, stackId: string, { attemptId, task }: TaskRun): Due | undefined {
  const attempt = yard.attempts.get(attemptId);
  const deadline = attempt && toAttemptDue(attempt).deadline;
  if (deadline === undefined) return undefined;
  return { at: deadline.at, input: { kind: "deadline", stackId, attemptId, task, why: deadline.why } };
}

function fire(yard: SimulatedYard, input: StackInput, work: WorkInput): readonly FiredTimer[] {
  const before = yard.stacks.get(input.stackId);
  const decided = work(input);
  // An attempt past its deadline is cancelled; here the cancel ends at once, so that the next attempt can begin.
  if (input.kind === "deadline") confirmTimedOut(yard, input, work);
  if (input.kind !== "timers" && input.kind !== "deadline") return [];
  const isRemoved = before !== undefined && !yard.stacks.has(input.stackId);
  const own = decided.filter(({ event }) => (input.kind === "timers" ? event.origin === "timer" : true));
  return (input.kind === "timers" ? own : own.slice(0, 1)).map(({ event, decision }) => {
    const { outcome, code } = toOutcome(decision);
    return {
      at: new Date(yard.now).toISOString(),
      stackId: input.stackId,
      timer: input.kind === "timers" ? toTimerKind(event) : input.why,
      event: event.name,
      ...(event.task && { task: event.task.name }),
      outcome: isRemoved && decision.kind === "applied" ? "removed" : outcome,
      ...defined({ code }),
    };
  });
}

function confirmTimedOut(
  yard: SimulatedYard,
  { stackId, attemptId }: Extract<StackInput, { kind: "deadline" }>,
  work: WorkInput,
): void {
  const open = yard.stacks.get(stackId)?.runs.find((run) => run.attemptId === attemptId);
  if (open?.cancelling !== "timed-out") return;
  const event = SYSTEM_EVENTS.taskCancelled;
  const message = { event, stackId, task: { name: open.task }, dispatchId: attemptId };
  const queued = { id: `${event}:${attemptId}`, stackId, origin: "worker", receivedAt: yard.now, message } as const;
  work({ kind: "delivery", stackId, delivery: { event: queued, deliveries: 1 } });
}

function toTimerKind({ name, task }: StackEvent): FiredTimer["timer"] {
  if (task !== undefined) return name === SYSTEM_EVENTS.taskTimedOut ? "approval" : "retry";
  return name === TIMEOUT ? "timeout" : "after";
}
