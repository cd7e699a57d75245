import type { Stack, TaskState } from "../machine/stack.ts";
import type { AttemptView } from "../ports/attempt-store.ts";
import type { ParkedEvent } from "../ports/stack-store.ts";

/** A task with the reason why it is not done. */
export interface ExplainedTask extends TaskState {
  /** One sentence. */
  readonly why: string;
  /** The newest attempt of the present entry. */
  readonly attempt?: AttemptView;
}

/** What a stack waits for, in words. */
export interface Explanation {
  /** One sentence. */
  readonly summary: string;
  readonly tasks: readonly ExplainedTask[];
}

/** Says of a stack and each of its tasks what it waits for, and for whom. */
export function explainStack(
  input: {
    readonly stack: Stack;
    readonly attempts: readonly AttemptView[];
    readonly parked: readonly ParkedEvent[];
  },
  now: number,
): Explanation {
  const tasks = input.stack.tasks.map((task) => explainTask(input.stack, task, input.attempts, now));
  return { summary: summarise(input.stack, tasks, input.parked, now), tasks };
}

function explainTask(stack: Stack, task: TaskState, attempts: readonly AttemptView[], now: number): ExplainedTask {
  const attempt = attempts
    .filter(({ task: name, entry }) => name === task.name && entry === stack.entry)
    .sort((a, b) => b.attempt - a.attempt)[0];
  return { ...task, why: tellTask(task, attempt, now), ...(attempt === undefined ? {} : { attempt }) };
}

function tellTask(task: TaskState, attempt: AttemptView | undefined, now: number): string {
  if (task.status === "SATISFIED") return "Done.";
  if (task.status === "ERROR") {
    const code = task.errorCode === undefined ? "" : ` (${task.errorCode})`;
    return `Failed${code}: ${task.errorMessage ?? "no reason was given"}`;
  }
  return attempt === undefined ? "Its message was sent; no answer has come." : tellAttempt(attempt, now);
}

function tellAttempt(attempt: AttemptView, now: number): string {
  const since = (at: number) => tellDuration(Math.max(0, now - at));
  const progress = attempt.progressMessage === undefined ? "" : `: ${attempt.progressMessage}`;
  if (attempt.cancelling !== undefined && attempt.status !== "settled") {
    return `It was asked to stop (${attempt.cancelling}) and has not confirmed it yet.`;
  }
  switch (attempt.status) {
    case "unclaimed":
      return `No worker has taken it for ${since(attempt.dispatchedAt)}.`;
    case "queued":
      return tellQueue(attempt);
    case "running":
      return (attempt.leaseUntil ?? 0) > now
        ? `Runs at worker ${attempt.owner ?? "unknown"} since ${since(attempt.dispatchedAt)}${progress}`
        : `The worker ${attempt.owner ?? "unknown"} does not answer; another one takes it over.`;
    case "suspended":
      return `Goes on by itself, looked at again in ${tellDuration(Math.max(0, (attempt.pollDueAt ?? now) - now))}${progress}`;
    case "settled":
      return "Its result waits to be worked.";
  }
}

function tellQueue({ queuedFor }: AttemptView): string {
  if (queuedFor === undefined) return "It is next in a queue.";
  return `Waits for "${queuedFor.key}", which ${queuedFor.holder} holds; place ${queuedFor.place} in the queue.`;
}

function summarise(stack: Stack, tasks: readonly ExplainedTask[], parked: readonly ParkedEvent[], now: number): string {
  if (stack.stalled !== undefined) return `Stalled (${stack.stalled.code}): ${stack.stalled.reason}`;
  const failed = tasks.filter(({ status }) => status === "ERROR").map(({ name }) => name);
  if (failed.length > 0) return `Failed: ${failed.join(", ")}. Retry with RETRY_FAILED_TASKS, or send another event.`;
  const pending = tasks.filter(({ status }) => status === "PENDING").map(({ name }) => name);
  if (pending.length > 0) return `Waits for ${pending.join(", ")}.`;
  const [first] = parked;
  if (first !== undefined) {
    const next = tellDuration(Math.max(0, first.nextTryAt - now));
    return `An event is parked (${first.code}: ${first.reason}); it is tried again in ${next}.`;
  }
  return "Waits for an event.";
}

/** A length as people say it: the two largest units. */
function tellDuration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h ${Math.floor((seconds % 3_600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3_600)}h`;
}
