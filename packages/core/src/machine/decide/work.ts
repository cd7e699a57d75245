import type { Sender } from "../../access/sender.ts";
import type { CommitVerdict } from "../commit.ts";
import { RESULT_EVENTS, type StackEvent, SYSTEM_EVENTS } from "../event-message.ts";
import { defined } from "../json.ts";
import { FAILED, type Machine, NEXT, type State } from "../machine.ts";
import type { KnownSender, Stack, TaskDetail, TaskRun, TaskState } from "../stack.ts";
import type { Applied, Cancel, Dispatch, Ignored, Rejected, Resend } from "./decision.ts";
import { toLeftBehind } from "./left-behind.ts";
import type { BroughtMetadata, MetadataChange } from "./metadata.ts";
import { withoutPending } from "./pending-events.ts";
import { toCancel } from "./runs.ts";
import { listSecretValues, maskTasks, maskText, pruneSecrets, withMetadata } from "./stack-secrets.ts";
import { isHeld, isSatisfied } from "./task-states.ts";
import { armTimers, spendTimer } from "./timers.ts";
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
  /** What was made for the stack and is still there: it is not removed. */
  readonly left: readonly string[];
  /** The event is a result, a timer's or a raised one, so its entries count towards the limit. */
  readonly automatic: boolean;
  /** The event's metadata: checked, and stored by `bringMetadata` when the event concerns the stack. */
  readonly brought: BroughtMetadata;
  stack: Stack;
  entries: number;
  readonly dispatches: Dispatch[];
  readonly resends: Resend[];
  readonly cancels: Cancel[];
  readonly endedAttempts: string[];
  readonly notes: string[];
  /** Tasks of states that were left before they had succeeded. */
  readonly unfinished: string[];
  /** Metadata keys that reactions and outputs have changed. */
  readonly set: Set<string>;
  /** Events of the engine itself that states were asked to react to. */
  readonly fired: Set<string>;
  /** Events to decide next. */
  readonly raised: string[];
  readonly commits: CommitVerdict[];
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

interface BeginInput extends Pick<Work, "machine" | "event" | "limits" | "left" | "brought"> {
  readonly before: Stack;
  /** The same on the revision of the machine. */
  readonly moved: Stack;
}

/** Begins to apply an event, with the changes that every applied event makes to its stack. */
export function beginWork({ before, moved, ...input }: BeginInput): Work {
  const { machine, event, limits, left, brought } = input;
  const automatic = event.origin === "timer" || event.raised !== undefined || RESULT_EVENTS.has(event.name);
  const spent = event.timerId === undefined ? moved : spendTimer(moved, event.timerId, event.at);
  const stack: Stack = {
    ...spent,
    updatedAt: event.at,
    automaticEntries: automatic ? before.automaticEntries : [],
  };
  const sent = { dispatches: [], resends: [], cancels: [], endedAttempts: [] };
  const found = { notes: [], unfinished: [], raised: [], commits: [] };
  const sets = { set: new Set<string>(), fired: new Set<string>() };
  const work: Work = {
    machine,
    event,
    limits,
    left,
    automatic,
    brought,
    stack,
    entries: 0,
    ...sets,
    ...sent,
    ...found,
  };
  // A value that is sensitive since this revision may have been quoted before.
  if (moved.secretVersions !== before.secretVersions) hideSecrets(work);
  return work;
}

/** Stores the event's metadata. */
export function bringMetadata(work: Work): void {
  changeMetadata(work, work.brought, { isBrought: true });
}

/** Changes the metadata. `isBrought`: to the values of the event itself. */
export function changeMetadata(work: Work, change: MetadataChange, { isBrought = false } = {}): void {
  const before = work.stack;
  const stack = withMetadata(work.machine, before, change);
  const isSecret = stack.secretVersions !== before.secretVersions;
  work.stack = stack;
  if (!isBrought) noteSet(work, before);
  if (isSecret) hideSecrets(work);
}

function noteSet({ stack: { metadata }, set }: Work, before: Stack): void {
  if (metadata === before.metadata) return;
  for (const key of Object.keys(metadata)) if (metadata[key] !== before.metadata[key]) set.add(key);
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
 * runs, or something is left of what was made for it. An upgrade does not remove a stack: otherwise moving all stacks of a machine would end those in a state that is
 * terminal now.
 */
export function endWork(work: Work): Applied {
  const { machine, event, dispatches, resends, cancels, endedAttempts, notes, unfinished, set, raised, commits } = work;
  const isOver = machine.states.get(work.stack.state)?.terminal === true && isSatisfied(work.stack.tasks);
  const ends = isOver && !isHeld(work);
  const isUpgrade = event.name === SYSTEM_EVENTS.upgradeStack;
  if (ends && !isUpgrade && work.left.length > 0) refuseRemoval(work);
  const stack = pruneSecrets(work.stack);
  const removed = ends && !isUpgrade && work.left.length === 0;
  if (ends && isUpgrade) notes.push(formatEnd(stack));
  if (removed) notes.push(...stack.runs.map(formatLeftRun));
  const applied = { kind: "applied", stack, removed, dispatches, cancels, endedAttempts, notes } as const;
  return {
    ...applied,
    ...defined({
      resends: unlessEmpty(resends),
      unfinished: unlessEmpty(unfinished),
      set: unlessEmpty([...set]),
      raised: unlessEmpty(raised),
      commits: unlessEmpty(commits),
    }),
  };
}

function unlessEmpty<Item>(list: readonly Item[]): readonly Item[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** Keeps a stack that has reached its end, with the reason for people. */
function refuseRemoval(work: Work): void {
  const why = toLeftBehind(work.left);
  // A replay recognizes it by the note of each decision.
  work.notes.push(why.reason);
  const { stalled } = work.stack;
  if (stalled?.code !== why.code || stalled.reason !== why.reason) work.stack = { ...work.stack, stalled: why };
}

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
  return withoutPending(withoutPending(stack, NEXT), FAILED);
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
