import type { HistoryEntry } from "./history-entry.ts";
import type { LastFailure, StackDetails } from "./stack.ts";

/** What a stack is waited for: one of these states, its removal, or whichever comes first. */
export interface WaitGoal {
  readonly states?: readonly string[];
  /** Default false. */
  readonly removal?: boolean;
}

/** What a look at a stack says about a goal. */
export type GoalStatus =
  | { readonly kind: "reached" }
  /** The stack may still get there by itself. */
  | { readonly kind: "open" }
  | { readonly kind: "failed"; readonly message: string; readonly failure: LastFailure }
  | { readonly kind: "unreachable"; readonly message: string };

/** What is known of the time before the look: the event that the wait follows, or the stack as it was first seen. */
export interface GoalContext {
  readonly after: HistoryEntry | undefined;
  readonly first: StackDetails | undefined;
}

/**
 * Evaluates a goal. A task that has failed for good since the event ends the wait for everything that its success could
 * have led to, even if the machine handles `FAILED` and gets there in another way; what only that failure leads to may
 * still come.
 */
export function evaluateGoal(stack: StackDetails, goal: WaitGoal, context: GoalContext): GoalStatus {
  const failure = findCounted(stack, context);
  const { states = [], removal = false } = goal;
  const isMissed = (state: string) => state !== failure?.state && failure?.missed?.states.includes(state) === true;
  if (states.includes(stack.state) && !isMissed(stack.state)) return { kind: "reached" };
  const { reachable } = stack;
  const isOpen =
    reachable === undefined || (failure !== undefined && failure.missed === undefined)
      ? failure === undefined && !isInTrouble(stack)
      : states.some((state) => reachable.states.includes(state) && !isMissed(state)) ||
        (removal && reachable.removal && failure?.missed?.removal !== true);
  if (isOpen) return { kind: "open" };
  if (failure !== undefined) return { kind: "failed", message: formatFailed(stack, goal, failure), failure };
  return { kind: "unreachable", message: formatUnreachable(stack, goal) };
}

/** A goal in words that go on after "is", such as `in LIVE or removed`. */
export function formatPlace({ states = [], removal = false }: WaitGoal): string {
  return [...states.map((state) => `in ${state}`), ...(removal ? ["removed"] : [])].join(" or ");
}

function findCounted({ lastFailure, entry }: StackDetails, { after, first }: GoalContext) {
  if (lastFailure === undefined || lastFailure.resolvedAt !== undefined) return undefined;
  if (after !== undefined) return Date.parse(lastFailure.at) >= Date.parse(after.at) ? lastFailure : undefined;
  const isNew = lastFailure.at !== first?.lastFailure?.at || lastFailure.task !== first.lastFailure.task;
  return isNew || lastFailure.entry === entry ? lastFailure : undefined;
}

function isInTrouble({ failed, stalled, tasks }: StackDetails): boolean {
  return failed === true || stalled !== undefined || tasks.some(({ status }) => status === "ERROR");
}

function formatFailed({ id, state }: StackDetails, goal: WaitGoal, failure: LastFailure): string {
  const place = state === failure.state ? `It is still in ${state}` : `It is in ${state} now`;
  return `Stack "${id}" will not be ${formatPlace(goal)}: ${formatFailure(failure)} ${place}.`;
}

function formatUnreachable({ id, state, summary, lastFailure }: StackDetails, goal: WaitGoal): string {
  const last = lastFailure?.resolvedAt === undefined ? lastFailure : undefined;
  const cause = last === undefined ? "" : ` Last failure: ${formatFailure(last)}`;
  return `Stack "${id}" will not be ${formatPlace(goal)} by itself: it is in ${state}. ${summary}${cause}`;
}

const MOST_CHARACTERS = 500;

function formatFailure({ task, state, code, message }: LastFailure): string {
  const text = (message ?? "").replace(/\s+/g, " ").trim();
  const half = MOST_CHARACTERS / 2;
  // Some tools name the fault first, others print it last.
  const shown = text.length > MOST_CHARACTERS ? `${text.slice(0, half)} … ${text.slice(-half)}` : text;
  const why = [code, shown].filter((part) => part !== undefined && part !== "").join(": ");
  const sentence = `task "${task}" failed in ${state}${why === "" ? "" : ` (${why})`}`;
  return `${sentence}.`;
}
