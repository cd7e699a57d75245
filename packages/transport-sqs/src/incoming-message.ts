/** A message as a receive or a Lambda event brings it. */
export interface IncomingMessage {
  /** The same over all deliveries. */
  readonly messageId: string;
  /** Of this delivery. */
  readonly receiptHandle: string;
  readonly body: string;
  /** Text attributes by name. */
  readonly attributes: Readonly<Record<string, string>>;
  /** From 1. */
  readonly deliveries: number;
  /** When it was sent, epoch milliseconds. */
  readonly sentAt?: number;
  /** Of FIFO queues. */
  readonly groupId?: string;
}

/** What the SDK's `Message` and a record of a Lambda event have in common once their spelling is levelled. */
export interface RawMessage {
  readonly messageId: string | undefined;
  readonly receiptHandle: string | undefined;
  readonly body: string | undefined;
  readonly system: Readonly<Record<string, string | undefined>>;
  readonly attributes: Readonly<Record<string, string | undefined>>;
}

/** Reads numbers and leaves out what is not there. An emulator that counts no receives gives a first delivery. */
export function toIncomingMessage({ messageId, receiptHandle, body, system, attributes }: RawMessage): IncomingMessage {
  const sentAt = toCount(system["SentTimestamp"]);
  const groupId = system["MessageGroupId"];
  const texts = Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return {
    messageId: messageId ?? "",
    receiptHandle: receiptHandle ?? "",
    body: body ?? "",
    attributes: Object.fromEntries(texts),
    deliveries: toCount(system["ApproximateReceiveCount"]) ?? 1,
    ...(sentAt === undefined ? {} : { sentAt }),
    ...(groupId === undefined ? {} : { groupId }),
  };
}

function toCount(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9][0-9]{0,15}$/.test(text) ? Number(text) : undefined;
}
