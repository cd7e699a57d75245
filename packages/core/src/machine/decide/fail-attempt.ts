import { SYSTEM_EVENTS } from "../message/event.ts";
import type { Stack, StackTimer, TaskState } from "../stack.ts";
import { attemptsOf } from "./open-runs.ts";
import { type Failure, maxBackoffMs, mayRetry } from "./retry-policy.ts";
import { findTask } from "./task-flow.ts";
import { retryId, toInstant } from "./timers.ts";
import { setTask, toDetail, toShown, type Work } from "./work.ts";

/** A failed task; without a message or a code where none was given. */
export function toFailed(work: Work, name: string, { message, code }: Failure): TaskState {
  return {
    ...{ name, status: "ERROR" },
    ...(message === undefined ? {} : { errorMessage: toShown(work, message) }),
    ...(code === undefined ? {} : { errorCode: code }),
  };
}

/** A task that was cancelled: failed for good. */
export function toCancelled(work: Work, name: string): TaskState {
  const failed = toFailed(work, name, { message: "cancelled" });
  if (!work.machine.semantics.taskDetails) return failed;
  return { ...failed, errorCode: "TASK_CANCELLED", detail: "CANCELLED" };
}

/**
 * An attempt has failed. Only a running task may get another one by its policy; what fails later, or once more, has failed
 * for good. `ending`: the attempt that is still to end before the wait for the next one begins.
 */
export function failAttempt(
  work: Work,
  { name, status }: TaskState,
  failure: Failure,
  attempt: { readonly ending?: boolean } = {},
): void {
  const policy = work.machine.tasks.get(name)?.retry;
  if (status !== "PENDING" || policy === undefined || policy.attempts === 1) {
    setTask(work, toFailed(work, name, failure));
    return;
  }
  const failures = failuresOf(work.stack, name) + 1;
  if (!mayRetry(policy, failures, failure)) {
    countFailures(work, name, failures);
    setTask(work, toFailed(work, name, failure));
    return;
  }
  countFailures(work, name, failures);
  setTask(work, { name, status: "PENDING", ...toDetail(work.machine, "RETRYING") });
  work.notes.push(tellRetry(work, name, failure));
  if (attempt.ending !== true) armRetry(work, name);
}

/** Begins the wait before a task's next attempt. */
export function armRetry(work: Work, name: string): void {
  const policy = work.machine.tasks.get(name)?.retry;
  const { stack, event } = work;
  const jitterMs = policy === undefined ? 0 : maxBackoffMs(policy, Math.max(1, failuresOf(stack, name)));
  const timer: StackTimer = {
    id: retryId(stack.entry, name),
    event: SYSTEM_EVENTS.taskRetryDue,
    dueAt: toInstant(event.at + jitterMs),
    task: name,
    jitterMs,
  };
  work.stack = { ...stack, timers: [...stack.timers, timer] };
}

/** Lets a task's policy begin its count again. */
export function forgetFailures(work: Work, name: string): void {
  const { failures, ...rest } = work.stack;
  if (failures === undefined || !Object.hasOwn(failures, name)) return;
  const others = Object.entries(failures).filter(([task]) => task !== name);
  work.stack = others.length === 0 ? rest : { ...rest, failures: Object.fromEntries(others) };
}

/** True when a task waits for its next attempt and the wait has not begun, because the last one is still ending. */
export function awaitsEnd(stack: Stack, name: string): boolean {
  return findTask(stack, name)?.detail === "RETRYING" && !stack.timers.some(({ task }) => task === name);
}

function failuresOf({ failures = {} }: Stack, name: string): number {
  return Object.hasOwn(failures, name) ? (failures[name] ?? 0) : 0;
}

function countFailures(work: Work, name: string, failures: number): void {
  work.stack = { ...work.stack, failures: { ...work.stack.failures, [name]: failures } };
}

function tellRetry(work: Work, name: string, { code, message }: Failure): string {
  const why = [code, message].filter((part) => part !== undefined).join(": ");
  return `Attempt ${attemptsOf(work.stack, name)} of task "${name}" failed and is followed by another${why && ` (${why})`}.`;
}
