import { parseEventMessage } from "../machine/message/parse-event-message.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import type { WorkQueue } from "../ports/work-queue.ts";

/** What became of a message at the door. */
export type PublishResult =
  | { readonly kind: "accepted"; readonly eventId: string; readonly stackId: string }
  | { readonly kind: "invalid"; readonly code: "EVENT_INVALID" | "EVENT_RESERVED"; readonly reason: string };

/** What the door knows about messages. */
export interface PublishOptions {
  /** Who sends them. */
  readonly actor?: string;
  /** Lets `NEXT` in, for an engine that does too. Default: false. */
  readonly allowExternalNext?: boolean;
}

/** Parses event messages and queues those that are well formed, in one commit. Results in the order of the messages. */
export async function publishMessages(
  deps: { readonly store: Pick<WorkQueue, "enqueue">; readonly clock: Clock; readonly ids: Ids },
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
  if (events.length > 0) await deps.store.enqueue(events);
  return results;
}
