import { findCurrentRun } from "../decide/runs.ts";
import { hasFailed, isHeld } from "../decide/task-states.ts";
import { isArmed } from "../decide/timers.ts";
import { FAILED, type Machine, NEXT, type State, TIMEOUT } from "../machine.ts";
import type { Stack, TaskState } from "../stack.ts";
import { listTaken } from "./to-graph.ts";

/** The states that a stack can reach without an event from outside. */
export interface Reachable {
  /**
   * The states in which it can stop, in the order in which they are found. The present one only when it can be entered
   * again.
   */
  readonly states: readonly string[];
  /** True when the stack can reach its end and be removed. */
  readonly removal: boolean;
}

/**
 * Finds what a stack can reach by itself: by results of its tasks, `NEXT`, `FAILED`, timers, and events that are
 * parked. Assumes that every condition may be true and that every task may succeed or fail, so a missing state is
 * impossible, and a listed one may still not happen. `parked`: the names of the stack's parked events.
 */
export function findReachable(machine: Machine, stack: Stack, parked: readonly string[] = []): Reachable {
  const present = machine.states.get(stack.state);
  const events = [...listPending(machine, stack), ...parked];
  const states = walk(machine, { present, events }, (state) => [...listOwnEvents(machine, state), ...parked]);
  const ends = present?.terminal === true && !stack.tasks.some((task) => isLost(stack, task));
  return toReachable(machine, states, ends);
}

/**
 * Finds what a stack that has just entered a state can reach by itself while every task succeeds and no state times
 * out.
 */
export function findReachableOnSuccess(machine: Machine, name: string): Reachable {
  const present = machine.states.get(name);
  const toEvents = (state: State) => listOwnEvents(machine, state).filter((event) => !ON_FAILURE.has(event));
  const states = walk(machine, { present, events: present === undefined ? [] : toEvents(present) }, toEvents);
  return toReachable(machine, states, present?.terminal === true);
}

const ON_FAILURE: ReadonlySet<string> = new Set([FAILED, TIMEOUT]);

/** Returns events that the engine itself may still make in the present entry. */
function listPending(machine: Machine, stack: Stack): readonly string[] {
  const { tasks, timers, state } = stack;
  const isPending = tasks.some(({ status }) => status === "PENDING");
  const mayRecover = tasks.some((task) => task.status === "ERROR" && !isLost(stack, task));
  const isAwaited = isPending || mayRecover || (tasks.length > 0 && isHeld({ stack }));
  const isBlocked = machine.states.get(state)?.terminal === true || tasks.some((task) => isLost(stack, task));
  const mayFail = mayRecover || (isPending && !hasFailed({ machine, stack }));
  return [
    ...(isAwaited && !isBlocked ? [NEXT] : []),
    ...(mayFail ? listFailed(machine) : []),
    ...timers.filter((timer) => timer.task === undefined && isArmed(timer)).map(({ event }) => event),
  ];
}

/**
 * Returns true for a task that has failed and cannot recover. An attempt that ran out of time has failed its task, and
 * may still succeed while it stops.
 */
function isLost(stack: Stack, { name, status }: TaskState): boolean {
  return status === "ERROR" && findCurrentRun(stack, name) === undefined;
}

/** Returns events that the engine itself may make in a state that is entered. */
function listOwnEvents(machine: Machine, { tasks, terminal, after, timeoutMs }: State): readonly string[] {
  return [
    ...(tasks.length > 0 && !terminal ? [NEXT] : []),
    ...(tasks.length > 0 ? listFailed(machine) : []),
    ...(timeoutMs === undefined ? [] : [TIMEOUT]),
    ...after.map(({ event }) => event),
  ];
}

/** Returns `FAILED` unless a machine of version 1 declares an event of this name: then it comes from outside only. */
function listFailed({ events }: Machine): readonly string[] {
  return events.has(FAILED) ? [] : [FAILED];
}

/** An event that a state may get. */
interface Way {
  readonly state: State;
  readonly event: string;
}

function walk(
  machine: Machine,
  start: { readonly present: State | undefined; readonly events: readonly string[] },
  toEvents: (state: State) => readonly string[],
): ReadonlySet<string> {
  const reached = new Set<string>();
  const ways = new Map<string, Way>();
  const add = (state: State | undefined, events: readonly string[]) => {
    if (state === undefined) return;
    for (const event of events) ways.set(`${state.name} ${event}`, { state, event });
  };
  add(start.present, start.events);
  // A map that grows during the iteration is iterated to its new end.
  for (const { state, event } of ways.values()) {
    for (const { target, next, raised } of listEnds(machine, { state, event })) {
      const isNew = target !== undefined && !reached.has(target);
      if (isNew) reached.add(target);
      if (isNew && next !== undefined) add(next, toEvents(next));
      add(next, raised);
    }
  }
  return reached;
}

/**
 * Returns the results of an event: the state in which the stack remains, the state that it enters, and the events
 * raised there.
 */
function listEnds(machine: Machine, { state, event }: Way) {
  return listTaken(state.on.get(event) ?? []).map(({ advance, raise }) => {
    // A stack remains only in the last state of an advance.
    const target = advance.at(-1);
    const next = target === undefined ? state : machine.states.get(target);
    return { target, next, raised: raise === undefined ? [] : [raise] };
  });
}

function toReachable(machine: Machine, states: ReadonlySet<string>, ends: boolean): Reachable {
  const removal = ends || [...states].some((name) => machine.states.get(name)?.terminal === true);
  return { states: [...states], removal };
}
