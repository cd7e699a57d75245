import { defined } from "../json.ts";
import { FAILED, type Machine, NEXT, type Reaction, TIMEOUT } from "../machine.ts";
import type { Metadata, MetadataValue, PendingEvent, Stack, Stalled } from "../stack.ts";
import { forgetAsked } from "./approved.ts";
import { type Rejected, reject } from "./decision.ts";
import { noteLeft } from "./deeds.ts";
import { toBegun } from "./entry-needs.ts";
import { noteEnd } from "./last-failure.ts";
import { isScalar, type MetadataChange, mergeMetadata } from "./metadata.ts";
import { findMetadataFault } from "./metadata-faults.ts";
import { withoutPending, withPending } from "./pending-events.ts";
import { findSameFailure } from "./same-failures.ts";
import { decideOnEntry, startReady } from "./start-tasks.ts";
import { findLostNeed, hasFailed, hasLeftRuns, isHeld, isSatisfied } from "./task-states.ts";
import { armTimers } from "./timers.ts";
import { NO_SECRETS, type ScopeInput, toScope } from "./to-scope.ts";
import { isOnWayOut } from "./way-out.ts";
import { changeMetadata, requestStop, toScopeInput, type Work, withoutMarks } from "./work.ts";

const HOUR_MS = 3_600_000;

/**
 * Applies a state's reaction to an event. Returns why not, when the stack must stop instead because it runs in circles.
 */
export function react(work: Work, { advance, raise }: Reaction, sets: MetadataChange): Stalled | undefined {
  const target = advance.at(-1);
  const isLooping = work.automatic && target !== undefined;
  const loop = isLooping ? (findSameFailure(work, target) ?? countAutomaticEntries(work, advance.length)) : undefined;
  if (loop !== undefined) return loop;
  changeMetadata(work, sets);
  if (raise !== undefined) work.raised.push(raise);
  if (advance.length > 0) enter(work, advance);
  return undefined;
}

/** Marks a stack that cannot continue by itself. */
export function stall(work: Work, { code, reason }: Stalled): void {
  work.stack = { ...work.stack, stalled: { code, reason } };
  work.notes.push(reason);
}

/** Changes tasks, sends those that can begin by it, and fires NEXT or FAILED when the change calls for it. */
export function changeTasks(work: Work, change: () => void): void {
  const failedBefore = hasFailed(work);
  const { tasks } = work.stack;
  change();
  if (work.stack.tasks === tasks) return;
  startReady(work);
  settleState(work, failedBefore);
}

/** Sends the waiting tasks that the revision to which the stack has moved does not block. */
export function startReleased(work: Work): void {
  const failedBefore = hasFailed(work);
  const { tasks } = work.stack;
  startReady(work);
  if (work.stack.tasks !== tasks) settleState(work, failedBefore);
}

/** Fires NEXT or FAILED when the tasks as they are now call for it. */
export function settleState(work: Work, failedBefore: boolean): void {
  if (hasFailed(work)) {
    if (!failedBefore) fireFailed(work);
    return;
  }
  if (work.stack.failed) work.stack = withoutMarks(work.stack);
  stallWithoutNeed(work);
  const { tasks, state } = work.stack;
  if (tasks.length === 0 || !isSatisfied(tasks) || isHeld(work)) return;
  if (work.machine.states.get(state)?.terminal !== true) fireNext(work);
}

const NEED_MISSING = "NEED_MISSING";

/** Marks a stack whose waiting tasks need what this entry does not have, and nothing else of it can proceed. */
function stallWithoutNeed(work: Work): void {
  const lost = findLostNeed(work);
  if (lost === undefined) {
    if (work.stack.stalled?.code === NEED_MISSING) work.stack = withoutMarks(work.stack);
    return;
  }
  const reason = `Task "${lost.task}" needs "${lost.need}", which this state did not have when it was entered. Enter it again, or settle "${lost.task}".`;
  if (work.stack.stalled?.reason !== reason) stall(work, { code: NEED_MISSING, reason });
}

/** Handles a passed timeout of the state; until the state handles it, the stack is overdue. */
export function fireTimeout(work: Work): void {
  const fault = reactInternally(work, TIMEOUT);
  if (fault === undefined) return;
  work.stack = withPending({ ...work.stack, overdue: true }, TIMEOUT);
  noteUnhandled(work, fault);
}

function fireNext(work: Work): void {
  const fault = reactInternally(work, NEXT);
  if (fault === undefined) return;
  stall(work, fault);
  // An event from outside continues a loop.
  if (!isLoop(fault)) work.stack = withPending(work.stack, NEXT);
}

function fireFailed(work: Work): void {
  const isTold = handlesFailed(work);
  const fault = isTold ? reactInternally(work, FAILED) : undefined;
  if (isTold && fault === undefined) return;
  work.stack = withPending({ ...work.stack, failed: true }, FAILED);
  if (fault !== undefined) noteUnhandled(work, fault);
}

/** Where a machine declares an event of this name, it comes from outside only. */
function handlesFailed({ machine, stack }: Work): boolean {
  return !machine.events.has(FAILED) && machine.states.get(stack.state)?.on.has(FAILED) === true;
}

/**
 * Fires the events again that the present state has not handled, when something has changed on which that may depend, as
 * parked events are decided again. `before`: the stack before the event.
 */
export function firePending(work: Work, before: Stack): void {
  const { entry, pending } = before;
  const isWaiting = pending !== undefined && pending === work.stack.pending && work.stack.entry === entry;
  if (!isWaiting || DECISIVE.every((key) => before[key] === work.stack[key])) return;
  for (const name of pending) {
    // What this event has fired already would fire twice.
    if (work.fired.has(name) || (name === FAILED && !handlesFailed(work))) continue;
    const fault = reactInternally(work, name);
    if (work.stack.entry !== entry) return;
    notePending(work, name, fault);
  }
}

/** Notes what came of an event that was fired again: it is handled, or why NEXT is still not. */
function notePending(work: Work, name: PendingEvent, fault: Stalled | undefined): void {
  if (fault === undefined) work.stack = withoutPending(work.stack, name);
  else if (name === NEXT && fault.reason !== work.stack.stalled?.reason) stall(work, fault);
}

/**
 * All that the conditions of a state's reactions can read and that can change within an entry. Tasks and outputs belong to it:
 * otherwise a TIMEOUT that is handled once a task has succeeded would wait without anything that tries it again.
 */
const DECISIVE = ["machineHash", "metadata", "tasks", "outputs"] as const;

function isLoop({ code }: Stalled): boolean {
  return code === "LOOP_LIMIT" || code === "TRANSITION_LIMIT";
}

function noteUnhandled(work: Work, fault: Stalled): void {
  if (isLoop(fault)) stall(work, fault);
  else work.notes.push(fault.reason);
}

/** Applies the state's reaction to an event of the engine itself; returns why when it is not handled. */
function reactInternally(work: Work, name: string): Stalled | undefined {
  work.fired.add(name);
  const occurrence: Occurrence = { ...toScopeInput(work), name, brought: {} };
  const choice = chooseReaction(occurrence);
  if (choice.kind === "rejected") return choice;
  const { reaction } = choice;
  const { entriesPerEvent } = work.limits;
  if (work.entries + reaction.advance.length > entriesPerEvent) {
    return { code: "TRANSITION_LIMIT", reason: `One event may cause at most ${entriesPerEvent} entries.` };
  }
  const sets = resolveSets(occurrence, reaction);
  return sets.kind === "rejected" ? sets : react(work, reaction, sets);
}

/** Counts the entries that are about to be made; returns why they must not be made. */
function countAutomaticEntries(work: Work, count: number): Stalled | undefined {
  const { at } = work.event;
  const limit = work.limits.automaticEntriesPerHour;
  const recent = work.stack.automaticEntries.filter((instant) => instant > at - HOUR_MS);
  if (recent.length + count > limit) {
    return { code: "LOOP_LIMIT", reason: `Results and timers caused more than ${limit} entries within 60 minutes.` };
  }
  for (let entry = 0; entry < count; entry += 1) recent.push(at);
  work.stack = { ...work.stack, automaticEntries: recent };
  return undefined;
}

/** Enters states one after the other; only the last one's tasks and timers are created. */
function enter(work: Work, targets: readonly string[]): void {
  const { machine, event } = work;
  const state = targets.at(-1) ?? work.stack.state;
  const definition = machine.states.get(state);
  const entry = work.stack.entry + targets.length;
  noteLeft(work);
  work.unfinished.push(...work.stack.tasks.flatMap(({ name, status }) => (status === "SATISFIED" ? [] : [name])));
  work.stack = {
    ...withoutEntry(work.stack),
    state,
    previousState: targets.at(-2) ?? work.stack.state,
    tasks: [],
    enteredAt: event.at,
    entry,
    attempts: {},
    timers: armTimers(definition, entry, event.at),
    ...countVisits(work, targets),
  };
  const waits = definition !== undefined && definition.leaving !== "abandon" && hasLeftRuns(work.stack);
  if (waits) work.stack = { ...work.stack, awaitsRuns: true };
  work.entries += targets.length;
  forgetAsked(work, definition?.tasks ?? []);
  if (definition?.leaving === "cancel")
    requestStop(
      work,
      work.stack.runs.filter(({ cancelling }) => !cancelling),
    );
  const names = definition?.tasks ?? [];
  const tasks = names.map((name) => decideOnEntry(work, name));
  work.stack = { ...work.stack, tasks, ...defined({ begun: definition && toBegun(machine, definition) }) };
  for (const task of tasks.filter(({ status }) => status === "ERROR")) noteEnd(work, task);
  startReady(work);
  settleState(work, false);
}

/** Removes the fields that belong to one entry. */
function withoutEntry(stack: Stack): Stack {
  const { stalled, pending, failed, overdue, awaitsRuns, begun, ...marked } = stack;
  const { outputs, failures, approvals, firedInstants, ...rest } = marked;
  return rest;
}

/** Counts the entries by state, once the stack has been on a machine that counts them. */
function countVisits({ machine, stack }: Work, targets: readonly string[]): Pick<Stack, "visits"> {
  if (stack.visits === undefined && !machine.semantics.countsVisits) return {};
  let visits = stack.visits ?? { [stack.state]: 1 };
  for (const name of targets) {
    const count = (Object.hasOwn(visits, name) ? (visits[name] ?? 0) : 0) + 1;
    // The newest comes first: what remains of a record is then at its end, where stores need not write it again.
    visits = { [name]: count, ...visits, [name]: count };
  }
  return { visits };
}

/** An event that a state may react to: one from outside, or `NEXT`, `FAILED` and `TIMEOUT`. */
export interface Occurrence extends ScopeInput {
  readonly name: string;
  /** The metadata of the event itself. */
  readonly brought: Metadata;
}

/** The reaction of a state to an event, with the metadata that it sets. */
type Choice = { readonly kind: "chosen"; readonly reaction: Reaction } | Rejected;

/** Returns the first entry whose condition is true; an error in a condition ends the search. */
export function chooseReaction(occurrence: Occurrence): Choice {
  const { machine, stack, name } = occurrence;
  const reactions = machine.states.get(stack.state)?.on.get(name);
  if (reactions === undefined) return reject("EVENT_NOT_HANDLED", `"${stack.state}" has no "${name}".`);
  for (const reaction of reactions) {
    const held = holds(occurrence, reaction);
    if (held === true) return { kind: "chosen", reaction };
    if (held !== false) return held;
  }
  return reject("EVENT_NOT_HANDLED", `No condition of "${name}" in "${stack.state}" is true.`);
}

/** Returns the metadata that a reaction sets. All its expressions read the metadata after the event's. */
export function resolveSets(
  occurrence: Occurrence,
  reaction: Reaction,
): ({ readonly kind: "set" } & MetadataChange) | Rejected {
  const present = occurrence.stack.metadata;
  if (reaction.set.size === 0) return { kind: "set", metadata: present, keys: [] };
  const values = resolveValues(occurrence, reaction);
  if (values.kind === "rejected") return values;
  const merged = mergeMetadata(present, values.values);
  if (merged.kind === "rejected") return merged;
  const keys = [...reaction.set.keys()];
  const fault = findMetadataFault(occurrence.machine.metadata, { next: merged.metadata, keys, present });
  if (fault !== undefined) return reject(fault.code, fault.reason);
  return { kind: "set", metadata: merged.metadata, keys };
}

/**
 * Returns true when this reaction ends the stack's incarnation, at once or over states that lead to the end by themselves:
 * sending such an event to a protected state needs a confirmation.
 */
function leadsToEnd(machine: Machine, { advance }: Reaction): boolean {
  const target = advance.at(-1);
  return target !== undefined && isOnWayOut(machine, target);
}

/** Returns why an event from outside may not take this reaction; undefined when it may. */
export function findConfirmFault(
  { machine, stack, name }: Occurrence,
  reaction: Reaction,
  confirm: string | undefined,
): Rejected | undefined {
  const isProtected = machine.states.get(stack.state)?.protected === true;
  if (!isProtected || confirm === stack.id || !leadsToEnd(machine, reaction)) return undefined;
  const reason = `"${stack.state}" is protected, and "${name}" ends the stack: send it with "confirm": "${stack.id}".`;
  return reject("CONFIRMATION_REQUIRED", reason);
}

function holds({ name, brought, ...input }: Occurrence, { when }: Reaction): boolean | Rejected {
  if (when === undefined) return true;
  const result = when.evaluate(toScope(input, { event: { name, metadata: brought }, tasks: true }));
  if (result.kind === "value" && typeof result.value === "boolean") return result.value;
  const why = result.kind === "error" ? result.reason : "the result is not a boolean";
  return reject("EXPRESSION_FAILED", `The condition ${JSON.stringify(when.source)} of "${name}" failed: ${why}`);
}

type Values = { readonly kind: "values"; readonly values: Metadata } | Rejected;

function resolveValues({ name, brought, ...input }: Occurrence, { set }: Reaction): Values {
  const scope = toScope(input, { event: { name, metadata: brought }, tasks: true, sensitive: true });
  const values: [string, MetadataValue][] = [];
  for (const [key, template] of set) {
    const result = template.resolve(scope, NO_SECRETS);
    if (result.kind === "value" && isScalar(result.value)) {
      values.push([key, result.value]);
      continue;
    }
    const why = result.kind === "error" ? result.reason : "metadata is text, a number, true, false or null";
    return reject("EXPRESSION_FAILED", `What "${name}" sets in ${JSON.stringify(key)} failed: ${why}`);
  }
  return { kind: "values", values: Object.fromEntries(values) };
}
