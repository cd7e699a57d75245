import { createHash } from "node:crypto";
import type { EventEntry } from "./to-event-entry.ts";

/** What FIFO queues and topics ask for: the stack keeps its order, and a repeat within five minutes is one message. */
export interface FifoIds {
  readonly MessageGroupId: string;
  readonly MessageDeduplicationId: string;
}

/** True for the address or ARN of a FIFO queue or topic. */
export function isFifo(name: string): boolean {
  return name.endsWith(".fifo");
}

/** The same ids as the yard's own transport gives, so that events from both keep one order. */
export function toFifoIds({ stackId, eventId }: Pick<EventEntry, "stackId" | "eventId">): FifoIds {
  return {
    MessageGroupId: GROUP.test(stackId) ? stackId : hashOf([stackId]),
    MessageDeduplicationId: hashOf([stackId, eventId]),
  };
}

function hashOf(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\u0000")).digest("hex");
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html, MessageGroupId.
const GROUP = /^[A-Za-z0-9!"#$%&'()*+,./:;<=>?@[\\\]^_`{|}~-]{1,128}$/;
