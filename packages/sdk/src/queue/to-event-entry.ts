import { createEventId } from "../event-id.ts";
import type { NewEvent, PublishResult } from "../publisher.ts";
import { findEventFault } from "./find-event-fault.ts";

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
  const fault = findEventFault(event);
  if (fault !== undefined) return fault;
  const { stackId } = event;
  const eventId = event.id ?? createEventId();
  const body = findQueueText({ ...event, id: eventId });
  if (body === undefined)
    return { kind: "invalid", code: "EVENT_INVALID", reason: "The metadata is nothing that JSON can hold." };
  // The text is ASCII where it had to be escaped; the rest counts as UTF-8.
  const bytes = new TextEncoder().encode(body).length;
  if (bytes > maxBytes) {
    const reason = `The event is ${bytes} bytes; ${maxBytes} fit into a message. Give large values as a file's address.`;
    return { kind: "invalid", code: "PAYLOAD_TOO_LARGE", reason };
  }
  return { kind: "ready", eventId, stackId, body, bytes };
}

/** JSON without the characters that SQS, or an emulator of it, refuses; it reads back as it was. */
function findQueueText(message: NewEvent): string | undefined {
  try {
    return JSON.stringify(message).replace(UNSAFE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  } catch {
    return undefined;
  }
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html, MessageBody.
const UNSAFE = /[\ud800-\udfff\ufffe\uffff]/g;
