import { parseAttemptId } from "../attempt-id.ts";
import { readSecrets } from "../secrets.ts";
import type { Metadata, Stack, TaskRun } from "../stack.ts";
import type { Cancel } from "./decision.ts";

/** Returns open attempts of a task in the present entry whose results set its status, oldest first. */
export function listCurrentRuns(stack: Stack, task: string): readonly TaskRun[] {
  return stack.runs.filter((run) => run.task === task && isCurrent(stack, run));
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
