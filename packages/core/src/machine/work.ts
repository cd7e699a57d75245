import type { Applied, Cancel, Dispatch, Ignored, Rejected } from "./decision.ts";
import type { StackEvent } from "./event.ts";
import type { Machine, State } from "./machine.ts";
import { isCurrent } from "./open-runs.ts";
import { RESULT_EVENTS } from "./parked-code.ts";
import type { Metadata, OpenRun, Stack, TaskState } from "./stack.ts";
import { armTimers, spendTimer } from "./timers.ts";

/** What keeps a stack from running in circles for ever. */
export interface DecideLimits {
  /** Entries caused by results and timers within 60 minutes. */
  readonly automaticEntriesPerHour: number;
  /** Entries that one event may cause. */
  readonly entriesPerEvent: number;
}

/** The limits where none are given. */
export const DEFAULT_LIMITS: DecideLimits = { automaticEntriesPerHour: 1_000, entriesPerEvent: 50 };

/** A stack while an event is worked into it. `stack` is replaced, never changed. */
export interface Work {
  readonly machine: Machine;
  readonly event: StackEvent;
  readonly limits: DecideLimits;
  /** The event is a result or a timer's, so its entries count towards the limit. */
  readonly automatic: boolean;
  stack: Stack;
  entries: number;
  readonly dispatches: Dispatch[];
  readonly cancels: Cancel[];
  readonly closes: string[];
  readonly notes: string[];
}

/** Works an event into a stack; says so when it comes to nothing. */
export type Handler = (work: Work) => Rejected | Ignored | undefined;

/** A stack as it is before its first event. The tasks of INIT are not created. */
export function createStack(machine: Machine, init: State, event: StackEvent): Stack {
  return {
    id: event.stackId,
    machine: machine.name,
    machineHash: machine.hash,
    state: init.name,
    previousState: null,
    tasks: [],
    metadata: {},
    createdAt: event.at,
    updatedAt: event.at,
    enteredAt: event.at,
    life: event.id,
    entry: 0,
    attempts: {},
    runs: [],
    timers: armTimers(init, 0, event.at),
    automaticEntries: [],
  };
}

/** Begins to work an event in: what every applied event does to its stack. */
export function beginWork(
  input: Pick<Work, "machine" | "event" | "limits"> & { readonly before: Stack; readonly metadata: Metadata },
): Work {
  const { machine, event, limits, metadata } = input;
  const automatic = event.origin === "timer" || RESULT_EVENTS.has(event.name);
  const before = event.timerId === undefined ? input.before : spendTimer(input.before, event.timerId);
  const stack: Stack = {
    ...before,
    machineHash: machine.hash,
    metadata,
    updatedAt: event.at,
    automaticEntries: automatic ? before.automaticEntries : [],
  };
  return { machine, event, limits, automatic, stack, entries: 0, dispatches: [], cancels: [], closes: [], notes: [] };
}

/** The decision at the end of the work. A satisfied stack in a terminal state is removed. */
export function endWork(work: Work): Applied {
  const { stack, dispatches, cancels, closes, notes } = work;
  const removed = work.machine.states.get(stack.state)?.terminal === true && isSatisfied(stack.tasks);
  if (removed) notes.push(...stack.runs.map(tellLeftRun));
  return { kind: "applied", stack, removed, dispatches, cancels, closes, notes };
}

/** True when there is no task that has not succeeded. */
export function isSatisfied(tasks: readonly TaskState[]): boolean {
  return tasks.every(({ status }) => status === "SATISFIED");
}

/** True when no task runs any more and at least one has failed. */
export function hasFailed(tasks: readonly TaskState[]): boolean {
  return !tasks.some(({ status }) => status === "PENDING") && tasks.some(({ status }) => status === "ERROR");
}

/** The status of a task of the present state; undefined when the state has no such task. */
export function findTask(stack: Stack, name: string): TaskState | undefined {
  return stack.tasks.find((task) => task.name === name);
}

/** Replaces one task's status. */
export function setTask(work: Work, task: TaskState): void {
  const tasks = work.stack.tasks.map((old) => (old.name === task.name ? task : old));
  work.stack = { ...work.stack, tasks };
}

/** Ends an open attempt. */
export function endRun(work: Work, run: OpenRun): void {
  work.stack = { ...work.stack, runs: work.stack.runs.filter((other) => other !== run) };
  work.closes.push(run.attemptId);
}

/** Replaces an open attempt's record. */
export function replaceRun(work: Work, run: OpenRun, next: OpenRun): void {
  work.stack = { ...work.stack, runs: work.stack.runs.map((other) => (other === run ? next : other)) };
}

/** The stack without the marks that say that it cannot go on; the same stack when it has none. */
export function withoutMarks(stack: Stack): Stack {
  if (stack.stalled === undefined && stack.failed === undefined) return stack;
  const { stalled, failed, ...rest } = stack;
  return rest;
}

/** Open attempts of a task in the present entry whose answers set its status, oldest first. */
export function listCurrentRuns(stack: Stack, task: string): readonly OpenRun[] {
  return stack.runs.filter((run) => run.task === task && isCurrent(stack, run));
}

function tellLeftRun({ task, entry, attempt }: OpenRun): string {
  return `Left running: task "${task}" of entry ${entry}, attempt ${attempt}.`;
}
