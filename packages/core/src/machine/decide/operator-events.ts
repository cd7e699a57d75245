import { findPersonId } from "../../access/by.ts";
import { defined } from "../json.ts";
import type { Stack, TaskState } from "../stack.ts";
import { noteApproved, toApprover } from "./approved.ts";
import { findApproval } from "./ask-approval.ts";
import type { Rejected } from "./decision.ts";
import { changeTasks, react, settleState } from "./enter-state.ts";
import { listAbsentNeeds } from "./entry-needs.ts";
import { LEFT_BEHIND } from "./left-behind.ts";
import { listCurrentRuns } from "./runs.ts";
import { setTask } from "./set-task.ts";
import { decideOnEntry, dispatchAgain, formatLostTask, startReady, toMessageStack, toWaiting } from "./start-tasks.ts";
import { forgetOutputs } from "./store-outputs.ts";
import { forgetFailures, toCancelled } from "./task-results.ts";
import { findTask, hasFailed, isSatisfied } from "./task-states.ts";
import { type Handler, requestStop, toShown, type Work, withoutMarks } from "./work.ts";

/**
 * Creates a new attempt of each failed task, or of the named one. As before, their messages show the tasks as failed.
 */
export const retryFailed: Handler = (work) => {
  const chosen = chooseTasks(work, ({ status }) => status === "ERROR");
  if (!Array.isArray(chosen)) return chosen;
  if (isKeptAtItsEnd(work.stack)) return workAgain(work);
  const retried = chosen.filter(({ name }) => isKnown(work, name));
  if (retried.length === 0) return chosen.length === 0 ? undefined : toLost(work, chosen);
  const shown = toMessageStack(work.machine, work.stack);
  for (const task of retried) {
    forgetFailures(work, task.name);
    setTask(work, toRetried(work, task));
  }
  const isFailed = hasFailed(work);
  const { failed } = work.stack;
  const unmarked = withoutMarks(work.stack);
  // When every retried task waits for a failed one, no task begins, and FAILED does not fire again.
  work.stack = isFailed && failed ? { ...unmarked, failed } : unmarked;
  startReady(work, shown);
  settleState(work, isFailed);
  return undefined;
};

/** Returns true for a stack that has done everything and is not removed, because something is left. */
function isKeptAtItsEnd({ stalled, tasks }: Stack): boolean {
  return stalled?.code === LEFT_BEHIND && isSatisfied(tasks);
}

/** Enters the state again: the tasks that it has now may do more than those before. */
function workAgain(work: Work): undefined {
  const again = { advance: [work.stack.state], set: new Map() };
  react(work, again, { metadata: work.stack.metadata, keys: [] });
}

/** Sends the present attempt of each task that was sent, or of the named one, again. */
export const retryPending: Handler = (work) => {
  const chosen = chooseTasks(work, ({ status, detail }) => status === "PENDING" && !isUnsent(detail));
  if (!Array.isArray(chosen)) return chosen;
  const shown = toMessageStack(work.machine, work.stack);
  const sent = chosen.filter(({ name }) => dispatchAgain(work, name, shown));
  if (sent.length > 0) work.stack = withoutMarks(work.stack);
  return undefined;
};

/**
 * Requests that a task's run stops. A task without a running attempt, such as one that waits for its next, is cancelled
 * at once.
 */
export const cancelTask: Handler = (work) => {
  const name = work.event.task?.name ?? "";
  const task = findTask(work.stack, name);
  if (task === undefined) return toNotCurrent(work.stack, name);
  if (task.status !== "PENDING") return toNotRunning(task);
  const runs = isUnsent(task.detail) ? [] : listCurrentRuns(work.stack, name);
  requestStop(work, runs);
  if (runs.length === 0) changeTasks(work, () => setTask(work, toCancelled(work, name)));
  return undefined;
};

/** Counts a task as succeeded without its worker: a person has done it, or does without. Its runs are given up. */
export const settleTask: Handler = (work) => {
  const name = work.event.task?.name ?? "";
  const task = findTask(work.stack, name);
  if (task === undefined) return toNotCurrent(work.stack, name);
  if (task.status === "SATISFIED") return toNotRunning(task);
  const fault = findApprovalFault(work, task);
  if (fault !== undefined) return fault;
  if (work.machine.tasks.get(name)?.isApproval) {
    noteApproved(work, name, { by: [toApprover(work.event)], settled: true });
  }
  requestStop(work, listCurrentRuns(work.stack, name), { abandoned: true });
  forgetOutputs(work, name);
  changeTasks(work, () => setTask(work, { name, status: "SATISFIED" }));
  return undefined;
};

/**
 * Marks the last failure of the stack as acknowledged. Changes nothing without a failure, after it was resolved, and the
 * second time. The mark ends nothing: only a later success does.
 */
export const acknowledgeFailure: Handler = (work) => {
  const { stack, event } = work;
  const { lastFailure } = stack;
  if (lastFailure === undefined || lastFailure.resolvedAt !== undefined) {
    work.notes.push("The stack has no failure to acknowledge.");
  } else if (lastFailure.acknowledged !== undefined) {
    const { by = "someone" } = lastFailure.acknowledged;
    work.notes.push(`The failure was acknowledged by ${by} before.`);
  } else {
    const reason = event.reason === undefined ? undefined : toShown(work, event.reason);
    const byId = event.sender && findPersonId(event.sender);
    const mark = { at: event.at, ...defined({ by: event.sender?.name ?? event.actor, byId, reason }) };
    work.stack = { ...stack, lastFailure: { ...lastFailure, acknowledged: mark } };
  }
  return undefined;
};

/** The end of the note of an approval that was settled by hand, by which a replay of the history recognizes it. */
export const WITHOUT_APPROVAL = ", without an approval.";

/**
 * Returns why a task may not be settled: an approval is settled only by an operation of the yard, which has checked the
 * permission of its own that this needs. Otherwise one person could request and settle it.
 */
function findApprovalFault({ event, machine, stack, notes }: Work, { name }: TaskState): Rejected | undefined {
  const isApproval = machine.tasks.get(name)?.isApproval === true || findApproval(stack, name) !== undefined;
  if (event.isAllowed) return undefined;
  if (!isApproval) return event.approval ? { ...NO_APPROVAL, reason: `Task "${name}" is not an approval.` } : undefined;
  if (event.own && event.approval) {
    notes.push(`Settled by hand by ${event.sender?.name ?? event.actor ?? "an unknown sender"}${WITHOUT_APPROVAL}`);
    return undefined;
  }
  const reason = `Task "${name}" is an approval. Approve or reject it; to pass it by hand, use "stackyard stacks settle --approval", which needs the permission "approvals:settle".`;
  return { kind: "rejected", code: "NOT_ALLOWED", reason };
}

const NO_APPROVAL = { kind: "rejected", code: "TASK_NOT_CURRENT" } as const;

/** Ends the wait before a task's next attempt: the task is sent as soon as its needs are met. */
export const retryDue: Handler = (work) => {
  const name = work.event.task?.name ?? "";
  if (findTask(work.stack, name)?.detail !== "RETRYING") return NOT_RETRYING;
  changeTasks(work, () => setTask(work, toWaiting(name)));
  return undefined;
};

/** Only moves the stack to the revision that the decision is made on, as each event does that is applied on it. */
export const upgradeStack: Handler = () => undefined;

const NOT_RETRYING = {
  kind: "ignored",
  code: "TIMER_STALE",
  reason: "The task does not wait for its next attempt.",
} as const;

/**
 * Returns the task to retry. A task that was never sent may have failed because its condition could not be evaluated.
 */
function toRetried(work: Work, { name, errorCode }: TaskState): TaskState {
  const undecided = errorCode === "EXPRESSION_FAILED" && !Object.hasOwn(work.stack.attempts, name);
  return undecided ? decideOnEntry(work, name) : toWaiting(name);
}

/** Returns false for a task that the revision does not have, or that could never be sent in this entry. */
function isKnown(work: Work, name: string): boolean {
  const fault = findLost(work, name);
  if (fault !== undefined) work.notes.push(fault);
  return fault === undefined;
}

function findLost(work: Work, name: string): string | undefined {
  if (!work.machine.tasks.has(name)) return formatLostTask(name);
  const [need] = listAbsentNeeds(work, name);
  if (need === undefined) return undefined;
  return `Task "${name}" needs "${need}", which this state did not have when it was entered, so it was not sent.`;
}

function toLost(work: Work, tasks: readonly TaskState[]): Rejected {
  const reasons = tasks.flatMap(({ name }) => findLost(work, name) ?? []);
  return { kind: "rejected", code: "TASK_NOT_CURRENT", reason: reasons.join(" ") };
}

/** Returns true for a task without an attempt to send again or to stop, such as an approval. */
function isUnsent(detail: TaskState["detail"]): boolean {
  return detail === "WAITING" || detail === "RETRYING" || detail === "APPROVING";
}

function chooseTasks({ stack, event }: Work, matches: (task: TaskState) => boolean): Rejected | TaskState[] {
  const only = event.task?.name;
  if (only !== undefined && findTask(stack, only) === undefined) return toNotCurrent(stack, only);
  return stack.tasks.filter((task) => matches(task) && (only === undefined || task.name === only));
}

function toNotCurrent(stack: Stack, task: string): Rejected {
  return { kind: "rejected", code: "TASK_NOT_CURRENT", reason: `"${stack.state}" has no task "${task}".` };
}

function toNotRunning({ name, status, detail }: TaskState): Rejected {
  return { kind: "rejected", code: "TASK_NOT_RUNNING", reason: `Task "${name}" is ${detail ?? status}.` };
}
