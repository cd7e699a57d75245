import { parseEventMessage } from "@stackyard/core/machine";
import { createEventId } from "../event-id.ts";
import type { NewEvent, PublishResult } from "../publisher.ts";

/** An event as an entry of a batch. */
export interface EventEntry {
  readonly kind: "ready";
  readonly eventId: string;
  readonly stackId: string;
  readonly body: string;
  readonly bytes: number;
}

type Refusal = Extract<PublishResult, { kind: "invalid" }>;

/**
 * The body of an event's message, with its id in it, or why there is none. What the yard would refuse at its door is refused
 * here.
 */
export function toEventEntry(event: NewEvent, maxBytes: number): EventEntry | Refusal {
  const message = { ...event, id: event.id ?? createEventId() };
  const parsed = parseEventMessage(message, { at: 0 });
  if (parsed.kind === "invalid") return { kind: "invalid", code: parsed.code, reason: parsed.reason };
  const body = toQueueText(message);
  // The text is ASCII where it had to be escaped; the rest counts as UTF-8.
  const bytes = new TextEncoder().encode(body).length;
  if (bytes > maxBytes) {
    const reason = `The event is ${bytes} bytes; ${maxBytes} fit into a message. Give large values as a file's address.`;
    return { kind: "invalid", code: "PAYLOAD_TOO_LARGE", reason };
  }
  const { id: eventId, stackId } = parsed.event;
  return { kind: "ready", eventId, stackId, body, bytes };
}

/** JSON without the characters that SQS, or an emulator of it, refuses; it reads back as it was. */
function toQueueText(message: NewEvent): string {
  return JSON.stringify(message).replace(UNSAFE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html, MessageBody.
const UNSAFE = /[\ud800-\udfff\ufffe\uffff]/g;
