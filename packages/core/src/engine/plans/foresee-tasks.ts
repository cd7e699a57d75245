import { decide } from "../../machine/decide/decide.ts";
import type { Applied } from "../../machine/decide/decision.ts";
import { toValueDigest } from "../../machine/evaluate-deed.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../../machine/event-message.ts";
import type { Machine } from "../../machine/machine.ts";
import { shortHashOf } from "../../machine/short-hash.ts";
import type { Stack, TaskState } from "../../machine/stack.ts";

/** The course of a stack if all its tasks succeeded, without their outputs. */
export interface Foreseen {
  /** In the order in which they would begin. */
  readonly tasks: readonly { readonly state: string; readonly task: string }[];
  /** The last state; null: the stack would be removed. */
  readonly end: string | null;
  /** False: what follows depends on outputs, or does not end. */
  readonly isWhole: boolean;
  /** The digest of the metadata that the tasks may read: of every key that the machine does not set itself. */
  readonly reads: string;
}

/** Results that are decided at most. */
const MOST_RESULTS = 500;

/** The most times that a state is entered: a machine may run in circles. */
const MOST_ENTRIES = 2;

/**
 * Follows a stack as if each of its tasks succeeded, approvals among them, with the events that reactions raise. Pure:
 * `at` is now, and timers do not fire.
 */
export function foreseeTasks(machine: Machine, stack: Stack, at: number): Foreseen {
  const course: Course = { machine, at, begun: new Map(), entries: new Map(), reads: digestReads(machine, stack) };
  let present: Stack | Foreseen = stack;
  for (let results = 0; "incarnation" in present; results += 1) present = follow(course, present, results);
  return present;
}

interface Course {
  readonly machine: Machine;
  readonly at: number;
  readonly reads: string;
  /** By entry and task. */
  readonly begun: Map<string, Foreseen["tasks"][number]>;
  readonly entries: Map<string, Set<number>>;
}

/** Returns the stack after the success of its first open task, or the end of the course. */
function follow(course: Course, stack: Stack, results: number): Stack | Foreseen {
  const { at } = course;
  const { state } = stack;
  const isCircle = noteTasks(course, stack) > MOST_ENTRIES;
  if (isCircle || results === MOST_RESULTS) return end(course, state, false);
  const event = toNext(stack, { at, results });
  if (event === undefined) return end(course, state, hasStopped(stack));
  const decision = decide(course.machine, stack, event);
  return decision.kind === "applied" ? takeRaised(course, decision, { event, steps: 0 }) : end(course, state, false);
}

function end({ begun, reads }: Course, last: string | null, isWhole: boolean): Foreseen {
  return { tasks: [...begun.values()], end: last, isWhole, reads };
}

/** Outputs, and what reactions set, change with each check: a person does not enter them. */
function digestReads(machine: Machine, stack: Stack): string {
  const own = new Set([...machine.tasks.values()].flatMap(({ outputs }) => [...outputs.keys()]));
  for (const { on } of machine.states.values()) {
    for (const reactions of on.values()) for (const { set } of reactions) for (const key of set.keys()) own.add(key);
  }
  const keys = Object.keys(stack.metadata).filter((key) => !own.has(key) && !machine.metadata.keys.get(key)?.readOnly);
  return shortHashOf(JSON.stringify(keys.toSorted().map((key) => [key, toValueDigest(stack, key)])));
}

/** Notes which tasks have begun, and returns how often the present state was entered. */
function noteTasks({ begun, entries }: Course, { state, entry, tasks }: Stack): number {
  const visits = (entries.get(state) ?? new Set()).add(entry);
  entries.set(state, visits);
  for (const { name } of tasks.filter(isOpen)) begun.set(`${entry}/${name}`, { state, task: name });
  return visits.size;
}

/** The event that others follow from, and how many have followed. */
interface RaisedChain {
  readonly event: StackEvent;
  steps: number;
}

/** Follows the events that a decision has raised, as the engine does: in the state that was entered, one after another. */
function takeRaised(course: Course, { stack, removed, raised = [] }: Applied, chain: RaisedChain): Stack | Foreseen {
  if (removed) return end(course, null, true);
  let present = stack;
  for (const name of raised) {
    noteTasks(course, present);
    chain.steps += 1;
    const { id: eventId, stackId, at } = chain.event;
    const cause = { eventId, step: chain.steps };
    const event: StackEvent = { id: `${eventId}-${chain.steps}`, stackId, name, at, origin: "engine", raised: cause };
    const decision = decide(course.machine, present, event);
    // Refused, it changes nothing, unless its condition is on outputs.
    if (decision.kind !== "applied") {
      if (decision.code === "EVENT_NOT_HANDLED") continue;
      return end(course, present.state, false);
    }
    const next = takeRaised(course, decision, chain);
    if (!("incarnation" in next)) return next;
    present = next;
  }
  return present;
}

function hasStopped({ stalled, failed, tasks }: Stack): boolean {
  return stalled === undefined && failed !== true && tasks.every(({ status }) => status !== "PENDING");
}

/** The next result: of an open task of the state, else of an attempt of an earlier state that tasks wait for. */
function toNext(stack: Stack, moment: Moment): StackEvent | undefined {
  const next = stack.tasks.find(isOpen);
  if (next !== undefined) return toSuccess(stack, next, moment);
  const left = stack.runs.find(({ entry }) => entry !== stack.entry);
  if (left === undefined || hasStopped(stack)) return undefined;
  const { at, results } = moment;
  const { attemptId: dispatchId, task: name, cancelling } = left;
  const { taskCancelled, taskCompleted } = SYSTEM_EVENTS;
  const result = cancelling === undefined ? taskCompleted : taskCancelled;
  const event = { id: `foreseen-${results}`, stackId: stack.id, at, task: { name } };
  return { ...event, name: result, origin: "worker", dispatchId };
}

function isOpen({ detail }: TaskState): boolean {
  return detail === "RUNNING" || detail === "APPROVING" || detail === "QUEUED" || detail === "RETRYING";
}

interface Moment {
  readonly at: number;
  readonly results: number;
}

function toSuccess({ id: stackId, runs, entry }: Stack, task: TaskState, { at, results }: Moment): StackEvent {
  const { name } = task;
  const run = runs.find((each) => each.task === name && each.entry === entry);
  const event = { id: `foreseen-${results}`, stackId, at, task: { name } };
  if (run !== undefined) {
    return { ...event, name: SYSTEM_EVENTS.taskCompleted, origin: "worker", dispatchId: run.attemptId };
  }
  // An approval, or a task that waits for its next attempt. Nothing of this is stored.
  return { ...event, name: SYSTEM_EVENTS.settleTask, origin: "external", as: "succeeded", isAllowed: true };
}
