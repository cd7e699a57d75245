import {
  defined,
  type EventContent,
  isSameContent,
  isStackyardError,
  StackyardError,
  toShellCommand,
} from "@stackyard/core";
import type { HistoryEntry, LastFailure, StackDetails } from "@stackyard/core/api";
import { EventNotAppliedError, type PublishedEvent } from "../publisher.ts";
import type { Stackyard } from "../stackyard.ts";
import type { WaitForOutcomeOptions, WaitForStateOptions } from "../waiting.ts";

/** The event that was published, the goal of the wait, and its time limit. */
export interface FollowEventOptions
  extends EventContent,
    Pick<WaitForOutcomeOptions, "onParked">,
    Pick<WaitForStateOptions, "onChange"> {
  /** States, or `removed`; reaching one of them ends the wait. Default: waits only for the event. */
  readonly until?: readonly string[] | undefined;
  /** The time limit of the whole wait, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** The outcome of an event. */
export interface FollowedEvent {
  /** The history line of its application. */
  readonly entry: HistoryEntry;
  /** With `until` only. */
  readonly stack?: StackDetails | "removed";
}

/**
 * Waits until a published event is applied, then until its stack reaches the goal; an event that the stack has handled
 * before (`EVENT_REPEATED`) counts as applied where there is a goal. Throws `EventNotAppliedError`,
 * `DUPLICATE` when the id was used for another event, `LEFT_BEHIND` with `details.failure` when a task has failed
 * permanently or the stack can no longer get there without help, `OUTCOME_NEGATIVE` when it was removed, and
 * `TIMED_OUT`.
 */
export async function followEvent(
  yard: Pick<Stackyard, "waitForOutcome" | "waitForStack">,
  published: PublishedEvent,
  options: FollowEventOptions,
): Promise<FollowedEvent> {
  const { until, timeoutMs } = options;
  const startedAt = Date.now();
  const entry = await waitForOutcome(yard, published, options).catch((error: unknown) => {
    // What the stack has done already is followed to where it is now: a job that is run again ends as the first one did.
    if (until !== undefined && error instanceof EventNotAppliedError && isRepetition(error.entry)) return error.entry;
    throw error;
  });
  requireSame(published, entry, options);
  if (until === undefined) return { entry };
  const left = Math.max(1, timeoutMs - (Date.now() - startedAt));
  return { entry, stack: await waitForStates(yard, entry, { ...options, until, timeoutMs: left }) };
}

function isRepetition({ outcome, code }: HistoryEntry): boolean {
  return outcome === "ignored" && code === "EVENT_REPEATED";
}

/**
 * Throws `DUPLICATE` when the line of an event's id is that of another event: a queue in front of the yard does not know earlier ids, and
 * the yard cannot compare an event that is not decided yet.
 */
export function requireSame({ eventId, stackId }: PublishedEvent, entry: HistoryEntry, content: EventContent): void {
  if (isSameContent(entry, content)) return;
  const { event, outcome, at } = entry;
  const message = `The id "${eventId}" was used before for another event: ${event} of "${stackId}" (${outcome}, ${at}).`;
  throw new StackyardError("DUPLICATE", message, { details: { hint: "Use a unique --id, or omit it." } });
}

async function waitForOutcome(
  yard: Pick<Stackyard, "waitForOutcome">,
  event: PublishedEvent,
  { timeoutMs, signal, onParked }: FollowEventOptions,
): Promise<HistoryEntry> {
  let parked: HistoryEntry | undefined;
  try {
    return await yard.waitForOutcome(event, {
      timeoutMs,
      signal,
      onParked(entry) {
        parked = entry;
        onParked?.(entry);
      },
    });
  } catch (error) {
    if (parked === undefined || !isStackyardError(error, "TIMED_OUT")) throw error;
    const why = [parked.code, parked.reason].filter((part) => part !== undefined).join(": ");
    const hint = `The event stays parked: \`${toShellCommand`stackyard stacks show ${event.stackId}`}\` shows when it is retried.`;
    const message = `Timed out: the event is still parked (${why}).`;
    throw new StackyardError("TIMED_OUT", message, { details: { hint }, cause: error });
  }
}

async function waitForStates(
  yard: Pick<Stackyard, "waitForStack">,
  entry: HistoryEntry,
  { until, timeoutMs, signal, onChange }: FollowEventOptions & { readonly until: readonly string[] },
): Promise<StackDetails | "removed"> {
  const { stackId } = entry;
  const states = until.filter((state) => state !== "removed");
  const goal = { states, removal: states.length < until.length };
  let last: StackDetails | undefined;
  try {
    return await yard.waitForStack(stackId, goal, {
      timeoutMs,
      signal,
      stopOnFailure: true,
      after: entry,
      onChange(stack) {
        last = stack;
        onChange?.(stack);
      },
    });
  } catch (error) {
    // A removed stack has left nothing behind.
    if (!isStackyardError(error, "OUTCOME_NEGATIVE") || error.details["state"] === undefined) throw error;
    const failure = error.details["failure"] === undefined ? undefined : last?.lastFailure;
    const details = { hint: toHint(stackId, last?.state, failure), ...defined({ failure }) };
    throw new StackyardError("LEFT_BEHIND", error.message, { details, cause: error });
  }
}

/** Formats a hint. Retrying helps only while the stack is in the state in which its task has failed. */
function toHint(stackId: string, state: string | undefined, failure: LastFailure | undefined): string {
  if (failure === undefined) return `\`${toShellCommand`stackyard stacks show ${stackId}`}\` shows what it waits for.`;
  const log = `\`${toShellCommand`stackyard stacks logs ${stackId} ${failure.task}`}\` shows its log`;
  if (failure.state !== state)
    return `${log}; \`${toShellCommand`stackyard stacks show ${stackId}`}\` shows what the stack waits for.`;
  return `${log}; \`${toShellCommand`stackyard stacks retry ${stackId}`}\` tries again.`;
}
