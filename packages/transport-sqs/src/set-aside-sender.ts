import type { SetAsideEvent } from "@stackyard/core/engine";
import { REASON_ATTRIBUTE } from "./dead-letters.ts";
import { encodeEvent } from "./encode-event.ts";
import { createQueueSender, type QueueSenderInput } from "./queue-sender.ts";
import { toJsonText } from "./to-json-text.ts";

/** Where copies of events lie that the engine has given up. */
export interface SetAsideSender {
  /** Throws errors of the queue; the store has the events still. */
  send(events: readonly SetAsideEvent[]): Promise<void>;
}

/** A dead-letter queue that is sent to. */
export interface SetAsideSenderInput extends QueueSenderInput {
  /** As with `SqsTransportOptions`: results that were set aside are results when they are sent again. */
  readonly resultKey?: string | undefined;
}

/** As many characters as other dead letters have. */
const MAX_REASON_CHARACTERS = 1_024;

/**
 * Sends events that were set aside to a dead-letter queue, with the reason where `createDeadLetterQueue` finds it. Sent again
 * from there, an event keeps its id; so it does not matter if it is sent again from the store too.
 */
export function createSetAsideSender(input: SetAsideSenderInput): SetAsideSender {
  const sender = createQueueSender(input);
  return {
    async send(events) {
      const letters = events.map(({ id, event, code, reason, setAsideAt: at }) => {
        const message = encodeEvent(event, input.resultKey);
        const short = reason.slice(0, MAX_REASON_CHARACTERS);
        const note = { code, reason: short, at, deliveries: 1, messageId: event.id, source: "stackyard" };
        const attributes = { ...message.attributes, [REASON_ATTRIBUTE]: toJsonText(note) };
        return { ...message, attributes, deduplicationId: id };
      });
      await sender.send(letters);
    },
  };
}
