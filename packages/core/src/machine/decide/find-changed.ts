import { attemptIdOf } from "../attempt-id.ts";
import type { StackEvent } from "../event-message.ts";
import type { Stack } from "../stack.ts";
import { type Rejected, reject } from "./decision.ts";
import { attemptsOf } from "./runs.ts";

/**
 * Returns why an operator's event is not about what is there now: the operator decided on what they saw, and something else has
 * its name since.
 */
export function findChanged(stack: Stack, { seen, task }: Pick<StackEvent, "seen" | "task">): Rejected | undefined {
  if (seen === undefined) return undefined;
  const found =
    findNewStack(stack, seen.incarnation) ??
    findNewEntry(stack, seen.entry) ??
    findNewAttempt(stack, task?.name, seen.attempt) ??
    findNewFailure(stack, seen.failedAt);
  return found === undefined ? undefined : reject("STACK_CHANGED", `${found} Look at the stack again.`);
}

function findNewStack({ incarnation, id }: Stack, seen: string | undefined): string | undefined {
  if (seen === undefined || seen === incarnation) return undefined;
  return `The stack "${id}" that was seen is removed, and another one has its name.`;
}

function findNewEntry({ entry, state }: Stack, seen: number | undefined): string | undefined {
  return seen === undefined || seen === entry ? undefined : `"${state}" was entered after what was seen.`;
}

function findNewAttempt(stack: Stack, task: string | undefined, seen: string | undefined): string | undefined {
  if (seen === undefined || task === undefined) return undefined;
  const { id: stackId, incarnation, entry } = stack;
  const attempt = attemptsOf(stack, task);
  if (seen === attemptIdOf({ stackId, incarnation, entry, task, attempt })) return undefined;
  return `The newest attempt of "${task}" is ${attempt === 0 ? "none" : `number ${attempt} of this entry`} now, not the one that was seen.`;
}

function findNewFailure({ lastFailure }: Stack, seen: string | undefined): string | undefined {
  if (seen === undefined || lastFailure?.at === Date.parse(seen)) return undefined;
  if (lastFailure === undefined) return "The failure that was seen is not there any more.";
  const { task, state } = lastFailure;
  return `Another failure came after the one that was seen: "${task}" in "${state}".`;
}
