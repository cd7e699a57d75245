import type { Sender } from "../../access/sender.ts";
import { type CronSchedule, nextOccurrence } from "../cron.ts";
import { parseAttemptId, RESULT_EVENTS, type StackEvent, SYSTEM_EVENTS } from "../event-message.ts";
import { defined } from "../json.ts";
import { type AfterTimer, type Machine, RUN_MACHINE, type State, TIMEOUT } from "../machine.ts";
import { readSecrets } from "../secrets.ts";
import type {
  KnownSender,
  LastFailure,
  Metadata,
  Stack,
  StackTimer,
  TaskDetail,
  TaskRun,
  TaskState,
} from "../stack.ts";
import type { Applied, Cancel, Dispatch, Ignored, Rejected } from "./decision.ts";
import {
  adoptSecrets,
  type BroughtMetadata,
  listSecretValues,
  type MetadataChange,
  maskTasks,
  maskText,
  pruneSecrets,
  withMetadata,
} from "./metadata.ts";
import type { ScopeInput } from "./to-scope.ts";

/** The limits that keep a stack from endless transitions. */
export interface DecideLimits {
  /** Entries caused by results, timers and raised events within 60 minutes. */
  readonly automaticEntriesPerHour: number;
  /** Entries that one event may cause, and events that may be raised in a row. */
  readonly entriesPerEvent: number;
}

/** The default limits. */
export const DEFAULT_LIMITS: DecideLimits = { automaticEntriesPerHour: 1_000, entriesPerEvent: 50 };

/** A stack while an event is applied to it. `stack` is replaced, never changed. */
export interface Work {
  readonly machine: Machine;
  readonly event: StackEvent;
  readonly limits: DecideLimits;
  /** The event is a result, a timer's or a raised one, so its entries count towards the limit. */
  readonly automatic: boolean;
  /** The event's metadata: checked, and stored by `bringMetadata` when the event concerns the stack. */
  readonly brought: BroughtMetadata;
  stack: Stack;
  entries: number;
  readonly dispatches: Dispatch[];
  readonly cancels: Cancel[];
  readonly endedAttempts: string[];
  readonly notes: string[];
  /** Events to decide next. */
  readonly raised: string[];
}

/** Applies an event to a stack, or returns why it is ignored. */
export type Handler = (work: Work) => Rejected | Ignored | undefined;

/** Returns a stack before its first event. The tasks of INIT are not created. */
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
    incarnation: event.id,
    entry: 0,
    attempts: {},
    runs: [],
    timers: armTimers(init, 0, event.at),
    automaticEntries: [],
    ...(machine.semantics.countsVisits ? { visits: { [init.name]: 1 } } : {}),
  };
}

/** Begins to apply an event, with the changes that every applied event makes to its stack. */
export function beginWork(
  input: Pick<Work, "machine" | "event" | "limits" | "brought"> & { readonly before: Stack },
): Work {
  const { machine, event, limits, brought } = input;
  const automatic = event.origin === "timer" || event.raised !== undefined || RESULT_EVENTS.has(event.name);
  const before = event.timerId === undefined ? input.before : spendTimer(input.before, event.timerId, event.at);
  const adopted = adoptSecrets(machine, before);
  const stack: Stack = {
    ...adopted,
    machineHash: machine.hash,
    updatedAt: event.at,
    automaticEntries: automatic ? before.automaticEntries : [],
  };
  const found = { dispatches: [], cancels: [], endedAttempts: [], notes: [], raised: [] };
  const work: Work = { machine, event, limits, automatic, brought, stack, entries: 0, ...found };
  // A value that is sensitive since this revision may have been quoted before.
  if (adopted !== before) hideSecrets(work);
  return work;
}

/** Stores the event's metadata. */
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

/** Masks sensitive values in the messages of tasks, when there are new ones. */
export function hideSecrets(work: Work): void {
  const { stack } = work;
  const { lastFailure, tasks } = stack;
  const values = listWorkSecrets(work);
  work.stack = { ...stack, tasks: maskTasks(values, tasks) };
  if (lastFailure?.message === undefined) return;
  work.stack = { ...work.stack, lastFailure: { ...lastFailure, message: maskText(values, lastFailure.message) } };
}

/** Returns a text for display: without sensitive values of the stack and the event. */
export function toShown(work: Work, text: string): string {
  return maskText(listWorkSecrets(work), text);
}

/** Returns the input of the expressions of this work. */
export function toScopeInput({ machine, stack, event }: Work): ScopeInput {
  return { machine, stack, at: event.at };
}

/**
 * Returns the decision at the end of the work. A satisfied stack in a terminal state is removed, unless it waits for
 * runs. An upgrade does not remove a stack: otherwise moving all stacks of a machine would end those in a state that is
 * terminal now.
 */
export function endWork(work: Work): Applied {
  const { machine, event, dispatches, cancels, endedAttempts, notes, raised } = work;
  const stack = pruneSecrets(work.stack);
  const ends = machine.states.get(stack.state)?.terminal === true && isSatisfied(stack.tasks) && !isHeld(work);
  const removed = ends && event.name !== SYSTEM_EVENTS.upgradeStack;
  if (ends && !removed) notes.push(formatEnd(stack));
  if (removed) notes.push(...stack.runs.map(formatLeftRun));
  const applied = { kind: "applied", stack, removed, dispatches, cancels, endedAttempts, notes } as const;
  return raised.length === 0 ? applied : { ...applied, raised };
}

/** Replaces one task's status. A task that stops waiting for its next attempt or for an approval needs no timer. */
export function setTask(work: Work, task: TaskState): void {
  const stack = work.stack.approvals === undefined ? work.stack : withoutApproval(work.stack, task.name);
  const tasks = stack.tasks.map((old) => (old.name === task.name ? task : old));
  const armed = task.detail !== "RETRYING" && stack.timers.some((timer) => timer.task === task.name);
  const timers = armed ? stack.timers.filter((timer) => timer.task !== task.name) : stack.timers;
  work.stack = { ...stack, tasks, timers };
  noteEnd(work, task);
}

/** Returns the stack without the approval of a task; the same stack when none is open. */
function withoutApproval(stack: Stack, task: string): Stack {
  const { approvals = {}, ...rest } = stack;
  if (!Object.hasOwn(approvals, task)) return stack;
  const others = Object.entries(approvals).filter(([name]) => name !== task);
  return others.length === 0 ? rest : { ...rest, approvals: Object.fromEntries(others) };
}

const MOST_FAILURE_CHARACTERS = 2_000;

/** Records that a task has failed permanently, or that the one that failed last has succeeded since. */
export function noteEnd(work: Work, { name, status, detail, errorCode, errorMessage }: TaskState): void {
  const { stack, event } = work;
  const { lastFailure, state, entry } = stack;
  if (status === "ERROR") {
    const failure: LastFailure = defined({
      task: name,
      state,
      entry,
      attempt: attemptsOf(stack, name),
      at: event.at,
      code: errorCode,
      message: errorMessage === undefined ? undefined : toExcerpt(errorMessage),
    });
    work.stack = { ...stack, lastFailure: failure };
  } else if (status === "SATISFIED" && detail !== "SKIPPED" && isResolved(stack, lastFailure, name)) {
    work.stack = { ...stack, lastFailure: { ...lastFailure, resolvedAt: event.at } };
  }
}

function isResolved(stack: Stack, failure: LastFailure | undefined, task: string): failure is LastFailure {
  if (failure === undefined || failure.resolvedAt !== undefined) return false;
  return failure.task === task || (failure.answeredAt !== undefined && isSatisfied(stack.tasks));
}

/**
 * Returns true when a task of the stack has failed for good, the stack has moved on since, and a person is still needed:
 * until a success resolves the failure or a person acknowledges it. A stack with a failed task in its present state is
 * failed instead. While work is under way that a person has begun, no one else is needed. The result of a job belongs to
 * its caller.
 */
export function isDegraded({ machine, lastFailure, tasks, entry, awaitsRuns }: Stack): boolean {
  if (machine === RUN_MACHINE || lastFailure === undefined) return false;
  if (lastFailure.resolvedAt !== undefined || lastFailure.acknowledgedAt !== undefined) return false;
  if (tasks.some(({ status }) => status === "ERROR")) return false;
  const isBusy = awaitsRuns === true || tasks.some(({ status }) => status === "PENDING");
  const isRetried = lastFailure.entry === entry || lastFailure.answeredAt !== undefined;
  return !(isBusy && isRetried);
}

/**
 * Returns the beginning, where executors name the fault, and the end, where a tool has printed it last; cuts no
 * surrogate pair.
 */
function toExcerpt(text: string): string {
  if (text.length <= MOST_FAILURE_CHARACTERS) return text;
  const half = (MOST_FAILURE_CHARACTERS - CUT.length) / 2;
  const head = text.slice(0, Math.floor(half)).replace(/[\uD800-\uDBFF]$/, "");
  return `${head}${CUT}${text.slice(-Math.floor(half)).replace(/^[\uDC00-\uDFFF]/, "")}`;
}

const CUT = "\n…\n";

/** Returns a sender as a stack stores it: without groups and the request, which matter only at that moment. */
export function toKnownSender({ kind, id, name, owner }: Sender): KnownSender {
  return { kind, id, name, ...defined({ owner }) };
}

/** Returns the detail of a task, if the machine's tasks have one. */
export function toDetail({ semantics }: Machine, detail: TaskDetail): Pick<TaskState, "detail"> {
  return semantics.taskDetails ? { detail } : {};
}

/** Ends an open attempt. */
export function endRun(work: Work, run: TaskRun): void {
  work.stack = { ...work.stack, runs: work.stack.runs.filter((other) => other !== run) };
  work.endedAttempts.push(run.attemptId);
}

/** Replaces an open attempt's record. */
export function replaceRun(work: Work, run: TaskRun, next: TaskRun): void {
  work.stack = { ...work.stack, runs: work.stack.runs.map((other) => (other === run ? next : other)) };
}

/** Requests that open attempts stop, again for those with an earlier request: the cancel may have been lost. */
export function requestStop(work: Work, runs: readonly TaskRun[], mark: { readonly abandoned?: true } = {}): void {
  for (const run of runs) {
    replaceRun(work, run, { ...run, cancelling: run.cancelling ?? "requested", ...mark });
    work.cancels.push(toCancel(run, run.cancelling ?? "requested"));
  }
}

/** Returns the stack without the marks that a retry removes; the same stack when it has none. */
export function withoutMarks(stack: Stack): Stack {
  if (stack.stalled === undefined && stack.failed === undefined) return stack;
  const { stalled, failed, ...rest } = stack;
  return rest;
}

/** Returns open attempts of a task in the present entry whose results set its status, oldest first. */
export function listCurrentRuns(stack: Stack, task: string): readonly TaskRun[] {
  return stack.runs.filter((run) => run.task === task && isCurrent(stack, run));
}

function listWorkSecrets({ machine, stack, event }: Work): readonly unknown[] {
  return listSecretValues(machine, [stack], event);
}

function formatEnd({ state }: Stack): string {
  return `"${state}" is terminal in the new revision: the next event that is applied removes the stack.`;
}

function formatLeftRun({ task, entry, attempt }: TaskRun): string {
  return `Left running: task "${task}" of entry ${entry}, attempt ${attempt}.`;
}

/** A stack with the machine that it is decided on. */
interface Placed {
  readonly machine: Machine;
  readonly stack: Stack;
}

/** Returns the status of a task of the present state; undefined when the state does not have the task. */
export function findTask(stack: Stack, name: string): TaskState | undefined {
  return stack.tasks.find((task) => task.name === name);
}

/** Returns true when all tasks have succeeded. */
export function isSatisfied(tasks: readonly TaskState[]): boolean {
  return tasks.every(({ status }) => status === "SATISFIED");
}

/** Returns true while this entry waits for live runs of earlier ones. */
export function isHeld({ stack }: Pick<Placed, "stack">): boolean {
  return stack.awaitsRuns === true && hasLeftRuns(stack);
}

/** Returns true when runs of earlier entries are live. */
export function hasLeftRuns({ runs, entry }: Stack): boolean {
  return runs.some((run) => run.entry < entry);
}

/** Returns true when all needs of a task have succeeded. Tasks that the entry does not have block nothing. */
export function needsAreMet({ machine, stack }: Placed, name: string): boolean {
  const needs = machine.tasks.get(name)?.needs ?? [];
  return needs.every((need) => (findTask(stack, need)?.status ?? "SATISFIED") === "SATISFIED");
}

/**
 * Returns true when a task has failed permanently and no other can proceed: each one has ended, or waits, directly or
 * indirectly, for a failed one.
 */
export function hasFailed(placed: Placed): boolean {
  const { tasks } = placed.stack;
  if (!tasks.some(({ status }) => status === "ERROR")) return false;
  if (!tasks.some(({ status }) => status === "PENDING")) return true;
  if (isHeld(placed)) return false;
  const blocked = listBlocked(placed);
  return tasks.every(({ name, status }) => status !== "PENDING" || blocked.has(name));
}

function listBlocked({ machine, stack }: Placed): ReadonlySet<string> {
  const blocked = new Set(stack.tasks.filter(({ status }) => status === "ERROR").map(({ name }) => name));
  const waiting = stack.tasks.filter(({ detail }) => detail === "WAITING");
  for (let before = -1; before < blocked.size; ) {
    before = blocked.size;
    for (const { name } of waiting) {
      if (machine.tasks.get(name)?.needs.some((need) => blocked.has(need))) blocked.add(name);
    }
  }
  return blocked;
}

/** The latest instant that a date can name; a timer or deadline behind it never comes. */
const LAST_INSTANT = 8_640_000_000_000_000;

/** Limits an instant to the range of dates. */
export function toInstant(ms: number): number {
  return Math.min(ms, LAST_INSTANT);
}

/** Returns the id of the timer of a state's own timeout. */
export function timeoutId(entry: number): string {
  return `${entry}/timeout`;
}

/** Returns the id of the timer of an entry of `after`. It is the same in a revision that lists the entry elsewhere. */
export function afterTimerId(entry: number, { kind, key }: Pick<AfterTimer, "kind" | "key">): string {
  return `${entry}/${kind === "in" ? "after" : kind}/${key}`;
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
export function armCron(timer: Pick<StackTimer, "id" | "event"> & { readonly repeats: CronSchedule }, after: number) {
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
  const { id, event, repeats, instant } = timer;
  const next = repeats === undefined ? NO_TIMERS : armCron({ id, event, repeats }, at);
  const timers = stack.timers.flatMap((each) => (each === timer ? next : [each]));
  if (instant === undefined || repeats !== undefined) return { ...stack, timers };
  const fired = { event, instant, times: timesFired(stack, id) + 1 };
  return { ...stack, timers, firedInstants: { ...stack.firedInstants, [id]: fired } };
}

/** Returns how many times a timer whose instant is an expression has fired in the present entry. */
export function timesFired({ firedInstants = {} }: Stack, timerId: string): number {
  return Object.hasOwn(firedInstants, timerId) ? (firedInstants[timerId]?.times ?? 0) : 0;
}

/** The time limit of a cancel when the run has none. */
export const DEFAULT_CANCEL_WITHIN_MS = 300_000;

/** Returns the stack without this open attempt; the same stack when it is not open. */
export function closeRun(stack: Stack, attemptId: string): Stack {
  const runs = stack.runs.filter((run) => run.attemptId !== attemptId);
  return runs.length === stack.runs.length ? stack : { ...stack, runs };
}

/** Returns the newest open attempt of a task in the present entry whose result sets the task's status. */
export function findCurrentRun(stack: Stack, task: string): TaskRun | undefined {
  return stack.runs.findLast((run) => run.task === task && isCurrent(stack, run));
}

/**
 * Returns the open attempt that a result by name ends without changing a status: the oldest one that was left, by that
 * name.
 */
export function findLeftRun(stack: Stack, task: string): TaskRun | undefined {
  return stack.runs.find((run) => run.task === task && !isCurrent(stack, run));
}

/** Returns true for runs of the present entry that were not abandoned. */
export function isCurrent(stack: Stack, run: TaskRun): boolean {
  return run.entry === stack.entry && run.abandoned === undefined;
}

/** Returns the number of the latest attempt of a task in the present entry; 0 before the first. */
export function attemptsOf(stack: Stack, task: string): number {
  return Object.hasOwn(stack.attempts, task) ? (stack.attempts[task] ?? 0) : 0;
}

/**
 * Returns true when an attempt that was made after this one is closed already: its result counts, and this one's does
 * not.
 */
export function isOvertaken(stack: Stack, run: TaskRun): boolean {
  const later = stack.runs.filter(
    ({ entry, task, attempt }) => entry === run.entry && task === run.task && attempt > run.attempt,
  );
  return later.length < attemptsOf(stack, run.task) - run.attempt;
}

/** Returns the request that the worker of a run stops. */
export function toCancel(run: TaskRun, why: Cancel["why"]): Cancel {
  return { attemptId: run.attemptId, withinMs: run.cancelWithinMs ?? DEFAULT_CANCEL_WITHIN_MS, why };
}

/**
 * Returns the values of the references that an attempt was dispatched with, from the record of its stack; without
 * deleted ones. Returns none from a later incarnation under the same id: its references count from 1 again and mean
 * other values.
 */
export function readAttemptSecrets(stack: Stack | undefined, attemptId: string, refs: readonly string[]): Metadata {
  // An attempt's id contains no unpaired surrogate, which an incarnation may.
  if (stack === undefined || parseAttemptId(attemptId)?.incarnation !== stack.incarnation.toWellFormed()) return {};
  return readSecrets(stack, refs);
}
