import { toBroughtCommit } from "../machine/commit.ts";
import { listHeldSecrets, maskText } from "../machine/decide/stack-secrets.ts";
import { toEventKey, toEventName } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import type { Change, HistoryEntry, LoadedStack, ParkedEvent, QueuedEvent } from "../ports/stack-store.ts";
import { listHiddenValues } from "./history-line.ts";

/** A parked event of the yard: event ids are unique within their stack only. */
export interface ParkedName {
  readonly stackId: string;
  /** As `toEventKey` returns it. */
  readonly key: string;
}

/** Returns the id of a parked event in lists and operations: the stack and the event, each encoded as in a URL. */
export function toParkedId(event: Pick<QueuedEvent, "stackId" | "origin" | "id">): string {
  return `${encode(event.stackId)}/${encode(toEventKey(event))}`;
}

// Unpaired surrogates cannot be encoded.
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** Parses an id of `toParkedId`; undefined for other texts. */
export function parseParkedId(id: string): ParkedName | undefined {
  const [stackId = "", key = "", ...more] = id.split("/");
  if (key === "" || more.length > 0) return undefined;
  try {
    return { stackId: decodeURIComponent(stackId), key: decodeURIComponent(key) };
  } catch {
    return undefined;
  }
}

/** Who withdraws parked events, when and why. */
export interface WithdrawInput {
  readonly by: string;
  readonly reason: string;
  readonly now: number;
}

/** The code of the history line of an event that was withdrawn. */
export const WITHDRAWN = "EVENT_WITHDRAWN";

/**
 * Returns the change that ends parked events without applying them. Their ids count as used, so an engine that applies one
 * of them at the same time is refused (`duplicate`), and so is this change after it.
 */
export function toWithdrawal(loaded: LoadedStack, events: readonly ParkedEvent[], input: WithdrawInput): Change {
  const keys = events.map(({ event }) => toEventKey(event));
  return {
    stackId: loaded.stackId,
    expectedVersion: loaded.version,
    write: { kind: "keep" },
    appliedIds: keys,
    park: [],
    unpark: keys,
    deadLetters: [],
    history: events.map((parked) => toLine(loaded, parked, input)),
    dispatches: [],
    cancels: [],
    endedAttempts: [],
    receipts: [],
    now: input.now,
  };
}

function toLine(
  { stackId, stack }: LoadedStack,
  { event, masked }: ParkedEvent,
  { by, reason, now }: WithdrawInput,
): HistoryEntry {
  const secrets = [...listHiddenValues(event.message, masked), ...(stack === undefined ? [] : listHeldSecrets(stack))];
  return {
    stackId,
    at: now,
    eventId: event.id,
    event: toEventName(event.message) ?? "",
    outcome: "refused",
    code: WITHDRAWN,
    reason: maskText(secrets, reason),
    sent: [],
    notes: [`Withdrawn by ${by}.`],
    ...defined({
      internal: event.origin === "external" ? undefined : (true as const),
      actor: event.actor,
      incarnation: stack?.incarnation,
      from: stack?.state,
      to: stack?.state,
      commit: toBroughtCommit(event.message["commit"]),
    }),
  };
}
