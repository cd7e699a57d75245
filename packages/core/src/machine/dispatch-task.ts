import { attemptIdOf } from "./attempt-id.ts";
import type { Dispatch } from "./decision.ts";
import type { Task } from "./machine.ts";
import { attemptsOf, findCurrentRun } from "./open-runs.ts";
import { toShownMetadata } from "./secrets.ts";
import type { OpenRun, Stack } from "./stack.ts";
import type { MessageStack, TaskMessage } from "./task-message.ts";
import type { Work } from "./work.ts";

/** The stack as its task messages show it. */
export function toMessageStack(stack: Stack): MessageStack {
  const { id, previousState, machine, state, tasks } = stack;
  return { id, previousState, machine, _state: state, tasks, metadata: toShownMetadata(stack) };
}

/** Makes a new attempt of a task and sends it. False when the machine's revision has no such task. */
export function dispatchTask(work: Work, name: string, shown: MessageStack): boolean {
  const task = findDefinition(work, name);
  if (task === undefined) return false;
  const { stack } = work;
  const attempt = attemptsOf(stack, name) + 1;
  const parts = { stackId: stack.id, life: stack.life, entry: stack.entry, task: name, attempt };
  const run: OpenRun = {
    attemptId: attemptIdOf(parts),
    entry: stack.entry,
    task: name,
    attempt,
    ...(task.executor === undefined ? {} : { executor: task.executor }),
    dispatchedAt: work.event.at,
    cancelWithinMs: task.cancelWithinMs,
  };
  work.stack = { ...stack, runs: [...stack.runs, run], attempts: { ...stack.attempts, [name]: attempt } };
  work.dispatches.push(toDispatch(work, { run, task, shown, again: false }));
  return true;
}

/** Sends the task's attempt again; makes one where none is open, as for rows taken over. */
export function dispatchAgain(work: Work, name: string, shown: MessageStack): boolean {
  const run = findCurrentRun(work.stack, name);
  if (run === undefined) return dispatchTask(work, name, shown);
  const task = findDefinition(work, name);
  if (task === undefined) return false;
  work.dispatches.push(toDispatch(work, { run, task, shown, again: true }));
  return true;
}

function findDefinition(work: Work, name: string): Task | undefined {
  const task = work.machine.tasks.get(name);
  if (task === undefined) work.notes.push(`Task "${name}" is not in the machine any more, so it was not sent.`);
  return task;
}

interface DispatchInput {
  readonly run: OpenRun;
  readonly task: Task;
  readonly shown: MessageStack;
  readonly again: boolean;
}

function toDispatch(work: Work, { run, task, shown, again }: DispatchInput): Dispatch {
  const deadline = new Date(work.event.at + task.timeoutMs).toISOString();
  const message: TaskMessage = {
    task: { ...task.definition, name: task.name },
    stack: shown,
    dispatch: { id: run.attemptId, attempt: run.attempt, deadline },
  };
  return {
    attemptId: run.attemptId,
    stackId: work.stack.id,
    life: work.stack.life,
    entry: run.entry,
    task: run.task,
    attempt: run.attempt,
    ...(task.executor === undefined ? {} : { executor: task.executor }),
    timeoutMs: task.timeoutMs,
    cancelWithinMs: task.cancelWithinMs,
    again,
    message,
  };
}
