import { formatDuration } from "../document/duration.ts";
import type { OpenRun, Stack } from "../stack.ts";
import type { Ignored } from "./decision.ts";
import { changeTasks, settleState } from "./enter-state.ts";
import { armRetry, awaitsEnd, failAttempt, toCancelled, toFailed } from "./fail-attempt.ts";
import { type CurrentAnswer, ENDED, matchAnswer } from "./match-answer.ts";
import { attemptsOf, isCurrent, toCancel } from "./open-runs.ts";
import type { Failure } from "./retry-policy.ts";
import { startReady } from "./start-tasks.ts";
import { keepOutputs, storeOutputs } from "./store-outputs.ts";
import { findTask, hasFailed, isHeld } from "./task-flow.ts";
import { bringMetadata, endRun, type Handler, replaceRun, setTask, type Work } from "./work.ts";

/** The task has succeeded, unless its outputs cannot be stored. */
export const completeTask: Handler = (work) => {
  const metadataBefore = work.stack.metadata;
  return answer(work, ({ task: { name } }) => {
    const fault = work.machine.semantics.storesOutputs ? storeOutputs(work, name, metadataBefore) : undefined;
    if (fault === undefined) setTask(work, { name, status: "SATISFIED" });
    else setTask(work, toFailed(work, name, { message: fault, code: "OUTPUT_INVALID" }));
  });
};

/** The attempt has failed. After a cancel that is the cancel's end. */
export const failTask: Handler = (work) => {
  return answer(work, (current) => {
    const { task, run } = current;
    const { failureEndsCancel, storesOutputs } = work.machine.semantics;
    const isCancelEnd = failureEndsCancel && run?.cancelling !== undefined;
    // A task whose attempt timed out may run again by now: that one is its next, and this end concerns it no more.
    if (isCancelEnd && task.status === "PENDING") return endCancel(work, current);
    if (storesOutputs) keepOutputs(work, task.name);
    failAttempt(work, task, toFailure(work));
  });
};

/** A cancel has ended. After a time-out the attempt has failed already, and the wait for the next one begins. */
export const confirmCancel: Handler = (work) => answer(work, (current) => endCancel(work, current));

/** The deadline of an attempt has passed: it has failed and is asked to stop. It stays open until it has. */
export const timeOutTask: Handler = (work) => {
  const { stack, event } = work;
  const run = stack.runs.find(({ attemptId }) => attemptId === event.dispatchId);
  if (run === undefined) return ENDED;
  if (run.cancelling !== undefined) return CANCELLING;
  bringMetadata(work);
  replaceRun(work, run, { ...run, cancelling: "timed-out" });
  work.cancels.push(toCancel(run, "timed-out"));
  const task = findTask(stack, run.task);
  if (task === undefined || !isAwaited(stack, run)) return undefined;
  changeTasks(work, () => failAttempt(work, task, toTimeOut(work, run), { ending: true }));
  return undefined;
};

const CANCELLING: Ignored = {
  kind: "ignored",
  code: "RESULT_STALE",
  reason: "The attempt is being cancelled already.",
};

/** Ends the run that is answered; if its task still waits for it, stores what the answer brings and changes the task. */
function answer(work: Work, change: (current: CurrentAnswer) => void): ReturnType<Handler> {
  const match = matchAnswer(work);
  if (match.kind === "left") {
    endLeftRun(work, match.run);
    return undefined;
  }
  if (match.kind !== "current") return match;
  bringMetadata(work);
  if (match.run) endRun(work, match.run);
  changeTasks(work, () => change(match));
  return undefined;
}

/** A run that the entry waits for has ended: with the last of them its tasks begin. */
function endLeftRun(work: Work, run: OpenRun): void {
  const failedBefore = hasFailed(work);
  endRun(work, run);
  if (isHeld(work)) return;
  const { awaitsRuns, ...stack } = work.stack;
  work.stack = stack;
  startReady(work);
  settleState(work, failedBefore);
}

function endCancel(work: Work, { task: { name, status }, run }: CurrentAnswer): void {
  if (run?.cancelling === "timed-out") {
    if (awaitsEnd(work.stack, name)) armRetry(work, name);
    return;
  }
  if (status === "PENDING") setTask(work, toCancelled(work, name));
}

/** True when the task waits for this very attempt. */
function isAwaited(stack: Stack, run: OpenRun): boolean {
  const pending = findTask(stack, run.task)?.status === "PENDING";
  return pending && isCurrent(stack, run) && run.attempt === attemptsOf(stack, run.task);
}

function toFailure({ event }: Work): Failure {
  const { description, code, retryable } = event;
  return {
    ...(description === undefined ? {} : { message: description }),
    ...(code === undefined ? {} : { code }),
    ...(retryable === undefined ? {} : { retryable }),
  };
}

function toTimeOut({ machine }: Work, run: OpenRun): Failure {
  const timeoutMs = run.timeoutMs ?? machine.tasks.get(run.task)?.timeoutMs;
  const message = timeoutMs === undefined ? "timed out" : `timed out after ${formatDuration(timeoutMs)}`;
  return machine.semantics.taskDetails ? { message, code: "TASK_TIMEOUT" } : { message };
}
