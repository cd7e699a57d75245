import { dispatchTask, toMessageStack } from "./dispatch-task.ts";
import { FAILED, NEXT, type Reaction } from "./machine.ts";
import type { Stack, Stalled, TaskState } from "./stack.ts";
import { armTimers } from "./timers.ts";
import { hasFailed, isSatisfied, type Work, withoutMarks } from "./work.ts";

const HOUR_MS = 3_600_000;

/** Does what a state says about an event. False when the stack stops instead, because it runs in circles. */
export function react(work: Work, reaction: Reaction): boolean {
  if (reaction.advance.length === 0) return true;
  const loop = work.automatic ? countAutomaticEntries(work, reaction.advance.length) : undefined;
  if (loop) stall(work, loop);
  else enter(work, reaction.advance);
  return loop === undefined;
}

/** Fires NEXT or FAILED when the change of a status, compared with the tasks before, calls for it. */
export function settleState(work: Work, before: readonly TaskState[]): void {
  const { tasks, state } = work.stack;
  if (hasFailed(tasks)) {
    if (!hasFailed(before)) fireFailed(work);
    return;
  }
  if (work.stack.failed) work.stack = withoutMarks(work.stack);
  const terminal = work.machine.states.get(state)?.terminal === true;
  if (isSatisfied(tasks) && !terminal) fireNext(work);
}

function fireNext(work: Work): void {
  const { state } = work.stack;
  const reaction = work.machine.states.get(state)?.on.get(NEXT)?.[0];
  if (reaction) reactInternally(work, reaction);
  else stall(work, { code: "EVENT_NOT_HANDLED", reason: `"${state}" has no "${NEXT}".` });
}

function fireFailed(work: Work): void {
  const { machine, stack } = work;
  // A machine of version 1 may declare an event of this name; then it comes from outside only.
  const reaction = machine.events.has(FAILED) ? undefined : machine.states.get(stack.state)?.on.get(FAILED)?.[0];
  if (reaction === undefined || !reactInternally(work, reaction)) work.stack = { ...work.stack, failed: true };
}

function reactInternally(work: Work, reaction: Reaction): boolean {
  const { entriesPerEvent } = work.limits;
  if (work.entries + reaction.advance.length > entriesPerEvent) {
    stall(work, { code: "TRANSITION_LIMIT", reason: `One event may cause at most ${entriesPerEvent} entries.` });
    return false;
  }
  return react(work, reaction);
}

function stall(work: Work, stalled: Stalled): void {
  work.stack = { ...work.stack, stalled };
  work.notes.push(stalled.reason);
}

/** Counts the entries that are about to be made; says why they must not be. */
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

/** Enters states one after the other; only the last one's tasks and timers come to be. */
function enter(work: Work, targets: readonly string[]): void {
  const { machine, event, stack } = work;
  const state = targets.at(-1) ?? stack.state;
  const definition = machine.states.get(state);
  const entry = stack.entry + targets.length;
  const entered: Stack = {
    ...withoutMarks(stack),
    state,
    previousState: targets.at(-2) ?? stack.state,
    tasks: (definition?.tasks ?? []).map((name) => ({ name, status: "PENDING" })),
    enteredAt: event.at,
    entry,
    attempts: {},
    timers: armTimers(definition, entry, event.at),
  };
  work.stack = entered;
  work.entries += targets.length;
  const shown = toMessageStack(entered);
  for (const { name } of entered.tasks) dispatchTask(work, name, shown);
}
