import { isStackyardError, StackyardError } from "@stackyard/core";
import { sleep } from "./backoff.ts";
import { EventNotAppliedError } from "./event-not-applied-error.ts";
import type { HistoryEntry } from "./history-entry.ts";
import type { CallOptions, HttpClient } from "./http-client.ts";
import { loadPage } from "./load-page.ts";
import type { PublishedEvent } from "./publisher.ts";
import type { StackDetails } from "./stack.ts";
import { evaluateGoal, formatPlace, type GoalStatus, type WaitGoal } from "./wait-goal.ts";
import { followHistory, type WatchOptions } from "./watch-history.ts";

/** How long to wait. */
export interface WaitOptions {
  /** Default 10 min. Then `TIMED_OUT`. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** How to wait for a stack. */
export interface WaitForStateOptions extends WaitOptions {
  /** Called with the stack after each of its changes. */
  readonly onChange?: (stack: StackDetails) => void;
  /**
   * Give up (`OUTCOME_NEGATIVE`, with the cause) as soon as a task has failed for good, also where the machine handles
   * `FAILED`, or the stack can no longer get there by itself. Default false: somebody may retry or send an event.
   */
  readonly stopOnFailure?: boolean;
  /**
   * The event that the wait follows: it is waited for first (`EventNotAppliedError` when it comes to nothing), and only
   * failures since then count. Without it, what the first look finds must still hold two seconds later, because
   * an event may be on its way.
   */
  readonly after?: PublishedEvent | HistoryEntry;
}

/** How to wait for an event. */
export interface WaitForOutcomeOptions extends WaitOptions {
  /** Called when the stack refuses the event for the present. It is tried again by itself, so the wait goes on. */
  readonly onParked?: (entry: HistoryEntry) => void;
}

const DEFAULT_TIMEOUT_MS = 600_000;

/** What the first look of a wait without an event finds must hold for so long. */
const GRACE_MS = 2_000;

/** Resolves when the stack is in one of the states. A stack that is not there yet is waited for. */
export async function waitForState(
  http: HttpClient,
  input: { readonly stackId: string; readonly states: readonly string[] },
  options: WaitForStateOptions = {},
): Promise<StackDetails> {
  const { stackId, states } = input;
  const found = await waitForStack(http, { stackId, goal: { states } }, options);
  // Never so without that goal.
  if (found === "removed") throw negative(`Stack "${stackId}" is gone.`, { stackId });
  return found;
}

/** Resolves when there is no stack of that id (any more). */
export async function waitForRemoval(
  http: HttpClient,
  stackId: string,
  options: WaitForStateOptions = {},
): Promise<void> {
  await waitForStack(http, { stackId, goal: { removal: true } }, options);
}

/** Resolves with the stack in one of the states, or with `removed` where that is a goal too. */
export async function waitForStack(
  http: HttpClient,
  input: { readonly stackId: string; readonly goal: WaitGoal },
  options: WaitForStateOptions = {},
): Promise<StackDetails | "removed"> {
  const { stackId, goal } = input;
  const startedAt = Date.now();
  const after = await findApplied(http, options);
  if (after?.outcome === "removed" && goal.removal) return "removed";
  const timeoutMs = Math.max(1, (options.timeoutMs ?? DEFAULT_TIMEOUT_MS) - (Date.now() - startedAt));
  const seen: Seen = { first: undefined, after };
  const look = async (call: CallOptions): Promise<StackDetails | "removed" | undefined> => {
    const stack = await findStack(http, stackId, call);
    if (stack === undefined) return answerMissing(input, seen);
    options.onChange?.(stack);
    const isFirst = seen.first === undefined;
    seen.first ??= stack;
    const status = options.stopOnFailure ? evaluateGoal(stack, goal, seen) : evaluateState(stack, goal);
    const isNegative = status.kind === "failed" || status.kind === "unreachable";
    if (!isNegative || !isFirst || after !== undefined) return answer(status, stack);
    await sleep(GRACE_MS, call.signal ?? new AbortController().signal);
    return look(call);
  };
  return waitUntil(http, { stackId }, { ...options, timeoutMs }, `stack "${stackId}" was ${formatPlace(goal)}`, look);
}

/** What a wait has seen so far. */
interface Seen {
  first: StackDetails | undefined;
  readonly after: HistoryEntry | undefined;
}

function evaluateState({ state }: StackDetails, { states = [] }: WaitGoal): GoalStatus {
  return { kind: states.includes(state) ? "reached" : "open" };
}

function answer(status: GoalStatus, stack: StackDetails): StackDetails | undefined {
  if (status.kind === "reached") return stack;
  if (status.kind === "open") return undefined;
  const failure = status.kind === "failed" ? { failure: status.failure } : {};
  throw negative(status.message, { stackId: stack.id, state: stack.state, ...failure });
}

/** Where only its removal is waited for, a stack that is not there is gone; else it may be still to come. */
function answerMissing(
  { stackId, goal }: { readonly stackId: string; readonly goal: WaitGoal },
  { first, after }: Seen,
): "removed" | undefined {
  const wasThere = first !== undefined || after !== undefined || (goal.states ?? []).length === 0;
  if (!wasThere) return undefined;
  if (goal.removal) return "removed";
  throw negative(`Stack "${stackId}" is gone.`, { stackId });
}

/** The line of the event that a wait follows. */
async function findApplied(http: HttpClient, options: WaitForStateOptions): Promise<HistoryEntry | undefined> {
  const { after, timeoutMs, signal } = options;
  if (after === undefined || "outcome" in after) return after;
  const { eventId, stackId } = after;
  return waitForOutcome(
    http,
    { eventId, stackId },
    { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(signal && { signal }) },
  );
}

/**
 * Resolves with the line that says that the event was applied. Throws `EventNotAppliedError` when it was set aside,
 * refused or ignored.
 */
export async function waitForOutcome(
  http: HttpClient,
  { eventId, stackId }: PublishedEvent,
  options: WaitForOutcomeOptions = {},
): Promise<HistoryEntry> {
  let told = 0;
  return waitUntil(http, { stackId }, options, `event "${eventId}" was applied`, async (call) => {
    const query = { eventId, stackId, order: "oldest" };
    const page = await loadPage<HistoryEntry>(http, { path: ["v1", "history"], query, ...call });
    // A result or a timer may have the same id.
    const items = page.items.filter((line) => line.internal !== true);
    const done = items.find(({ outcome }) => outcome === "applied" || outcome === "removed");
    if (done !== undefined) return done;
    const last = items.at(-1);
    if (last !== undefined && last.outcome !== "parked") throw new EventNotAppliedError(last);
    if (last !== undefined && last.position > told) {
      told = last.position;
      options.onParked?.(last);
    }
    return undefined;
  });
}

/** Looks after every change until there is an answer. Each connection begins with a look, so no change is missed. */
async function waitUntil<Answer>(
  http: HttpClient,
  watch: WatchOptions,
  { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: WaitOptions,
  goal: string,
  look: (call: CallOptions) => Promise<Answer | undefined>,
): Promise<Answer> {
  const limit = AbortSignal.timeout(timeoutMs);
  const end = signal === undefined ? limit : AbortSignal.any([limit, signal]);
  for await (const _ of followHistory(http, { ...watch, signal: end })) {
    // A server that does not answer must not hold the wait beyond its end.
    const answer = await look({ signal: end }).catch((error: unknown) => {
      if (end.aborted && isStackyardError(error, "INTERRUPTED")) return undefined;
      throw error;
    });
    if (answer !== undefined) return answer;
    if (end.aborted) break;
  }
  if (signal?.aborted) throw new StackyardError("INTERRUPTED", `The wait was stopped before ${goal}.`);
  throw new StackyardError("TIMED_OUT", `${timeoutMs} ms were over before ${goal}.`);
}

async function findStack(http: HttpClient, stackId: string, call: CallOptions): Promise<StackDetails | undefined> {
  try {
    return await http.requestJson<StackDetails>({ path: ["v1", "stacks", stackId], ...call });
  } catch (error) {
    if (isStackyardError(error, "STACK_UNKNOWN")) return undefined;
    throw error;
  }
}

function negative(message: string, details: Readonly<Record<string, unknown>>): StackyardError {
  return new StackyardError("OUTCOME_NEGATIVE", message, { details });
}
