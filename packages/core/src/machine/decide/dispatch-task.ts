import type { Machine } from "../machine.ts";
import type { MessageStack, TaskMessage } from "../message/task-message.ts";
import { toWireTasks } from "../message/to-wire-tasks.ts";
import { listSecretRefs, toShownMetadata } from "../secrets.ts";
import type { OpenRun, Stack } from "../stack.ts";
import { attemptIdOf } from "./attempt-id.ts";
import type { Dispatch } from "./decision.ts";
import { attemptsOf, findCurrentRun } from "./open-runs.ts";
import { type PreparedTask, prepareTask } from "./prepare-dispatch.ts";
import { toInstant } from "./timers.ts";
import { replaceRun, toScopeInput, type Work } from "./work.ts";

/** The stack as its task messages show it. */
export function toMessageStack({ semantics }: Machine, stack: Stack): MessageStack {
  const { id, previousState, machine, state, tasks } = stack;
  const metadata = semantics.secretsInMessages === "values" ? stack.metadata : toShownMetadata(stack);
  return { id, previousState, machine, _state: state, tasks: toWireTasks(tasks), metadata };
}

/** Makes a new attempt of a task and sends it. */
export function dispatchTask(work: Work, prepared: PreparedTask, shown: MessageStack): void {
  const { stack } = work;
  const { task, timeoutMs, exclusiveKey } = prepared;
  const attempt = attemptsOf(stack, task.name) + 1;
  const parts = { stackId: stack.id, life: stack.life, entry: stack.entry, task: task.name, attempt };
  const bare: OpenRun = {
    attemptId: attemptIdOf(parts),
    entry: stack.entry,
    task: task.name,
    attempt,
    ...(task.executor === undefined ? {} : { executor: task.executor }),
    dispatchedAt: work.event.at,
    cancelWithinMs: task.cancelWithinMs,
    ...(timeoutMs === task.timeoutMs ? {} : { timeoutMs }),
    ...(exclusiveKey === undefined ? {} : { exclusiveKey }),
  };
  const dispatch = toDispatch(work, { run: bare, prepared, shown, again: false });
  const run = dispatch.secrets === undefined ? bare : { ...bare, secrets: dispatch.secrets };
  work.stack = { ...stack, runs: [...stack.runs, run], attempts: { ...stack.attempts, [task.name]: attempt } };
  work.dispatches.push(dispatch);
}

/**
 * Sends the task's attempt again, with the key that it has; makes one where none is open, as for rows taken over. False
 * when it cannot be sent: the running attempt is not to fail for what only another message would need.
 */
export function dispatchAgain(work: Work, name: string, shown: MessageStack): boolean {
  const task = work.machine.tasks.get(name);
  if (task === undefined) {
    work.notes.push(tellLostTask(name));
    return false;
  }
  const prepared = prepareTask(toScopeInput(work), task);
  if (prepared.kind === "fault") {
    work.notes.push(`Task "${name}" was not sent again: ${prepared.message}`);
    return false;
  }
  const run = findCurrentRun(work.stack, name);
  if (run === undefined) {
    dispatchTask(work, prepared, shown);
    return true;
  }
  const dispatch = toDispatch(work, { run, prepared, shown, again: true });
  if (dispatch.secrets !== undefined) replaceRun(work, run, { ...run, secrets: dispatch.secrets });
  work.dispatches.push(dispatch);
  return true;
}

/** That a task could not be sent because its machine has changed. */
export function tellLostTask(name: string): string {
  return `Task "${name}" is not in the machine any more, so it was not sent.`;
}

interface DispatchInput {
  readonly run: OpenRun;
  readonly prepared: PreparedTask;
  readonly shown: MessageStack;
  readonly again: boolean;
}

function toDispatch(work: Work, { run, prepared, shown, again }: DispatchInput): Dispatch {
  const { task, definition } = prepared;
  const timeoutMs = run.timeoutMs ?? task.timeoutMs;
  const deadline = new Date(toInstant(work.event.at + timeoutMs)).toISOString();
  const { exclusiveKey } = run;
  const { messageVersion, secretsInMessages } = work.machine.semantics;
  const message: TaskMessage = {
    task: { ...definition, name: task.name },
    stack: shown,
    dispatch: {
      ...{ id: run.attemptId, attempt: run.attempt, deadline },
      ...(exclusiveKey === undefined ? {} : { exclusiveKey }),
      ...(messageVersion === undefined ? {} : { version: messageVersion }),
    },
  };
  // What the attempt was sent with before stays there for its earlier message.
  const secrets =
    secretsInMessages === "values" ? [] : [...new Set([...(run.secrets ?? []), ...listSecretRefs(message)])];
  return {
    attemptId: run.attemptId,
    stackId: work.stack.id,
    life: work.stack.life,
    entry: run.entry,
    task: run.task,
    attempt: run.attempt,
    ...(task.executor === undefined ? {} : { executor: task.executor }),
    timeoutMs,
    cancelWithinMs: task.cancelWithinMs,
    ...(secrets.length === 0 ? {} : { secrets }),
    again,
    message,
  };
}
