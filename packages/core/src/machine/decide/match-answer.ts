import { SYSTEM_EVENTS } from "../message/event.ts";
import type { OpenRun, TaskState } from "../stack.ts";
import type { Ignored, Rejected } from "./decision.ts";
import { findCurrentRun, findLeftRun, isCurrent, isOvertaken } from "./open-runs.ts";
import { findTask, isHeld } from "./task-flow.ts";
import type { Work } from "./work.ts";

/** An answer that sets a task's status, and the run that it ends. */
export interface CurrentAnswer {
  readonly kind: "current";
  readonly task: TaskState;
  readonly run?: OpenRun;
}

/** An answer of a run that was left and that the stack waits for, or may have: it only ends the run. */
export interface LeftAnswer {
  readonly kind: "left";
  readonly run: OpenRun;
}

/** What an answer concerns, or why it comes to nothing. */
export type Match = CurrentAnswer | LeftAnswer | Ignored | Rejected;

/** Which task an answer concerns: its attempt says, else the task's name. */
export function matchAnswer(work: Work): Match {
  const { stack, event } = work;
  if (event.dispatchId === undefined) return matchByName(work, event.task?.name ?? "");
  const run = stack.runs.find(({ attemptId }) => attemptId === event.dispatchId);
  return run === undefined ? ENDED : matchRun(work, run);
}

/** The answer of an attempt that is not open. */
export const ENDED: Ignored = { kind: "ignored", code: "RESULT_STALE", reason: "The attempt has ended already." };

function matchRun(work: Work, run: OpenRun): Match {
  const { stack } = work;
  const task = findTask(stack, run.task);
  if (!isCurrent(stack, run) || task === undefined) return matchLeft(work, run);
  if (isOvertaken(stack, run)) {
    return toStale(`A later attempt of task "${run.task}" was answered before.`, run.attemptId);
  }
  return matchOpen(task, run);
}

function matchOpen(task: TaskState, run: OpenRun): Match {
  return isSettled(task)
    ? toStale(`Task "${task.name}" is ${task.detail}.`, run.attemptId)
    : { kind: "current", task, run };
}

function matchLeft(work: Work, run: OpenRun): Match {
  if (run.entry < work.stack.entry && isHeld(work)) return { kind: "left", run };
  return toStale(`Task "${run.task}" was left before this answer came.`, run.attemptId);
}

function matchByName(work: Work, name: string): Match {
  const { stack } = work;
  const task = findTask(stack, name);
  if (task === undefined) return matchUnlisted(work, name);
  const run = findCurrentRun(stack, name);
  if (run) return matchOpen(task, run);
  // Settled by hand in this entry: the answer is that of the run that was given up.
  const settled = stack.runs.find((other) => other.task === name && other.entry === stack.entry);
  if (settled) return toStale(`Task "${name}" was settled before this answer came.`, settled.attemptId);
  const left = findLeftRun(stack, name);
  // Where runs are left to themselves, the name decides, unless the task cannot have been sent.
  if (left && (isHeld(work) || task.detail !== undefined)) return matchLeft(work, left);
  return matchWithoutRun(work, task);
}

/** A task without an open run, such as one whose result came by its name before. */
function matchWithoutRun({ event }: Work, task: TaskState): Match {
  const { name, detail } = task;
  if (detail === "WAITING") {
    return { kind: "rejected", code: "TASK_NOT_RUNNING", reason: `Task "${name}" is WAITING.` };
  }
  const ignored = isSettled(task) || (detail === "RETRYING" && event.name !== SYSTEM_EVENTS.taskCompleted);
  return ignored ? toStale(`Task "${name}" is ${detail}.`) : { kind: "current", task };
}

/** True for tasks that no answer moves any more. */
function isSettled({ detail }: TaskState): boolean {
  return detail === "SKIPPED" || detail === "CANCELLED";
}

function matchUnlisted(work: Work, name: string): Match {
  const { stack, machine } = work;
  const left = findLeftRun(stack, name);
  if (left && (machine.semantics.lateAnswers === "stale" || isHeld(work))) return matchLeft(work, left);
  const reason = `"${stack.state}" has no task "${name}".`;
  const refusal: Rejected = { kind: "rejected", code: "TASK_NOT_CURRENT", reason };
  return left === undefined ? refusal : { ...refusal, closes: left.attemptId };
}

function toStale(reason: string, closes?: string): Ignored {
  return { kind: "ignored", code: "RESULT_STALE", reason, ...(closes === undefined ? {} : { closes }) };
}
