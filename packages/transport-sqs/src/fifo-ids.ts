import { createHash } from "node:crypto";

/** True for the address or name of a FIFO queue or topic; they all end so. */
export function isFifo(nameOrUrl: string): boolean {
  return nameOrUrl.endsWith(".fifo");
}

/** The message group of a stack: its id, or where SQS takes that not, the id's SHA-256. */
export function toGroupId(stackId: string): string {
  return GROUP.test(stackId) ? stackId : hashOf([stackId]);
}

/** The same for the same event of the same stack, so that a repeat within five minutes is one message. */
export function toDeduplicationId(stackId: string, eventId: string): string {
  return hashOf([stackId, eventId]);
}

/** SHA-256 over parts that are told apart, in hex. */
export function hashOf(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\u0000")).digest("hex");
}

// 128 alphanumeric characters and punctuation:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html, `MessageGroupId`.
const GROUP = /^[A-Za-z0-9!"#$%&'()*+,./:;<=>?@[\\\]^_`{|}~-]{1,128}$/;
