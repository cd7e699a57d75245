import type { OpenRun, Stack } from "../stack.ts";
import type { Cancel } from "./decision.ts";

/** How long a cancel may take where the run does not say. */
export const DEFAULT_CANCEL_WITHIN_MS = 300_000;

/** The stack without this open attempt; the same stack when it is not open. */
export function closeRun(stack: Stack, attemptId: string): Stack {
  const runs = stack.runs.filter((run) => run.attemptId !== attemptId);
  return runs.length === stack.runs.length ? stack : { ...stack, runs };
}

/** The newest open attempt of a task in the present entry whose answer sets the task's status. */
export function findCurrentRun(stack: Stack, task: string): OpenRun | undefined {
  return stack.runs.findLast((run) => run.task === task && isCurrent(stack, run));
}

/** The open attempt that a result by name ends although it changes no status: the oldest one that is left of that name. */
export function findLeftRun(stack: Stack, task: string): OpenRun | undefined {
  return stack.runs.find((run) => run.task === task && !isCurrent(stack, run));
}

/** True for runs of the present entry that were not abandoned. */
export function isCurrent(stack: Stack, run: OpenRun): boolean {
  return run.entry === stack.entry && run.abandoned === undefined;
}

/** The highest attempt that was made of a task in the present entry; 0 when there was none. */
export function attemptsOf(stack: Stack, task: string): number {
  return Object.hasOwn(stack.attempts, task) ? (stack.attempts[task] ?? 0) : 0;
}

/** True when an attempt that was made after this one is closed already: its answer counts, and this one's does not. */
export function isOvertaken(stack: Stack, run: OpenRun): boolean {
  const later = stack.runs.filter(
    ({ entry, task, attempt }) => entry === run.entry && task === run.task && attempt > run.attempt,
  );
  return later.length < attemptsOf(stack, run.task) - run.attempt;
}

/** What asks the worker of a run to stop. */
export function toCancel(run: OpenRun, why: Cancel["why"]): Cancel {
  return { attemptId: run.attemptId, withinMs: run.cancelWithinMs ?? DEFAULT_CANCEL_WITHIN_MS, why };
}
