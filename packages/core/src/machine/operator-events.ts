import type { Rejected } from "./decision.ts";
import { dispatchAgain, dispatchTask, toMessageStack } from "./dispatch-task.ts";
import { toCancel } from "./open-runs.ts";
import type { Stack, TaskState } from "./stack.ts";
import { changeTask, toFailed } from "./task-results.ts";
import { findTask, type Handler, listCurrentRuns, replaceRun, type Work, withoutMarks } from "./work.ts";

/** A new attempt of each failed task, or of the one that is named. Their messages show the tasks as failed, as ever. */
export const retryFailed: Handler = (work) => {
  const chosen = chooseTasks(work, "ERROR");
  if (!Array.isArray(chosen)) return chosen;
  const shown = toMessageStack(work.stack);
  const sent = new Set(chosen.filter((name) => dispatchTask(work, name, shown)));
  if (sent.size === 0) return undefined;
  const tasks = work.stack.tasks.map((task): TaskState => {
    return sent.has(task.name) ? { name: task.name, status: "PENDING" } : task;
  });
  work.stack = { ...withoutMarks(work.stack), tasks };
  return undefined;
};

/** The present attempt of each pending task, or of the one that is named, is sent again. */
export const retryPending: Handler = (work) => {
  const chosen = chooseTasks(work, "PENDING");
  if (!Array.isArray(chosen)) return chosen;
  const shown = toMessageStack(work.stack);
  const sent = chosen.filter((name) => dispatchAgain(work, name, shown));
  if (sent.length > 0) work.stack = withoutMarks(work.stack);
  return undefined;
};

/** Asks a pending task's run to stop. A task without an open run, as in rows taken over, is cancelled at once. */
export const cancelTask: Handler = (work) => {
  const name = work.event.task?.name ?? "";
  const task = findTask(work.stack, name);
  if (task === undefined) return toNotCurrent(work.stack, name);
  if (task.status !== "PENDING") return toNotRunning(task);
  const asked = askToStop(work, name, {});
  if (!asked) changeTask(work, toFailed(name, "cancelled"));
  return undefined;
};

/** Counts a task as succeeded without its worker: a person has done it, or does without. Its runs are given up. */
export const settleTask: Handler = (work) => {
  const name = work.event.task?.name ?? "";
  const task = findTask(work.stack, name);
  if (task === undefined) return toNotCurrent(work.stack, name);
  if (task.status === "SATISFIED") return toNotRunning(task);
  askToStop(work, name, { abandoned: true });
  changeTask(work, { name, status: "SATISFIED" });
  return undefined;
};

/** Moves a stack to the revision that the decision is made on. Tasks, attempts and timers of the entry stay. */
export const upgradeStack: Handler = ({ machine, stack }) => {
  const lost = stack.tasks.find(({ name, status }) => status === "PENDING" && !machine.tasks.has(name));
  if (lost === undefined) return undefined;
  const reason = `Task "${lost.name}" is running and is not in the new revision.`;
  return { kind: "rejected", code: "UPGRADE_TASK_UNKNOWN", reason };
};

function chooseTasks({ stack, event }: Work, status: TaskState["status"]): Rejected | string[] {
  const only = event.task?.name;
  if (only !== undefined && findTask(stack, only) === undefined) return toNotCurrent(stack, only);
  const matching = stack.tasks.filter((task) => task.status === status && (only === undefined || task.name === only));
  return matching.map(({ name }) => name);
}

function askToStop(work: Work, task: string, mark: { readonly abandoned?: true }): boolean {
  const runs = listCurrentRuns(work.stack, task);
  for (const run of runs) {
    replaceRun(work, run, { ...run, cancelling: run.cancelling ?? "requested", ...mark });
    work.cancels.push(toCancel(run, run.cancelling ?? "requested"));
  }
  return runs.length > 0;
}

function toNotCurrent(stack: Stack, task: string): Rejected {
  return { kind: "rejected", code: "TASK_NOT_CURRENT", reason: `"${stack.state}" has no task "${task}".` };
}

function toNotRunning({ name, status }: TaskState): Rejected {
  return { kind: "rejected", code: "TASK_NOT_RUNNING", reason: `Task "${name}" is ${status}.` };
}
