import { isStackyardError, StackyardError } from "@stackyard/core";
import { EventNotAppliedError } from "./event-not-applied-error.ts";
import type { HistoryEntry, Page } from "./history-entry.ts";
import type { CallOptions, HttpClient } from "./http-client.ts";
import type { PublishedEvent } from "./publisher.ts";
import type { StackDetails } from "./stack.ts";
import { followHistory, type WatchOptions } from "./watch-history.ts";

/** How long to wait. */
export interface WaitOptions {
  /** Default 10 min. Then `TIMED_OUT`. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** How to wait for states. */
export interface WaitForStateOptions extends WaitOptions {
  /** Called with the stack after each of its changes. */
  readonly onChange?: (stack: StackDetails) => void;
  /** Give up (`OUTCOME_NEGATIVE`) when a task has failed or the stack is stalled. Default false: somebody may retry. */
  readonly stopOnFailure?: boolean;
}

/** How to wait for an event. */
export interface WaitForOutcomeOptions extends WaitOptions {
  /** Called when the stack refuses the event for the present. It is tried again by itself, so the wait goes on. */
  readonly onParked?: (entry: HistoryEntry) => void;
}

const DEFAULT_TIMEOUT_MS = 600_000;

/** Resolves when the stack is in one of the states. A stack that is not there yet is waited for. */
export async function waitForState(
  http: HttpClient,
  input: { readonly stackId: string; readonly states: readonly string[] },
  options: WaitForStateOptions = {},
): Promise<StackDetails> {
  const { stackId, states } = input;
  let seen = false;
  return waitUntil(http, { stackId }, options, `stack "${stackId}" was in ${states.join(" or ")}`, async (call) => {
    const stack = await findStack(http, stackId, call);
    if (stack === undefined) {
      if (seen) throw negative(`Stack "${stackId}" is gone.`, { stackId });
      return undefined;
    }
    seen = true;
    options.onChange?.(stack);
    if (states.includes(stack.state)) return stack;
    if (options.stopOnFailure && hasFailed(stack)) {
      throw negative(`Stack "${stackId}" is in ${stack.state}. ${stack.summary}`, { stackId, state: stack.state });
    }
    return undefined;
  });
}

/** Resolves when there is no stack of that id (any more). */
export async function waitForRemoval(http: HttpClient, stackId: string, options: WaitOptions = {}): Promise<void> {
  await waitUntil(http, { stackId }, options, `stack "${stackId}" was removed`, async (call) =>
    (await findStack(http, stackId, call)) === undefined ? true : undefined,
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
    const path = ["v1", "events", eventId, "history"];
    const { items } = await http.requestJson<Page<HistoryEntry>>({ path, ...call });
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

function hasFailed({ failed, stalled, tasks }: StackDetails): boolean {
  return failed === true || stalled !== undefined || tasks.some(({ status }) => status === "ERROR");
}

function negative(message: string, details: Readonly<Record<string, unknown>>): StackyardError {
  return new StackyardError("OUTCOME_NEGATIVE", message, { details });
}
