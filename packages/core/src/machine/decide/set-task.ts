import type { Stack, TaskState } from "../stack.ts";
import { noteEnd } from "./last-failure.ts";
import type { Work } from "./work.ts";

/** Replaces one task's status. A task that stops waiting for its next attempt or for an approval needs no timer. */
export function setTask(work: Work, task: TaskState): void {
  const stack = work.stack.approvals === undefined ? work.stack : withoutApproval(work.stack, task.name);
  const tasks = stack.tasks.map((old) => (old.name === task.name ? task : old));
  const armed = task.detail !== "RETRYING" && stack.timers.some((timer) => timer.task === task.name);
  const timers = armed ? stack.timers.filter((timer) => timer.task !== task.name) : stack.timers;
  work.stack = { ...stack, tasks, timers };
  noteEnd(work, task);
}

/** Returns the stack without the approval of a task; the same stack when none is open. */
function withoutApproval(stack: Stack, task: string): Stack {
  const { approvals = {}, ...rest } = stack;
  if (!Object.hasOwn(approvals, task)) return stack;
  const others = Object.entries(approvals).filter(([name]) => name !== task);
  return others.length === 0 ? rest : { ...rest, approvals: Object.fromEntries(others) };
}
