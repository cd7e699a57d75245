import { defined } from "../json.ts";
import type { LastFailure, Stack, TaskState } from "../stack.ts";
import { attemptsOf } from "./runs.ts";
import { isSatisfied } from "./task-states.ts";
import type { Work } from "./work.ts";

const MOST_FAILURE_CHARACTERS = 2_000;

/** Records that a task has failed permanently, or that the one that failed last has succeeded since. */
export function noteEnd(work: Work, { name, status, detail, errorCode, errorMessage }: TaskState): void {
  const { stack, event } = work;
  const { lastFailure, state, entry } = stack;
  if (status === "ERROR") {
    const failure: LastFailure = defined({
      task: name,
      state,
      entry,
      attempt: attemptsOf(stack, name),
      at: event.at,
      code: errorCode,
      message: errorMessage === undefined ? undefined : toExcerpt(errorMessage),
    });
    work.stack = { ...stack, lastFailure: failure };
  } else if (status === "SATISFIED" && detail !== "SKIPPED" && isResolved(stack, lastFailure, name)) {
    work.stack = { ...stack, lastFailure: { ...lastFailure, resolvedAt: event.at } };
  }
}

function isResolved(stack: Stack, failure: LastFailure | undefined, task: string): failure is LastFailure {
  if (failure === undefined || failure.resolvedAt !== undefined) return false;
  return failure.task === task || (failure.answeredAt !== undefined && isSatisfied(stack.tasks));
}

/**
 * Returns the beginning, where executors name the fault, and the end, where a tool has printed it last; cuts no
 * surrogate pair.
 */
function toExcerpt(text: string): string {
  if (text.length <= MOST_FAILURE_CHARACTERS) return text;
  const half = (MOST_FAILURE_CHARACTERS - CUT.length) / 2;
  const head = text.slice(0, Math.floor(half)).replace(/[\uD800-\uDBFF]$/, "");
  return `${head}${CUT}${text.slice(-Math.floor(half)).replace(/^[\uDC00-\uDFFF]/, "")}`;
}

const CUT = "\n…\n";
