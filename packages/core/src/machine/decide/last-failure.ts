import { cutMiddle } from "../cut-text.ts";
import { SYSTEM_EVENTS } from "../event-message.ts";
import { defined } from "../json.ts";
import type { Lack, LastFailure, Stack, TaskState } from "../stack.ts";
import { addLack, repair } from "./deeds.ts";
import { attemptsOf } from "./runs.ts";
import { isSatisfied } from "./task-states.ts";
import type { Work } from "./work.ts";

const MOST_FAILURE_CHARACTERS = 2_000;

/**
 * Records that a task has failed permanently, or has left something undone within what its config allows; else that the one
 * that failed last has succeeded since.
 */
export function noteEnd(work: Work, task: TaskState): void {
  if (task.status === "SATISFIED" && task.detail !== "SKIPPED") repair(work, task.name);
  const { stack, event } = work;
  const { lastFailure, state, entry } = stack;
  const { name, status, detail } = task;
  const fault = status === "ERROR" ? toFault(task) : findShortfall(work, task);
  if (fault !== undefined) {
    const failure = { task: name, state, entry, attempt: attemptsOf(stack, name), at: event.at, ...fault };
    work.stack = { ...stack, lastFailure: failure };
    addLack(work, name, { why: toWhy(task), code: fault.code ?? "TASK_FAILED" });
  } else if (status === "SATISFIED" && detail !== "SKIPPED" && isResolved(stack, lastFailure, name)) {
    work.stack = { ...stack, lastFailure: { ...lastFailure, resolvedAt: event.at } };
  }
}

function toWhy({ status, errorCode }: TaskState): Lack["why"] {
  if (status !== "ERROR") return "partial";
  return errorCode === "TASK_CANCELLED" ? "cancelled" : "failed";
}

type Fault = Pick<LastFailure, "code" | "message" | "partial">;

function toFault({ errorCode, errorMessage }: TaskState): Fault {
  return defined({ code: errorCode, message: errorMessage === undefined ? undefined : toExcerpt(errorMessage) });
}

/** Returns what a worker has left undone of a task that it has completed. */
function findShortfall({ event }: Work, { name, status }: TaskState): Fault | undefined {
  const { origin, name: result, code, description, task } = event;
  const isOwn = origin === "worker" && result === SYSTEM_EVENTS.taskCompleted && task?.name === name;
  if (!isOwn || status !== "SATISFIED" || code === undefined) return undefined;
  return { code, ...(description !== undefined && { message: toExcerpt(description) }), partial: true };
}

function isResolved(stack: Stack, failure: LastFailure | undefined, task: string): failure is LastFailure {
  if (failure === undefined || failure.resolvedAt !== undefined) return false;
  return failure.task === task || (failure.answeredAt !== undefined && isSatisfied(stack.tasks));
}

/** Returns the beginning, where executors name the fault, and the end, where a tool has printed it last. */
function toExcerpt(text: string): string {
  return cutMiddle(text, MOST_FAILURE_CHARACTERS, "\n…\n");
}
