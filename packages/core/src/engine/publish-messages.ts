import { parseEventMessage } from "../machine/event-message.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Outcome, QueuedEvent } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";

/** What became of a message at the door. */
export type PublishResult =
  | { readonly kind: "accepted"; readonly eventId: string; readonly stackId: string }
  | DuplicateResult
  | { readonly kind: "invalid"; readonly code: "EVENT_INVALID" | "EVENT_RESERVED"; readonly reason: string };

/** The id was used before for an event of the same stack: nothing was queued. */
export interface DuplicateResult {
  readonly kind: "duplicate";
  readonly code: "DUPLICATE";
  readonly eventId: string;
  readonly stackId: string;
  readonly reason: string;
  /** What the id was used for. Absent: that event is not decided yet, or its history is pruned. */
  readonly usedFor?: EventUse;
}

/** An event that was decided, and what became of it in the end. */
export interface EventUse {
  readonly event: string;
  readonly outcome: Outcome;
  /** When it was last decided. */
  readonly at: number;
}

/** What the door knows about messages. */
export interface PublishOptions {
  /** Who sends them. */
  readonly actor?: string;
  /** Lets `NEXT` in, for an engine that does too. Default: false. */
  readonly allowExternalNext?: boolean;
}

/**
 * Parses event messages and queues those that are well formed, in one commit. Results in the order of the messages. An id
 * that its stack knows is reported with what it was used for, as far as the store knows the ids.
 */
export async function publishMessages(
  deps: { readonly store: Pick<Store, "enqueue" | "queries">; readonly clock: Clock; readonly ids: Ids },
  messages: readonly unknown[],
  { actor, allowExternalNext = false }: PublishOptions = {},
): Promise<readonly PublishResult[]> {
  const events: QueuedEvent[] = [];
  const at = deps.clock.now();
  const results = messages.map((message): PublishResult => {
    const parsed = parseEventMessage(message, { messageId: deps.ids.next(), at, allowExternalNext });
    if (parsed.kind === "invalid") return { kind: "invalid", code: parsed.code, reason: parsed.reason };
    const { id, stackId, message: body = {} } = parsed.event;
    events.push({
      id,
      stackId,
      origin: "external",
      receivedAt: at,
      message: body,
      ...(actor === undefined ? {} : { actor }),
    });
    return { kind: "accepted", eventId: id, stackId };
  });
  const added = events.length === 0 ? [] : await deps.store.enqueue(events);
  let next = 0;
  return Promise.all(
    results.map((result) => {
      if (result.kind !== "accepted" || added[next++] !== false) return result;
      return toDuplicate(deps.store, result);
    }),
  );
}

// An event has few lines: when it was parked, and what became of it in the end.
const LINES = 16;

async function toDuplicate(
  store: Pick<Store, "queries">,
  { eventId, stackId }: Extract<PublishResult, { kind: "accepted" }>,
): Promise<DuplicateResult> {
  const { items } = await store.queries.listHistory({ stackId, eventId, newestFirst: true }, { limit: LINES });
  const duplicate = { kind: "duplicate", code: "DUPLICATE", eventId, stackId } as const;
  // A result or a timer may have the same id.
  const last = items.find(({ internal }) => internal !== true);
  if (last === undefined) {
    const reason = `The id "${eventId}" was used before for an event of "${stackId}". It is not decided yet, or its history is pruned.`;
    return { ...duplicate, reason };
  }
  const { event, outcome, at } = last;
  const reason = `The id "${eventId}" was used before for ${event} of "${stackId}" (${outcome}, ${new Date(at).toISOString()}). Nothing was sent again.`;
  return { ...duplicate, reason, usedFor: { event, outcome, at } };
}
