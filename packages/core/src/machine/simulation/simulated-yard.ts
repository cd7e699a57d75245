import { decide, decideWithoutMachine, machineNameFor } from "../decide/decide.ts";
import type { Applied, Decision } from "../decide/decision.ts";
import { followDecision } from "../decide/follow-decision.ts";
import { tellUnknownMachine } from "../decide/unknown-machine.ts";
import type { Machine } from "../machine.ts";
import { type StackEvent, SYSTEM_EVENTS, toEventKey } from "../message/event.ts";
import type { TaskMessage } from "../message/task-message.ts";
import type { Stack } from "../stack.ts";

/** Timers that one simulation fires at most: one that begins itself again would fire for ever. */
export const MAX_FIRED = 10_000;

/** Stacks and machines in memory, and the clock that only `advance` moves. */
export interface SimulatedYard {
  /** The newest revision by name; undefined when the newest document has errors. */
  readonly machines: Map<string, Machine | undefined>;
  /** Every revision that was loaded, by hash. */
  readonly revisions: Map<string, Machine>;
  now: number;
  /** How many timers may still fire. */
  firesLeft: number;
  /** In the order of creation. */
  readonly stacks: Map<string, Stack>;
  /** Keys of events by stack; they outlive its removal. */
  readonly appliedIds: Map<string, Set<string>>;
  /** How long each open attempt may run, by attempt id. */
  readonly timeouts: Map<string, number>;
  /** When a cancel was asked for, by attempt id. */
  readonly cancelledAt: Map<string, number>;
  /** What the step has done so far, by stack. */
  touched: Map<string, Touch>;
}

/** What a step did to one stack. */
export interface Touch {
  readonly dispatched: string[];
  readonly cancelled: string[];
  readonly messages: TaskMessage[];
}

/** A yard without stacks. */
export function createSimulatedYard(machines: ReadonlyMap<string, Machine | undefined>, now: number): SimulatedYard {
  const revisions = [...machines.values()].flatMap((machine) => (machine ? [[machine.hash, machine] as const] : []));
  return {
    machines: new Map(machines),
    revisions: new Map(revisions),
    now,
    firesLeft: MAX_FIRED,
    stacks: new Map(),
    appliedIds: new Map(),
    timeouts: new Map(),
    cancelledAt: new Map(),
    touched: new Map(),
  };
}

/** Decides an event and takes what is decided. */
export function workEvent(yard: SimulatedYard, event: StackEvent): Decision {
  const decision = decideInYard(yard, event);
  takeDecision(yard, event, decision);
  return decision;
}

/** What an event would do. */
export function decideInYard(yard: SimulatedYard, event: StackEvent): Decision {
  const { id, stackId } = event;
  if (yard.appliedIds.get(stackId)?.has(toEventKey(event))) {
    return { kind: "ignored", code: "DUPLICATE", reason: `Event "${id}" was applied before.` };
  }
  const stack = yard.stacks.get(stackId);
  const early = decideWithoutMachine(stack, event);
  if (early) return early;
  const name = machineNameFor(stack, event) ?? "";
  const machine = findMachine(yard, name, { stack, event });
  if (machine) return decide(machine, stack, event);
  if (isNamed(event)) return { kind: "rejected", code: "MACHINE_UNKNOWN", reason: tellUnknownRevision(name, event.to) };
  return yard.machines.has(name)
    ? { kind: "rejected", code: "MACHINE_INVALID", reason: `The machine "${name}" has errors.` }
    : { kind: "rejected", code: "MACHINE_UNKNOWN", reason: tellUnknownMachine(name, yard.machines.keys()) };
}

interface Wanted {
  readonly stack: Stack | undefined;
  readonly event: StackEvent;
}

/** The stack's own revision where it is pinned, or the newest is invalid or lacks its state; else the newest. */
function findMachine(yard: SimulatedYard, name: string, { stack, event }: Wanted): Machine | undefined {
  const newest = yard.machines.get(name);
  const own = stack && yard.revisions.get(stack.machineHash);
  if (isNamed(event)) {
    const named = yard.revisions.get(event.to);
    return named?.name === name ? named : undefined;
  }
  if (stack === undefined || own === undefined || event.name === SYSTEM_EVENTS.upgradeStack) return newest;
  if (own.revision === "pin") return own;
  return newest?.states.has(stack.state) ? newest : own;
}

/** True for an upgrade to a revision that is named. */
function isNamed(event: StackEvent): event is StackEvent & { readonly to: string } {
  return event.name === SYSTEM_EVENTS.upgradeStack && event.to !== undefined;
}

function tellUnknownRevision(name: string, to: string): string {
  return `No revision ${to.slice(0, 12)} of "${name}" was loaded.`;
}

function takeDecision(yard: SimulatedYard, event: StackEvent, decision: Decision): void {
  if (decision.kind === "applied") {
    takeApplied(yard, event, decision);
    return;
  }
  const stack = followDecision(yard.stacks.get(event.stackId), decision);
  if (stack) yard.stacks.set(stack.id, stack);
}

function takeApplied(yard: SimulatedYard, event: StackEvent, decision: Applied): void {
  const { stackId, at } = event;
  const ids = yard.appliedIds.get(stackId) ?? new Set();
  yard.appliedIds.set(stackId, ids.add(toEventKey(event)));
  const touch = touchStack(yard, stackId);
  for (const { attemptId, task, message, timeoutMs } of decision.dispatches) {
    touch.dispatched.push(task);
    touch.messages.push(message);
    yard.timeouts.set(attemptId, timeoutMs);
  }
  for (const { attemptId } of decision.cancels) {
    const run = [...decision.stack.runs, ...(yard.stacks.get(stackId)?.runs ?? [])].find(
      (each) => each.attemptId === attemptId,
    );
    if (run) touch.cancelled.push(run.task);
    if (!yard.cancelledAt.has(attemptId)) yard.cancelledAt.set(attemptId, at);
  }
  if (decision.removed) yard.stacks.delete(stackId);
  else yard.stacks.set(stackId, decision.stack);
}

function touchStack(yard: SimulatedYard, stackId: string): Touch {
  const touch = yard.touched.get(stackId) ?? { dispatched: [], cancelled: [], messages: [] };
  yard.touched.set(stackId, touch);
  return touch;
}
