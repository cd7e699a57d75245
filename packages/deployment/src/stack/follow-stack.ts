import { type CloudFormationClient, paginateDescribeStackEvents } from "@aws-sdk/client-cloudformation";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { type Clock, StackyardError } from "@stackyard/core";
import { type ResourceEvent, toResourceEvent } from "./stack-event.ts";

/** How an operation is watched. */
export interface FollowDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called with each event once, oldest first. */
  readonly onEvent: (event: ResourceEvent) => void;
  /** Milliseconds until `TIMED_OUT`. */
  readonly timeoutMs: number;
}

const POLL_MS = 3_000;

/** The id of a stack's newest event; undefined: it has none. What comes after it belongs to what is begun now. */
export async function findLastEventId(client: CloudFormationClient, stackId: string): Promise<string | undefined> {
  const [newest] = await loadEventsAfter(client, stackId, undefined, 1);
  return newest?.id;
}

/**
 * Waits until an operation that was begun after the event `after` has ended, and gives its events, oldest first. A call that
 * fails in passing is made again. Throws `TIMED_OUT` and `INTERRUPTED`; CloudFormation goes on in both cases.
 */
export async function followStack(
  client: CloudFormationClient,
  { stackId, after }: { readonly stackId: string; readonly after: string | undefined },
  { clock, signal, onEvent, timeoutMs }: FollowDeps,
): Promise<readonly ResourceEvent[]> {
  const endsAt = clock.now() + timeoutMs;
  const all: ResourceEvent[] = [];
  for (;;) {
    const fresh = await loadFresh(client, stackId, all.at(-1)?.id ?? after);
    for (const event of fresh) onEvent(event);
    all.push(...fresh);
    const last = all.findLast(({ isStack }) => isStack);
    if (last !== undefined && !last.status.endsWith("_IN_PROGRESS")) return all;
    if (clock.now() >= endsAt) throw goesOn("TIMED_OUT", "The time is over before the stack is done.");
    await clock.sleep(POLL_MS, signal);
    if (signal.aborted) throw goesOn("INTERRUPTED", "Interrupted.");
  }
}

async function loadFresh(client: CloudFormationClient, stackId: string, after: string | undefined) {
  try {
    return (await loadEventsAfter(client, stackId, after)).toReversed();
  } catch (error) {
    if (findAwsFault(error).kind === "retryable") return [];
    throw toAwsError(error, "CloudFormation no longer says how the stack goes on; it does go on.");
  }
}

/** Newest first. */
async function loadEventsAfter(
  client: CloudFormationClient,
  stackId: string,
  after: string | undefined,
  most = Number.POSITIVE_INFINITY,
): Promise<readonly ResourceEvent[]> {
  const events: ResourceEvent[] = [];
  for await (const { StackEvents = [] } of paginateDescribeStackEvents({ client }, { StackName: stackId })) {
    for (const event of StackEvents.map(toResourceEvent)) {
      if (event.id === after || events.length >= most) return events;
      events.push(event);
    }
  }
  return events;
}

function goesOn(code: "TIMED_OUT" | "INTERRUPTED", message: string): StackyardError {
  const hint = "CloudFormation goes on with it; `stackyard apps ls` shows how it stands.";
  return new StackyardError(code, message, { details: { hint } });
}
