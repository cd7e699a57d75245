import type { Machine, State } from "../machine.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../message/event.ts";
import type { LastFailure, OpenRun, Stack, TaskDetail, TaskState } from "../stack.ts";
import type { BroughtMetadata, MetadataChange } from "./bring-metadata.ts";
import type { Applied, Cancel, Dispatch, Ignored, Rejected } from "./decision.ts";
import { adoptSecrets, pruneSecrets, withMetadata } from "./keep-secrets.ts";
import { listSecretValues, maskTasks, maskText } from "./mask-secrets.ts";
import { attemptsOf, isCurrent, toCancel } from "./open-runs.ts";
import { RESULT_EVENTS } from "./parked-code.ts";
import { isHeld, isSatisfied } from "./task-flow.ts";
import { armTimers, spendTimer } from "./timers.ts";
import type { ScopeInput } from "./to-scope.ts";

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
  /** What the event brings: checked, and stored by `bringMetadata` when the event is found to concern the stack. */
  readonly brought: BroughtMetadata;
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
    ...(machine.semantics.countsVisits ? { visits: { [init.name]: 1 } } : {}),
  };
}

/** Begins to work an event in: what every applied event does to its stack. */
export function beginWork(
  input: Pick<Work, "machine" | "event" | "limits" | "brought"> & { readonly before: Stack },
): Work {
  const { machine, event, limits, brought } = input;
  const automatic = event.origin === "timer" || RESULT_EVENTS.has(event.name);
  const before = event.timerId === undefined ? input.before : spendTimer(input.before, event.timerId);
  const adopted = adoptSecrets(machine, before);
  const stack: Stack = {
    ...adopted,
    machineHash: machine.hash,
    updatedAt: event.at,
    automaticEntries: automatic ? before.automaticEntries : [],
  };
  const found = { dispatches: [], cancels: [], closes: [], notes: [] };
  const work: Work = { machine, event, limits, automatic, brought, stack, entries: 0, ...found };
  // What became sensitive with this revision may have been quoted while it was not.
  if (adopted !== before) hideSecrets(work);
  return work;
}

/** Stores what the event has brought. */
export function bringMetadata(work: Work): void {
  changeMetadata(work, work.brought);
}

/** Changes the metadata. */
export function changeMetadata(work: Work, change: MetadataChange): void {
  const stack = withMetadata(work.machine, work.stack, change);
  const isSecret = stack.secretVersions !== work.stack.secretVersions;
  work.stack = stack;
  if (isSecret) hideSecrets(work);
}

/** Takes sensitive values out of what tasks say, when there are new ones. */
export function hideSecrets(work: Work): void {
  const { stack } = work;
  const { lastFailure, tasks } = stack;
  const values = listWorkSecrets(work);
  work.stack = { ...stack, tasks: maskTasks(values, tasks) };
  if (lastFailure?.message === undefined) return;
  work.stack = { ...work.stack, lastFailure: { ...lastFailure, message: maskText(values, lastFailure.message) } };
}

/** A text that may be shown: without sensitive values of the stack and the event. */
export function toShown(work: Work, text: string): string {
  return maskText(listWorkSecrets(work), text);
}

/** What the expressions of this work look at. */
export function toScopeInput({ machine, stack, event }: Work): ScopeInput {
  return { machine, stack, at: event.at };
}

/**
 * The decision at the end of the work. A satisfied stack in a terminal state is removed, unless runs are waited for. An
 * upgrade removes none: whoever moves all stacks of a machine would end those that rest where the new revision ends.
 */
export function endWork(work: Work): Applied {
  const { machine, event, dispatches, cancels, closes, notes } = work;
  const stack = pruneSecrets(work.stack);
  const ends = machine.states.get(stack.state)?.terminal === true && isSatisfied(stack.tasks) && !isHeld(work);
  const removed = ends && event.name !== SYSTEM_EVENTS.upgradeStack;
  if (ends && !removed) notes.push(tellEnd(stack));
  if (removed) notes.push(...stack.runs.map(tellLeftRun));
  return { kind: "applied", stack, removed, dispatches, cancels, closes, notes };
}

/** Replaces one task's status. A task that waits for its next attempt no more needs no timer. */
export function setTask(work: Work, task: TaskState): void {
  const { stack } = work;
  const tasks = stack.tasks.map((old) => (old.name === task.name ? task : old));
  const armed = task.detail !== "RETRYING" && stack.timers.some((timer) => timer.task === task.name);
  const timers = armed ? stack.timers.filter((timer) => timer.task !== task.name) : stack.timers;
  work.stack = { ...stack, tasks, timers };
  noteEnd(work, task);
}

const MOST_FAILURE_CHARACTERS = 2_000;

/** Keeps in mind that a task has failed for good, or that the one that failed last has succeeded since. */
export function noteEnd(work: Work, { name, status, detail, errorCode, errorMessage }: TaskState): void {
  const { stack, event } = work;
  const { lastFailure, state, entry } = stack;
  if (status === "ERROR") {
    const failure: LastFailure = {
      task: name,
      state,
      entry,
      attempt: attemptsOf(stack, name),
      at: event.at,
      ...(errorCode === undefined ? {} : { code: errorCode }),
      ...(errorMessage === undefined ? {} : { message: toExcerpt(errorMessage) }),
    };
    work.stack = { ...stack, lastFailure: failure };
  } else if (status === "SATISFIED" && detail !== "SKIPPED" && isUnresolved(lastFailure, name)) {
    work.stack = { ...stack, lastFailure: { ...lastFailure, resolvedAt: event.at } };
  }
}

function isUnresolved(failure: LastFailure | undefined, task: string): failure is LastFailure {
  return failure?.task === task && failure.resolvedAt === undefined;
}

/** The beginning, where executors name the fault, and the end, where a tool has printed it last; no half characters. */
function toExcerpt(text: string): string {
  if (text.length <= MOST_FAILURE_CHARACTERS) return text;
  const half = (MOST_FAILURE_CHARACTERS - CUT.length) / 2;
  const head = text.slice(0, Math.floor(half)).replace(/[\uD800-\uDBFF]$/, "");
  return `${head}${CUT}${text.slice(-Math.floor(half)).replace(/^[\uDC00-\uDFFF]/, "")}`;
}

const CUT = "\n…\n";

/** The detail of a task, where the machine's tasks carry one. */
export function toDetail({ semantics }: Machine, detail: TaskDetail): Pick<TaskState, "detail"> {
  return semantics.taskDetails ? { detail } : {};
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

/** Asks open attempts to stop, also those that were asked before: the cancel may have been lost. */
export function askToStop(work: Work, runs: readonly OpenRun[], mark: { readonly abandoned?: true } = {}): void {
  for (const run of runs) {
    replaceRun(work, run, { ...run, cancelling: run.cancelling ?? "requested", ...mark });
    work.cancels.push(toCancel(run, run.cancelling ?? "requested"));
  }
}

/** The stack without the marks that a retry takes away; the same stack when it has none. */
export function withoutMarks(stack: Stack): Stack {
  if (stack.stalled === undefined && stack.failed === undefined) return stack;
  const { stalled, failed, ...rest } = stack;
  return rest;
}

/** Open attempts of a task in the present entry whose answers set its status, oldest first. */
export function listCurrentRuns(stack: Stack, task: string): readonly OpenRun[] {
  return stack.runs.filter((run) => run.task === task && isCurrent(stack, run));
}

function listWorkSecrets({ machine, stack, event }: Work): readonly unknown[] {
  return listSecretValues(machine, [stack], event);
}

function tellEnd({ state }: Stack): string {
  return `"${state}" is terminal in the new revision: the next event that is applied removes the stack.`;
}

function tellLeftRun({ task, entry, attempt }: OpenRun): string {
  return `Left running: task "${task}" of entry ${entry}, attempt ${attempt}.`;
}
