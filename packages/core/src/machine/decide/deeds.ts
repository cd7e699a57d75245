import { parseAttemptId } from "../attempt-id.ts";
import { toValueDigest } from "../evaluate-deed.ts";
import { isSent, RESULT_EVENTS, type StackEvent, SYSTEM_EVENTS, toEventKey } from "../event-message.ts";
import { JOB_MACHINE, NEXT } from "../machine.ts";
import type { Deed, Deeds, Lack, Stack, TaskState } from "../stack.ts";
import { OPERATORS_EVENTS } from "./decision.ts";
import { attemptsOf, findCurrentRun } from "./runs.ts";
import { isHeld } from "./task-states.ts";
import { afterKindOf } from "./timer-ids.ts";
import { toKnownSender, type Work } from "./work.ts";

// The work of an event: begun before the event is handled, because a task can fail in the same decision, and taken back at
// its end if nothing has come of it. See `Deed`.

type Lacks = Readonly<Record<string, Lack>>;

/** Returns true for an event that expresses the will of a sender: not for results and operators' events. */
export function leads(event: StackEvent, endsFrom: number | undefined): boolean {
  const { name } = event;
  // A timer that tries a removal again is no later will than that of an event that waits for its end.
  if (event.origin === "timer") return endsFrom === undefined;
  return isSent(event) && name !== NEXT && !RESULT_EVENTS.has(name) && !OPERATORS_EVENTS.has(name);
}

/** Returns true for an event whose work is its own. The others continue the present work. */
function begins({ event, stack }: Work): boolean {
  if (event.release?.onlyNotes || stack.machine === JOB_MACHINE) return false;
  if (event.origin === "timer") return event.timerId !== undefined && afterKindOf(event.timerId) !== undefined;
  return event.raised === undefined && leads(event, undefined);
}

/** Begins the deed of an event, with the values that it has brought. */
export function beginDeed(work: Work, before: Stack): void {
  if (!begins(work)) return;
  const { stack, event, brought } = work;
  let lacks: Lacks = {};
  for (const deed of listTakenOver(before.deeds, work, before)) lacks = { ...lacks, ...toTaken(deed.lacks) };
  const deed: Deed = { event: event.name, at: event.at, keys: {}, ...toLacks(lacks) };
  work.stack = withKeys({ ...stack, deed: toEventKey(event), deeds: addDeed(work, deed) }, brought.keys);
}

/** The work is tried anew: only what fails from now on is counted. */
function toTaken(lacks: Lacks = {}): Lacks {
  const entries = Object.entries(lacks).map(
    ([task, { times: _, ...lack }]) => [task, { ...lack, taken: true }] as const,
  );
  return Object.fromEntries(entries);
}

/** An id may be any text, also that of a property of all objects. */
function addDeed({ stack, event }: Work, deed: Deed): Deeds {
  return Object.fromEntries([...Object.entries(stack.deeds ?? {}), [toEventKey(event), deed]]);
}

/** Lists the deeds with a value that an event has brought again unchanged: what they lack, the event's lacks too. */
function listTakenOver(deeds: Deeds | undefined, { brought, stack }: Work, before: Stack): readonly Deed[] {
  const same = brought.keys.filter((key) => Object.hasOwn(before.metadata, key) && isSame(key, before, stack));
  return Object.values(deeds ?? {}).filter(({ keys }) => same.some((key) => keys[key] === toValueDigest(before, key)));
}

function isSame(key: string, before: Stack, after: Stack): boolean {
  return before.metadata[key] === after.metadata[key];
}

/** Gives keys to the present deed: a value belongs to one. */
function withKeys(stack: Stack, keys: readonly string[]): Stack {
  if (keys.length === 0) return stack;
  const taken = new Set(keys);
  const own = Object.fromEntries(keys.map((key) => [key, toValueDigest(stack, key)]));
  return changeDeeds(stack, (deed, id) => {
    const others = Object.entries(deed.keys).filter(([key]) => !taken.has(key));
    if (id === stack.deed) return withOwn(deed, own, others);
    return others.length === Object.keys(deed.keys).length ? deed : { ...deed, keys: Object.fromEntries(others) };
  });
}

function withOwn(deed: Deed, own: Deed["keys"], others: readonly (readonly [string, string])[]): Deed {
  if (Object.entries(own).every(([key, digest]) => deed.keys[key] === digest)) return deed;
  return { ...deed, keys: Object.fromEntries([...others, ...Object.entries(own)]) };
}

/** Gives a value that is there to the present deed, which does the work with it again. */
export function giveToPresentDeed(work: Work, key: string): void {
  if (work.stack.deed !== undefined) work.stack = withKeys(work.stack, [key]);
}

/** Returns the same stack when no deed changes: an event that changes nothing must not write it. */
function changeDeeds(stack: Stack, change: (deed: Deed, id: string) => Deed | undefined): Stack {
  const { deeds = {} } = stack;
  const before = Object.entries(deeds);
  const after = before.flatMap(([id, deed]) => {
    const next = change(deed, id);
    return next === undefined ? [] : [[id, next] as const];
  });
  const isSameList = after.length === before.length && after.every(([, deed], index) => deed === before[index]?.[1]);
  return isSameList ? stack : { ...stack, deeds: Object.fromEntries(after) };
}

function toLacks(lacks: Lacks): Pick<Deed, "lacks"> {
  return Object.keys(lacks).length === 0 ? {} : { lacks };
}

function withLacks(deed: Deed, more: Lacks): Deed {
  return Object.keys(more).length === 0 ? deed : { ...deed, lacks: { ...deed.lacks, ...more } };
}

/** Returns true for the present deed, and for one before it whose tasks the present entry still runs. */
function isAtWork({ stack, entries, ...work }: Work, deed: Deed, id: string): boolean {
  if (id === stack.deed) return true;
  const isLeft = entries > 0 && begins({ stack, entries, ...work });
  return deed.restedAt === undefined && !isLeft;
}

/** Notes that a task has not done its work. */
export function addLack(work: Work, task: string, { why, code }: Pick<Lack, "why" | "code">): void {
  const { entry } = work.stack;
  const lack: Lack = { why, ...(code !== undefined && { code }), entry, attempt: attemptsOf(work.stack, task) };
  work.stack = changeDeeds(work.stack, (deed, id) =>
    isAtWork(work, deed, id) ? withLacks(deed, { [task]: counted(lack, findLack(deed, task)) }) : deed,
  );
}

/** Counts failures of one task with one code in a row, for one event. */
function counted(lack: Lack, before: Lack | undefined): Lack {
  const isSame = lack.why === "failed" && before?.why === "failed" && before.code === lack.code;
  return isSame && !before.taken && before.entry < lack.entry ? { ...lack, times: (before.times ?? 1) + 1 } : lack;
}

/** Notes the tasks that the present entry leaves before they have ended. Call it before the next is entered. */
export function noteLeft(work: Work): void {
  // The tasks of the entry before an event are the work of those before it: see `endDeed`.
  if (work.entries === 0 && begins(work)) return;
  const left = listLeft(work, work.stack);
  work.stack = changeDeeds(work.stack, (deed, id) => (isAtWork(work, deed, id) ? withLacks(deed, left) : deed));
}

function listLeft(work: Work, stack: Stack): Lacks {
  const left = stack.tasks.filter((task) => isOpen(work, task));
  return Object.fromEntries(
    left.map(({ name }) => [name, { why: "left", entry: stack.entry, attempt: attemptsOf(stack, name) }] as const),
  );
}

/** Returns true for a task that has not ended, and does not only watch. */
function isOpen({ machine }: Pick<Work, "machine">, { name, status }: TaskState): boolean {
  return status === "PENDING" && machine.tasks.get(name)?.watches !== true;
}

/** Notes that a task has done its work: all deeds that lack the task have it now, whichever of them began this attempt. */
export function repair(work: Work, task: string): void {
  const { event, stack } = work;
  const isByHand = event.name === SYSTEM_EVENTS.settleTask;
  const attempt = toAttempt(event);
  work.stack = changeDeeds(stack, (deed, id) => {
    const lack = findLack(deed, task);
    const ends = lack !== undefined && (isByHand ? lack.entry === stack.entry : isLater(stack, lack, attempt));
    const repaired = ends ? withoutLack(deed, task, event.at) : deed;
    return isByHand && (ends || isAtWork(work, deed, id)) ? withSettled(work, repaired, task) : repaired;
  });
}

/** A result by the name of its task, and an answer of a person, are of the last attempt. */
function toAttempt({ name, dispatchId = "" }: StackEvent): number {
  const named = RESULT_EVENTS.has(name) ? parseAttemptId(dispatchId) : undefined;
  return named?.attempt ?? Number.POSITIVE_INFINITY;
}

function findLack({ lacks = {} }: Deed, task: string): Lack | undefined {
  return Object.hasOwn(lacks, task) ? lacks[task] : undefined;
}

function withoutLack({ lacks = {}, restedAt, ...deed }: Deed, task: string, at: number): Deed {
  const others = Object.entries(lacks).filter(([name]) => name !== task);
  return { ...deed, ...(restedAt !== undefined && { restedAt: at }), ...toLacks(Object.fromEntries(others)) };
}

/** An attempt that had begun with the values before is not repaired by its own success. */
function isLater({ entry }: Stack, lack: Lack, attempt: number): boolean {
  return entry > lack.entry || (entry === lack.entry && (lack.why !== "before" || attempt > lack.attempt));
}

function withSettled({ event: { sender } }: Work, deed: Deed, task: string): Deed {
  const own = sender === undefined ? { task } : { task, by: toKnownSender(sender) };
  return { ...deed, settled: [...(deed.settled ?? []).filter((each) => each.task !== task), own] };
}

/** Ends the decision for deeds: takes back one of which nothing has come, and notes which rest, and which are forgotten. */
export function endDeed(work: Work, before: Stack): void {
  if (work.stack.deeds === undefined) return;
  if (begins(work) && hasNoEffect(work, before)) {
    const { deed: _, deeds: __, ...rest } = work.stack;
    const { deed, deeds } = before;
    work.stack = { ...rest, ...(deed !== undefined && { deed }), ...(deeds !== undefined && { deeds }) };
    return;
  }
  if (work.stack.deed !== undefined) work.stack = withKeys(work.stack, [...work.set]);
  if (begins(work)) noteBegun(work, before);
  noteVersions(work, before);
  noteRest(work, before);
}

function hasNoEffect({ stack, dispatches, raised }: Work, before: Stack): boolean {
  if (stack.entry !== before.entry || dispatches.length + raised.length > 0) return false;
  return stack.metadata === before.metadata;
}

/** Notes what the event means for tasks of the entry before it: they were left, or continue with the earlier values. */
function noteBegun(work: Work, before: Stack): void {
  const { stack, dispatches } = work;
  const isEntered = stack.entry !== before.entry;
  const left = isEntered ? listLeft(work, before) : {};
  const own = isEntered ? {} : listBefore(work, before);
  const isShared = listTakenOver(before.deeds, work, before).some(({ restedAt }) => restedAt === undefined);
  const onlyValues = !isEntered && dispatches.length === 0 && !before.tasks.some((task) => isOpen(work, task));
  work.stack = changeDeeds(stack, (deed, id) => {
    if (id === stack.deed) {
      const lacks = { ...(isShared && left), ...deed.lacks, ...own };
      return { ...deed, ...toLacks(lacks), ...(onlyValues && { onlyValues }) };
    }
    if (!isEntered || deed.restedAt !== undefined) return deed;
    return { ...withLacks(deed, left), restedAt: work.event.at };
  });
}

/** Lists the tasks that were sent already: they work with the values before. */
function listBefore(work: Work, before: Stack): Lacks {
  const entries = before.tasks.flatMap((task) => {
    const run = isOpen(work, task) && task.detail !== "RETRYING" ? findCurrentRun(before, task.name) : undefined;
    if (run === undefined) return [];
    return [[task.name, { why: "before", entry: run.entry, attempt: run.attempt } as const] as const];
  });
  return Object.fromEntries(entries);
}

/** A value that has become sensitive with a revision has a number instead of its digest. */
function noteVersions(work: Work, before: Stack): void {
  const { stack } = work;
  if (stack.secretVersions === before.secretVersions) return;
  work.stack = changeDeeds(stack, (deed) => {
    const entries = Object.entries(deed.keys);
    const now = entries.map(([key, digest]) => {
      return [key, digest === toValueDigest(before, key) ? toValueDigest(stack, key) : digest] as const;
    });
    return now.every(([, digest], index) => digest === entries[index]?.[1])
      ? deed
      : { ...deed, keys: Object.fromEntries(now) };
  });
}

function noteRest(work: Work, before: Stack): void {
  const { stack, event, dispatches } = work;
  const isAtRest = rests(work);
  const isMoved = stack.entry !== before.entry || dispatches.length > 0;
  work.stack = changeDeeds(stack, (deed, id) => {
    const isPresent = id === stack.deed;
    if (!isPresent && Object.keys(deed.keys).length === 0) return undefined;
    const acting = isPresent && isMoved ? withoutMark(deed) : deed;
    if (isAtRest) return rested(acting, event.at);
    return isPresent ? reopened(acting) : acting;
  });
}

function rested(deed: Deed, at: number): Deed {
  return deed.restedAt === undefined ? { ...deed, restedAt: at } : deed;
}

/** Returns the deed of an event of which more has come than values. */
function withoutMark(deed: Deed): Deed {
  const { onlyValues, ...rest } = deed;
  return onlyValues === undefined ? deed : rest;
}

function reopened(deed: Deed): Deed {
  const { restedAt, ...rest } = deed;
  return restedAt === undefined ? deed : rest;
}

/** Returns true when nothing of the present entry is at work: a task that only watches is not. */
function rests(work: Work): boolean {
  const { failed, stalled, tasks } = work.stack;
  if (failed === true || stalled !== undefined) return true;
  return !isHeld(work) && !tasks.some((task) => isOpen(work, task));
}
