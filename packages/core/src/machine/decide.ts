import type { Decision, Ignored, Rejected } from "./decision.ts";
import { react } from "./enter-state.ts";
import { type StackEvent, SYSTEM_EVENTS } from "./event.ts";
import { FAILED, INIT, type Machine, NEXT } from "./machine.ts";
import { mergeMetadata } from "./merge-metadata.ts";
import { cancelTask, retryFailed, retryPending, settleTask, upgradeStack } from "./operator-events.ts";
import { isParked, RESULT_EVENTS } from "./parked-code.ts";
import { removeStack } from "./remove-stack.ts";
import type { Stack } from "./stack.ts";
import { completeTask, confirmCancel, failTask, timeOutTask } from "./task-results.ts";
import { findTimerFault } from "./timers.ts";
import { beginWork, createStack, DEFAULT_LIMITS, type DecideLimits, endWork, type Handler } from "./work.ts";

/**
 * What an event does to a stack. Pure: `event.at` is now, and the same input gives the same decision. Without a stack,
 * an event that names the machine begins one. A refused event changes nothing at all, its metadata included.
 * That an id was applied before is for the caller to know.
 */
export function decide(
  machine: Machine,
  stack: Stack | undefined,
  event: StackEvent,
  limits: DecideLimits = DEFAULT_LIMITS,
): Decision {
  const decision = decideWithoutMachine(stack, event) ?? decideOnMachine(machine, stack, event, limits);
  if (decision.kind !== "rejected" || event.origin !== "timer" || event.timerId === undefined) return decision;
  return isParked(event, decision.code) ? decision : { ...decision, spends: event.timerId };
}

/**
 * What can be decided before a machine is found; undefined when one is needed. A stack can be removed by force although
 * its machine is lost.
 */
export function decideWithoutMachine(stack: Stack | undefined, event: StackEvent): Decision | undefined {
  if (stack === undefined) {
    const mayBegin = !NEEDS_STACK.has(event.name);
    if (mayBegin && event.machine !== undefined) return undefined;
    const advice = mayBegin && !SYSTEM_HANDLERS.has(event.name) ? " Name the machine of a new one." : "";
    return ignore("STACK_UNKNOWN", `There is no stack "${event.stackId}".${advice}`);
  }
  if (event.machine !== undefined && event.machine !== stack.machine) {
    return reject("MACHINE_MISMATCH", `Stack "${stack.id}" belongs to "${stack.machine}", not to "${event.machine}".`);
  }
  return event.name === SYSTEM_EVENTS.removeStack ? removeStack(stack, event) : undefined;
}

/** The name of the machine that an event is decided on; undefined when neither a stack nor the event has one. */
export function machineNameFor(stack: Stack | undefined, event: StackEvent): string | undefined {
  return stack?.machine ?? event.machine;
}

const NEEDS_STACK: ReadonlySet<string> = new Set([SYSTEM_EVENTS.removeStack, SYSTEM_EVENTS.upgradeStack]);

const SYSTEM_HANDLERS: ReadonlyMap<string, Handler> = new Map([
  [SYSTEM_EVENTS.taskCompleted, completeTask],
  [SYSTEM_EVENTS.taskError, failTask],
  [SYSTEM_EVENTS.taskCancelled, confirmCancel],
  [SYSTEM_EVENTS.taskTimedOut, timeOutTask],
  [SYSTEM_EVENTS.retryFailedTasks, retryFailed],
  [SYSTEM_EVENTS.retryPendingTasks, retryPending],
  [SYSTEM_EVENTS.cancelTask, cancelTask],
  [SYSTEM_EVENTS.settleTask, settleTask],
  [SYSTEM_EVENTS.upgradeStack, upgradeStack],
]);

function decideOnMachine(
  machine: Machine,
  stack: Stack | undefined,
  event: StackEvent,
  limits: DecideLimits,
): Decision {
  const state = machine.states.get(stack?.state ?? INIT);
  if (state === undefined) return rejectState(machine, stack, event);
  const before = stack ?? createStack(machine, state, event);
  const fault = findTimerFault(before, event) ?? findNameFault(machine, event);
  if (fault) return fault;
  const merged = mergeMetadata(before.metadata, event.metadata);
  if (merged.kind === "rejected") {
    const settled = toSettled(event, merged);
    return settled ? decideOnMachine(machine, stack, settled, limits) : merged;
  }
  const work = beginWork({ machine, event, limits, before, metadata: merged.metadata });
  const handler = SYSTEM_HANDLERS.get(event.name) ?? handleEvent;
  return handler(work) ?? endWork(work);
}

const handleEvent: Handler = (work) => {
  const { machine, stack, event } = work;
  const reaction = machine.states.get(stack.state)?.on.get(event.name)?.[0];
  if (reaction === undefined) return reject("EVENT_NOT_HANDLED", `"${stack.state}" has no "${event.name}".`);
  react(work, reaction);
  return undefined;
};

function findNameFault(machine: Machine, { name }: StackEvent): Rejected | undefined {
  if (SYSTEM_HANDLERS.has(name) || name === NEXT || machine.events.has(name)) return undefined;
  if (RESERVED.has(name)) return reject("EVENT_RESERVED", `"${name}" is sent by the engine only.`);
  return reject("EVENT_UNDECLARED", `Machine "${machine.name}" declares no event "${name}".`);
}

/** Machines of version 1 may declare these; in all others they are the engine's. */
const RESERVED: ReadonlySet<string> = new Set([FAILED, "TIMEOUT"]);

function rejectState(machine: Machine, stack: Stack | undefined, event: StackEvent): Rejected {
  const reason = `Machine "${machine.name}" has no state "${stack?.state ?? INIT}".`;
  return reject(event.name === SYSTEM_EVENTS.upgradeStack ? "UPGRADE_STATE_MISSING" : "STATE_UNKNOWN", reason);
}

/** What a worker has settled is never refused for its content: its task fails instead, and its metadata is left out. */
function toSettled(event: StackEvent, { reason }: Rejected): StackEvent | undefined {
  if (event.origin !== "worker" || !RESULT_EVENTS.has(event.name)) return undefined;
  const { metadata, ...rest } = event;
  if (event.name !== SYSTEM_EVENTS.taskCompleted) return rest;
  return { ...rest, name: SYSTEM_EVENTS.taskError, code: "OUTPUT_INVALID", description: reason };
}

function reject(code: Rejected["code"], reason: string): Rejected {
  return { kind: "rejected", code, reason };
}

function ignore(code: Ignored["code"], reason: string): Ignored {
  return { kind: "ignored", code, reason };
}
