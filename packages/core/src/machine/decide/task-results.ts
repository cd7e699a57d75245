import { formatDuration } from "../document/duration.ts";
import { SYSTEM_EVENTS } from "../event-message.ts";
import { defined } from "../json.ts";
import type { RetryPolicy } from "../machine.ts";
import type { Stack, StackTimer, TaskRun, TaskState } from "../stack.ts";
import { expireApproval } from "./answer-approval.ts";
import type { Ignored, Rejected } from "./decision.ts";
import { changeTasks, settleState } from "./enter-state.ts";
import { attemptsOf, findCurrentRun, findLeftRun, isCurrent, isOvertaken, toCancel } from "./runs.ts";
import { setTask } from "./set-task.ts";
import { startReady } from "./start-tasks.ts";
import { keepOutputs, storeOutputs } from "./store-outputs.ts";
import { findTask, hasFailed, isHeld } from "./task-states.ts";
import { retryId } from "./timer-ids.ts";
import { toInstant } from "./timers.ts";
import { bringMetadata, endRun, type Handler, replaceRun, toDetail, toShown, type Work } from "./work.ts";

/** Handles the success of a task; it fails when its outputs cannot be stored. */
export const completeTask: Handler = (work) => {
  const metadataBefore = work.stack.metadata;
  return answer(work, ({ task: { name } }) => {
    const fault = work.machine.semantics.storesOutputs ? storeOutputs(work, name, metadataBefore) : undefined;
    if (fault === undefined) setTask(work, { name, status: "SATISFIED" });
    else setTask(work, toFailed(work, name, { message: fault, code: "OUTPUT_INVALID" }));
  });
};

/** Handles the failure of an attempt. After a cancel that is the cancel's end. */
export const failTask: Handler = (work) => {
  return answer(work, (current) => {
    const { task, run } = current;
    const { failureEndsCancel, storesOutputs } = work.machine.semantics;
    // A task whose attempt timed out may run again by now: then this end does not concern its new attempt.
    const isCancelEnd = run?.cancelling === "timed-out" || (failureEndsCancel && run?.cancelling !== undefined);
    if (isCancelEnd && task.status === "PENDING") return endCancel(work, current);
    if (storesOutputs) keepOutputs(work, task.name);
    failAttempt(work, task, toFailure(work));
  });
};

/**
 * Handles the end of a cancel. After a timeout the attempt has failed already, and the wait for the next one begins.
 */
export const confirmCancel: Handler = (work) => answer(work, (current) => endCancel(work, current));

/** Handles a passed deadline: the attempt has failed and is cancelled. It remains open until the cancel has ended. */
export const timeOutTask: Handler = (work) => {
  const { stack, event } = work;
  const run = stack.runs.find(({ attemptId }) => attemptId === event.dispatchId);
  if (run === undefined) return stack.approvals !== undefined && expireApproval(work) ? undefined : ENDED;
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
  reason: "The attempt is already being cancelled.",
};

/** Ends the run of a result; if its task still waits for it, stores the result's metadata and changes the task. */
function answer(work: Work, change: (current: CurrentAnswer) => void): Rejected | Ignored | undefined {
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

/** Ends a run of an earlier entry that the present entry waits for: with the last of them its tasks begin. */
function endLeftRun(work: Work, run: TaskRun): void {
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

/** Returns true when the task waits for exactly this attempt. */
function isAwaited(stack: Stack, run: TaskRun): boolean {
  const pending = findTask(stack, run.task)?.status === "PENDING";
  return pending && isCurrent(stack, run) && run.attempt === attemptsOf(stack, run.task);
}

function toFailure({ event }: Work): Failure {
  const { description, code, retryable } = event;
  return defined({ message: description, code, retryable });
}

function toTimeOut({ machine }: Work, run: TaskRun): Failure {
  const timeoutMs = run.timeoutMs ?? machine.tasks.get(run.task)?.timeoutMs;
  const message = timeoutMs === undefined ? "timed out" : `timed out after ${formatDuration(timeoutMs)}`;
  return machine.semantics.taskDetails ? { message, code: "TASK_TIMEOUT" } : { message };
}

/** A result that sets a task's status, and the run that it ends. */
interface CurrentAnswer {
  readonly kind: "current";
  readonly task: TaskState;
  readonly run?: TaskRun;
}

/** A result of a run that was left and that the stack waits for, or may have: it only ends the run. */
interface LeftAnswer {
  readonly kind: "left";
  readonly run: TaskRun;
}

/** The task that a result belongs to, or why the result is ignored. */
type Match = CurrentAnswer | LeftAnswer | Ignored | Rejected;

/** Finds the task of a result: by its attempt, else by the task's name. */
function matchAnswer(work: Work): Match {
  const { stack, event } = work;
  if (event.dispatchId === undefined) return matchByName(work, event.task?.name ?? "");
  const run = stack.runs.find(({ attemptId }) => attemptId === event.dispatchId);
  return run === undefined ? ENDED : matchRun(work, run);
}

/** The result of an attempt that is not open. */
const ENDED: Ignored = { kind: "ignored", code: "RESULT_STALE", reason: "The attempt has already ended." };

function matchRun(work: Work, run: TaskRun): Match {
  const { stack } = work;
  const task = findTask(stack, run.task);
  if (!isCurrent(stack, run) || task === undefined) return matchLeft(work, run);
  if (isOvertaken(stack, run)) {
    return toStale(`A later attempt of task "${run.task}" has already ended.`, run.attemptId);
  }
  return matchOpen(task, run);
}

function matchOpen(task: TaskState, run: TaskRun): Match {
  return isSettled(task)
    ? toStale(`Task "${task.name}" is ${task.detail}.`, run.attemptId)
    : { kind: "current", task, run };
}

function matchLeft(work: Work, run: TaskRun): Match {
  if (run.entry < work.stack.entry && isHeld(work)) return { kind: "left", run };
  return toStale(`Task "${run.task}" was left before this answer came.`, run.attemptId);
}

function matchByName(work: Work, name: string): Match {
  const { stack } = work;
  const task = findTask(stack, name);
  if (task === undefined) return matchUnlisted(work, name);
  // Only people may decide them.
  if (task.detail === "APPROVING" || work.machine.tasks.get(name)?.isApproval) {
    return {
      kind: "rejected",
      code: "TASK_NOT_RUNNING",
      reason: `Task "${name}" is an approval, which no worker runs.`,
    };
  }
  const run = findCurrentRun(stack, name);
  if (run) return matchOpen(task, run);
  // Settled by hand in this entry: the result is that of the run that was given up.
  const settled = stack.runs.find((other) => other.task === name && other.entry === stack.entry);
  if (settled) return toStale(`Task "${name}" was settled before this answer came.`, settled.attemptId);
  const left = findLeftRun(stack, name);
  // Where runs are left to themselves, the name decides, unless the task cannot have been sent.
  if (left && (isHeld(work) || task.detail !== undefined)) return matchLeft(work, left);
  return matchWithoutRun(work, task);
}

/** Matches a task without an open run, such as one whose result came by its name before. */
function matchWithoutRun({ event }: Work, task: TaskState): Match {
  const { name, detail } = task;
  if (detail === "WAITING") {
    return { kind: "rejected", code: "TASK_NOT_RUNNING", reason: `Task "${name}" is WAITING.` };
  }
  const ignored = isSettled(task) || (detail === "RETRYING" && event.name !== SYSTEM_EVENTS.taskCompleted);
  return ignored ? toStale(`Task "${name}" is ${detail}.`) : { kind: "current", task };
}

/** Returns true for tasks that results do not change. */
function isSettled({ detail }: TaskState): boolean {
  return detail === "SKIPPED" || detail === "CANCELLED";
}

function matchUnlisted(work: Work, name: string): Match {
  const { stack, machine } = work;
  const left = findLeftRun(stack, name);
  if (left && (machine.semantics.lateAnswers === "stale" || isHeld(work))) return matchLeft(work, left);
  const reason = `"${stack.state}" has no task "${name}".`;
  const refusal: Rejected = { kind: "rejected", code: "TASK_NOT_CURRENT", reason };
  return left === undefined ? refusal : { ...refusal, endedAttempt: left.attemptId };
}

function toStale(reason: string, endedAttempt?: string): Ignored {
  return { kind: "ignored", code: "RESULT_STALE", reason, ...defined({ endedAttempt }) };
}

/** Returns a failed task; without a message or a code when the failure has none. */
function toFailed(work: Work, name: string, { message, code }: Failure): TaskState {
  const errorMessage = message === undefined ? undefined : toShown(work, message);
  return { name, status: "ERROR", ...defined({ errorMessage, errorCode: code }) };
}

/** Returns a task that was cancelled: failed permanently. */
export function toCancelled(work: Work, name: string): TaskState {
  const failed = toFailed(work, name, { message: "cancelled", code: "TASK_CANCELLED" });
  return { ...failed, ...toDetail(work.machine, "CANCELLED") };
}

/**
 * Fails an attempt. Only a running task may get another attempt by its policy; a failure later, or a second one, is
 * permanent. `ending`: the attempt must still end before the wait for the next one begins.
 */
function failAttempt(
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
  countFailures(work, name, failures);
  if (!mayRetry(policy, failures, failure)) {
    setTask(work, toFailed(work, name, failure));
    return;
  }
  setTask(work, { name, status: "PENDING", ...toDetail(work.machine, "RETRYING") });
  work.notes.push(formatRetry(work, name, failure));
  if (attempt.ending !== true) armRetry(work, name);
}

/** Begins the wait before a task's next attempt. */
function armRetry(work: Work, name: string): void {
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

/**
 * Returns true when a task waits for its next attempt and the wait has not begun, because the last one is still ending.
 */
function awaitsEnd(stack: Stack, name: string): boolean {
  return findTask(stack, name)?.detail === "RETRYING" && !stack.timers.some(({ task }) => task === name);
}

function failuresOf({ failures = {} }: Stack, name: string): number {
  return Object.hasOwn(failures, name) ? (failures[name] ?? 0) : 0;
}

function countFailures(work: Work, name: string, failures: number): void {
  work.stack = { ...work.stack, failures: { ...work.stack.failures, [name]: failures } };
}

function formatRetry(work: Work, name: string, { code, message }: Failure): string {
  const why = [code, message].filter((part) => part !== undefined).join(": ");
  return `Attempt ${attemptsOf(work.stack, name)} of task "${name}" failed; another attempt follows${why && ` (${why})`}.`;
}

/** The failure of an attempt. */
export interface Failure {
  readonly message?: string;
  readonly code?: string;
  /** Default true. */
  readonly retryable?: boolean;
}

/** The code of a failure without a code. */
const DEFAULT_FAILURE_CODE = "TASK_FAILED";

/** Returns true when a task gets another attempt after this number of failures, the present one included. */
export function mayRetry(policy: RetryPolicy, failures: number, { code, retryable = true }: Failure): boolean {
  const named = code ?? DEFAULT_FAILURE_CODE;
  if (!retryable || NEVER_RETRIED.has(named) || failures >= policy.attempts) return false;
  return policy.only === undefined || policy.only.has(named);
}

/**
 * Returns the longest wait before the next attempt after this number of failures: it grows by the factor (default 2)
 * each time.
 */
export function maxBackoffMs({ fromMs, toMs, factor }: RetryPolicy, failures: number): number {
  const backoffMs = fromMs * factor ** (failures - 1);
  // Zero times infinity is NaN, which is not a wait.
  return Number.isNaN(backoffMs) ? toMs : Math.round(Math.min(toMs, backoffMs));
}

/** Codes that another attempt would not fix, whatever the policy. */
const NEVER_RETRIED: ReadonlySet<string> = new Set([
  "EXPRESSION_FAILED",
  "CONFIG_INVALID",
  "OUTPUT_INVALID",
  "TASK_CANCELLED",
]);
