import type { IncomingMessage } from "../incoming-message.ts";

/** A message of the first delivery. */
export function anIncoming(body: string, overrides: Partial<IncomingMessage> = {}): IncomingMessage {
  return { messageId: "m-1", receiptHandle: "r-1", body, attributes: {}, deliveries: 1, ...overrides };
}
