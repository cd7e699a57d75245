import type { Ignored, Rejected } from "./decision.ts";
import { formatDuration } from "./duration.ts";
import { settleState } from "./enter-state.ts";
import { attemptsOf, findCurrentRun, findLeftRun, isCurrent, isOvertaken, toCancel } from "./open-runs.ts";
import type { OpenRun, Stack, TaskState } from "./stack.ts";
import { endRun, findTask, type Handler, replaceRun, setTask, type Work } from "./work.ts";

/** The task has succeeded. */
export const completeTask: Handler = (work) => {
  return answerTask(work, (name) => ({ name, status: "SATISFIED" }));
};

/** The task has failed. */
export const failTask: Handler = (work) => {
  const { description, code } = work.event;
  return answerTask(work, (name) => toFailed(name, description, code));
};

/** A cancel has ended. After a time-out the task has failed already, so that only the attempt ends. */
export const confirmCancel: Handler = (work) => {
  const match = matchAnswer(work);
  if (match.kind !== "current") return match;
  const { run, task } = match;
  if (run) endRun(work, run);
  if (run?.cancelling === "timed-out" || findTask(work.stack, task)?.status !== "PENDING") return undefined;
  changeTask(work, toFailed(task, "cancelled"));
  return undefined;
};

/** The deadline of an attempt has passed: the task has failed and the attempt is asked to stop. It stays open until it has. */
export const timeOutTask: Handler = (work) => {
  const { stack, event, machine } = work;
  const run = stack.runs.find(({ attemptId }) => attemptId === event.dispatchId);
  if (run === undefined) return CLOSED;
  if (run.cancelling !== undefined) return CANCELLING;
  replaceRun(work, run, { ...run, cancelling: "timed-out" });
  work.cancels.push(toCancel(run, "timed-out"));
  if (!isAwaited(stack, run)) return undefined;
  const timeoutMs = machine.tasks.get(run.task)?.timeoutMs;
  changeTask(
    work,
    toFailed(run.task, timeoutMs === undefined ? "timed out" : `timed out after ${formatDuration(timeoutMs)}`),
  );
  return undefined;
};

/** Sets a task's status and fires what follows from it. */
export function changeTask(work: Work, task: TaskState): void {
  const before = work.stack.tasks;
  setTask(work, task);
  settleState(work, before);
}

/** A failed task; without a message or a code where the worker gave none. */
export function toFailed(name: string, errorMessage: string | undefined, errorCode?: string): TaskState {
  return {
    ...{ name, status: "ERROR" },
    ...(errorMessage === undefined ? {} : { errorMessage }),
    ...(errorCode === undefined ? {} : { errorCode }),
  };
}

const CLOSED: Ignored = { kind: "ignored", code: "RESULT_STALE", reason: "The attempt has ended already." };
const CANCELLING: Ignored = {
  kind: "ignored",
  code: "RESULT_STALE",
  reason: "The attempt is being cancelled already.",
};

type Match = { readonly kind: "current"; readonly task: string; readonly run?: OpenRun } | Ignored | Rejected;

function answerTask(work: Work, toTask: (name: string) => TaskState): Rejected | Ignored | undefined {
  const match = matchAnswer(work);
  if (match.kind !== "current") return match;
  if (match.run) endRun(work, match.run);
  changeTask(work, toTask(match.task));
  return undefined;
}

/** Which task an answer concerns: its attempt says, else the task's name. */
function matchAnswer({ stack, event }: Work): Match {
  if (event.dispatchId === undefined) return matchByName(stack, event.task?.name ?? "");
  const run = stack.runs.find(({ attemptId }) => attemptId === event.dispatchId);
  return run === undefined ? CLOSED : matchRun(stack, run);
}

function matchRun(stack: Stack, run: OpenRun): Match {
  const { task, attemptId } = run;
  if (!isCurrent(stack, run)) return toStale(`Task "${task}" was left before this answer came.`, attemptId);
  if (isOvertaken(stack, run)) return toStale(`A later attempt of task "${task}" was answered before.`, attemptId);
  return { kind: "current", task, run };
}

function matchByName(stack: Stack, task: string): Match {
  if (findTask(stack, task) === undefined) return toNotCurrent(stack, task);
  const run = findCurrentRun(stack, task);
  if (run) return { kind: "current", task, run };
  // Settled by hand in this entry: the answer is that of the run that was given up.
  const settled = stack.runs.find((other) => other.task === task && other.entry === stack.entry);
  if (settled) return toStale(`Task "${task}" was settled before this answer came.`, settled.attemptId);
  return { kind: "current", task };
}

/** True when the task waits for this very attempt. */
function isAwaited(stack: Stack, run: OpenRun): boolean {
  const pending = findTask(stack, run.task)?.status === "PENDING";
  return pending && isCurrent(stack, run) && run.attempt === attemptsOf(stack, run.task);
}

function toStale(reason: string, closes: string): Ignored {
  return { kind: "ignored", code: "RESULT_STALE", reason, closes };
}

function toNotCurrent(stack: Stack, task: string): Rejected {
  const left = findLeftRun(stack, task);
  const reason = `"${stack.state}" has no task "${task}".`;
  const refusal: Rejected = { kind: "rejected", code: "TASK_NOT_CURRENT", reason };
  return left === undefined ? refusal : { ...refusal, closes: left.attemptId };
}
