import { attemptIdOf } from "../attempt-id.ts";
import { defined } from "../json.ts";
import type { Machine, Task } from "../machine.ts";
import { listSecretRefs, toShownMetadata } from "../secrets.ts";
import type { Stack, TaskRun, TaskState } from "../stack.ts";
import type { MessageStack, TaskMessage, WireTask } from "../task-message.ts";
import { findUnapproved } from "./approved.ts";
import { askApproval, type PreparedApproval, prepareApproval, toApproving } from "./ask-approval.ts";
import type { Dispatch } from "./decision.ts";
import { noteEnd } from "./last-failure.ts";
import { type PreparedTask, type PrepareFault, prepareTask } from "./prepare-task.ts";
import { attemptsOf, findCurrentRun } from "./runs.ts";
import { isHeld, needsAreMet } from "./task-states.ts";
import { toInstant } from "./timers.ts";
import { toScope } from "./to-scope.ts";
import { replaceRun, toDetail, toScopeInput, toShown, type Work } from "./work.ts";

/**
 * Returns the task as its state is entered: it waits to be sent, is skipped, or has failed because its condition
 * failed.
 */
export function decideOnEntry(work: Work, name: string): TaskState {
  const when = work.machine.tasks.get(name)?.when;
  if (when === undefined) return toWaiting(name);
  const result = when.evaluate(toScope(toScopeInput(work)));
  if (result.kind === "value" && typeof result.value === "boolean") {
    return result.value ? toWaiting(name) : { name, status: "SATISFIED", ...toDetail(work.machine, "SKIPPED") };
  }
  const why = result.kind === "error" ? result.reason : "the result is not a boolean";
  return toErrorTask(work, name, {
    code: "EXPRESSION_FAILED",
    message: `The condition ${JSON.stringify(when.source)} failed: ${why}`,
  });
}

/** Returns a task that is sent when it is no longer blocked. */
export function toWaiting(name: string): TaskState {
  return { name, status: "PENDING", detail: "WAITING" };
}

/**
 * Sends every waiting task that is not blocked. Those that cannot be resolved fail without being sent. All messages
 * contain the present stack, or the given one.
 */
export function startReady(work: Work, given?: MessageStack): void {
  if (isHeld(work)) return;
  const prepared: PreparedTask[] = [];
  const asked: PreparedApproval[] = [];
  const start = (task: TaskState): TaskState => {
    if (task.detail !== "WAITING" || !needsAreMet(work, task.name)) return task;
    const made = prepare(work, task);
    if (made.kind === "unsent") return made.task;
    if (made.kind === "approval") {
      asked.push(made);
      return toApproving(task.name);
    }
    prepared.push(made);
    return { name: task.name, status: "PENDING", ...toDetail(work.machine, "RUNNING") };
  };
  const tasks = work.stack.tasks.map(start);
  if (tasks.every((task, index) => task === work.stack.tasks[index])) return;
  const faults = tasks.filter((task, index) => task !== work.stack.tasks[index] && task.status === "ERROR");
  work.stack = { ...work.stack, tasks };
  for (const task of faults) noteEnd(work, task);
  for (const each of asked) askApproval(work, each);
  const shown = given ?? toMessageStack(work.machine, work.stack);
  for (const each of prepared) dispatchTask(work, each, shown);
}

interface Unsent {
  readonly kind: "unsent";
  readonly task: TaskState;
}

/** Resolves a task, or returns the new status of one that cannot be sent. */
function prepare(work: Work, waiting: TaskState): PreparedTask | PreparedApproval | Unsent {
  const { name } = waiting;
  const task: Task | undefined = work.machine.tasks.get(name);
  if (task === undefined) {
    const note = formatLostTask(name);
    if (!work.notes.includes(note)) work.notes.push(note);
    // A revision that has it again sends it.
    return { kind: "unsent", task: work.machine.semantics.taskDetails ? waiting : { name, status: "PENDING" } };
  }
  const resolved = prepareApproved(work, task);
  const prepared = task.isApproval && resolved.kind === "prepared" ? prepareApproval(resolved) : resolved;
  return prepared.kind === "fault" ? { kind: "unsent", task: toErrorTask(work, name, prepared) } : prepared;
}

/** Resolves a task, unless it uses something else than people have approved. */
function prepareApproved(work: Work, task: Task): PreparedTask | PrepareFault {
  return findUnapproved(work, task) ?? prepareTask(toScopeInput(work), task);
}

/** Returns a task that has failed without being sent. */
export function toErrorTask(
  work: Work,
  name: string,
  { code, message }: { readonly code: string; readonly message: string },
): TaskState {
  return { name, status: "ERROR", errorMessage: toShown(work, message), errorCode: code };
}

/** Returns the tasks of a stack as messages and simulations show them. */
export function toWireTasks(tasks: readonly TaskState[]): readonly WireTask[] {
  return tasks.some(({ errorCode }) => errorCode !== undefined) ? tasks.map(toWireTask) : tasks;
}

function toWireTask({ errorCode, ...task }: TaskState): WireTask {
  return task;
}

/** Returns the stack as its task messages show it. */
export function toMessageStack({ semantics }: Machine, stack: Stack): MessageStack {
  const { id, previousState, machine, state, tasks } = stack;
  const metadata = semantics.secretsInMessages === "values" ? stack.metadata : toShownMetadata(stack);
  return { id, previousState, machine, _state: state, tasks: toWireTasks(tasks), metadata };
}

/** Makes a new attempt of a task and sends it. */
function dispatchTask(work: Work, prepared: PreparedTask, shown: MessageStack): void {
  const { stack } = work;
  const { task, timeoutMs, exclusiveKey } = prepared;
  const attempt = attemptsOf(stack, task.name) + 1;
  const parts = { stackId: stack.id, incarnation: stack.incarnation, entry: stack.entry, task: task.name, attempt };
  const bare: TaskRun = {
    attemptId: attemptIdOf(parts),
    entry: stack.entry,
    task: task.name,
    attempt,
    ...defined({ executor: task.executor }),
    dispatchedAt: work.event.at,
    cancelWithinMs: task.cancelWithinMs,
    ...(timeoutMs === task.timeoutMs ? {} : { timeoutMs }),
    ...defined({ exclusiveKey }),
  };
  const dispatch = toDispatch(work, { run: bare, prepared, shown, again: false });
  const run = dispatch.secrets === undefined ? bare : { ...bare, secrets: dispatch.secrets };
  work.stack = { ...stack, runs: [...stack.runs, run], attempts: { ...stack.attempts, [task.name]: attempt } };
  work.dispatches.push(dispatch);
}

/**
 * Sends the task's attempt again as it was sent first, whatever the machine would send now; creates one when no attempt is
 * open, as for rows taken over. Returns false when nothing was sent.
 */
export function dispatchAgain(work: Work, name: string, shown: MessageStack): boolean {
  const task = work.machine.tasks.get(name);
  const run = findCurrentRun(work.stack, name);
  const unapproved = task && findUnapproved(work, task);
  if (unapproved !== undefined) return noteUnsent(work, formatUnsent(name, unapproved));
  const prepared = task && prepareTask(toScopeInput(work), task);
  if (prepared?.kind === "prepared") {
    sendPrepared(work, prepared, { run, shown });
    return true;
  }
  if (run === undefined) {
    return noteUnsent(work, prepared === undefined ? formatLostTask(name) : formatUnsent(name, prepared));
  }
  work.resends.push({ attemptId: run.attemptId, task: name });
  return true;
}

interface PresentRun {
  readonly run: TaskRun | undefined;
  readonly shown: MessageStack;
}

/** Sends the open attempt again with this message, which stores take only where they do not have the attempt any more. */
function sendPrepared(work: Work, prepared: PreparedTask, { run, shown }: PresentRun): void {
  if (run === undefined) {
    dispatchTask(work, prepared, shown);
    return;
  }
  const dispatch = toDispatch(work, { run, prepared, shown, again: true });
  if (dispatch.secrets !== undefined) replaceRun(work, run, { ...run, secrets: dispatch.secrets });
  work.dispatches.push(dispatch);
}

function noteUnsent(work: Work, note: string): false {
  work.notes.push(note);
  return false;
}

function formatUnsent(name: string, { message }: PrepareFault): string {
  return `Task "${name}" was not sent again: ${message}`;
}

/** Returns the note that a task could not be sent because its machine has changed. */
export function formatLostTask(name: string): string {
  return `Task "${name}" is not in the machine any more, so it was not sent.`;
}

interface DispatchInput {
  readonly run: TaskRun;
  readonly prepared: PreparedTask;
  readonly shown: MessageStack;
  readonly again: boolean;
}

function joinRefs(earlier: readonly string[] | undefined, refs: readonly string[]): readonly string[] {
  return earlier === undefined ? refs : [...new Set([...earlier, ...refs])];
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
      id: run.attemptId,
      attempt: run.attempt,
      deadline,
      ...defined({ exclusiveKey, version: messageVersion }),
    },
  };
  // The secrets of earlier messages of the attempt remain.
  const secrets = secretsInMessages === "values" ? [] : joinRefs(run.secrets, listSecretRefs(message));
  return {
    attemptId: run.attemptId,
    stackId: work.stack.id,
    incarnation: work.stack.incarnation,
    entry: run.entry,
    task: run.task,
    attempt: run.attempt,
    ...defined({ executor: task.executor }),
    timeoutMs,
    cancelWithinMs: task.cancelWithinMs,
    ...(secrets.length === 0 ? {} : { secrets }),
    again,
    message,
  };
}
