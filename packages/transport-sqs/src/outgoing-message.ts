/** A message on its way to a queue or a topic. */
export interface OutgoingMessage {
  readonly body: string;
  /** Text attributes by name. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Used by FIFO queues and topics only. */
  readonly groupId: string;
  /** Used by FIFO queues and topics only. */
  readonly deduplicationId: string;
  /** Its own delay instead of that of the sending; standard queues only. */
  readonly delayMs?: number;
}

/** What a message counts against the limits: its body and the names, types and values of its attributes, in UTF-8. */
export function byteSizeOf({ body, attributes }: Pick<OutgoingMessage, "body" | "attributes">): number {
  const sizes = Object.entries(attributes).map(([name, value]) => Buffer.byteLength(`${name}String${value}`));
  return sizes.reduce((sum, size) => sum + size, Buffer.byteLength(body));
}

/** Attributes as SQS and SNS take them. */
export function toTextAttributes(
  attributes: Readonly<Record<string, string>>,
): Record<string, { DataType: "String"; StringValue: string }> {
  const entries = Object.entries(attributes).map(([name, value]) => {
    return [name, { DataType: "String" as const, StringValue: value }] as const;
  });
  return Object.fromEntries(entries);
}
