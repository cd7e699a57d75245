import { createMaskText, listHeldSecrets, type MaskText } from "../../machine/decide/metadata.ts";
import { findReachable, findReachableOnSuccess, type Reachable } from "../../machine/graph/find-reachable.ts";
import type { Machine } from "../../machine/machine.ts";
import type { LastFailure, Stack, TaskState } from "../../machine/stack.ts";
import type { AttemptView } from "../../ports/attempt-store.ts";
import type { ParkedEvent } from "../../ports/stack-store.ts";
import type { YardProcess } from "../process-registry.ts";
import { explainTask, findNewestAttempt } from "./explain-task.ts";
import { findEventName, summarise } from "./summarise.ts";
import type { Wait } from "./wait.ts";

/** A task with the reason why it is not done. */
export interface ExplainedTask extends TaskState {
  /** One sentence, perhaps with that of the task that it waits for. */
  readonly why: string;
  /** Absent when it waits for nothing. */
  readonly waitsFor?: Wait;
  /** The newest attempt of the present entry. */
  readonly attempt?: AttemptView;
}

/** A failure, with what the stack could have become by itself had the task succeeded; absent where no machine is known. */
export interface ExplainedFailure extends LastFailure {
  readonly missed?: Reachable;
}

/** What a stack waits for, in words and as programs read it. */
export interface Explanation {
  readonly summary: string;
  readonly waitsFor?: Wait;
  readonly tasks: readonly ExplainedTask[];
  /** All that were given, as they may be shown. */
  readonly attempts: readonly AttemptView[];
  /** What the stack can still become without an event from outside; absent where no machine is known. */
  readonly reachable?: Reachable;
  readonly lastFailure?: ExplainedFailure;
}

/** What is known about a stack. The more, the more is said. */
export interface ExplainInput {
  readonly stack: Stack;
  readonly attempts: readonly AttemptView[];
  readonly parked: readonly ParkedEvent[];
  /** That the stack's next event is decided on. */
  readonly machine?: Machine | undefined;
  /** The live processes of the yard. */
  readonly workers?: readonly YardProcess[] | undefined;
}

/**
 * Says of a stack and each of its tasks what it waits for, and for whom. Nothing of it quotes a sensitive value of the
 * stack. A task whose attempt waits for an exclusive key is QUEUED, which only its attempt knows.
 */
export function explainStack(input: ExplainInput, now: number): Explanation {
  const { stack } = input;
  const mask = createMaskText(listHeldSecrets(stack));
  const attempts = input.attempts.map((attempt) => toShown(attempt, mask));
  const tasks = stack.tasks.map((task) => toExplained({ ...input, attempts, now }, task, mask));
  const { why, waitsFor } = summarise({ ...input, attempts, now, tasks });
  return {
    summary: mask(why),
    ...(waitsFor && { waitsFor }),
    tasks,
    attempts,
    ...explainOutlook(input, mask),
  };
}

function explainOutlook(
  { stack, machine, parked }: ExplainInput,
  mask: MaskText,
): Pick<Explanation, "reachable" | "lastFailure"> {
  const names = parked.map(findEventName).filter((name) => name !== undefined);
  const reachable = machine && findReachable(machine, stack, names);
  return { ...(reachable && { reachable }), ...explainLastFailure(stack, machine, mask) };
}

function explainLastFailure(
  { lastFailure }: Stack,
  machine: Machine | undefined,
  mask: MaskText,
): Pick<Explanation, "lastFailure"> {
  if (lastFailure === undefined) return {};
  const { message } = lastFailure;
  const missed = machine && findReachableOnSuccess(machine, lastFailure.state);
  const shown = { ...lastFailure, ...(message !== undefined && { message: mask(message) }) };
  return { lastFailure: { ...shown, ...(missed && { missed }) } };
}

/** Its worker has masked what it was given itself, and no more. */
function toShown(attempt: AttemptView, mask: MaskText): AttemptView {
  const { progressMessage } = attempt;
  return progressMessage === undefined ? attempt : { ...attempt, progressMessage: mask(progressMessage) };
}

function toExplained(facts: ExplainInput & { readonly now: number }, task: TaskState, mask: MaskText): ExplainedTask {
  const attempt = findNewestAttempt(facts, task.name);
  const { why, waitsFor } = explainTask(facts, task);
  const isQueued = task.detail === "RUNNING" && attempt?.status === "queued";
  return {
    ...task,
    ...(isQueued && { detail: "QUEUED" }),
    ...(task.errorMessage !== undefined && { errorMessage: mask(task.errorMessage) }),
    why: mask(why),
    ...(waitsFor && { waitsFor }),
    ...(attempt && { attempt }),
  };
}
