import { isObject, type JsonObject, parseJsonObject } from "./parse-json.ts";

/** A message of SQS as a function is given it. Raw delivery: the attributes are those of the topic's message. */
export interface MessageRecord {
  readonly body: string;
  readonly messageId?: string;
  readonly messageAttributes?: Readonly<Record<string, MessageAttribute>>;
}

/** A text attribute. */
export interface MessageAttribute {
  readonly stringValue?: string;
}

/** What a record says, once an envelope of SNS is taken off. */
export type OpenedRecord =
  | { readonly kind: "opened"; readonly body: JsonObject; readonly attributes: ReadonlyMap<string, string> }
  | { readonly kind: "refused"; readonly code: "MESSAGE_TOO_LARGE" | "MESSAGE_INVALID" | "WRONG_TOPIC" };

/** A topic takes messages of up to 256 KiB by default; ours stay within a quarter of that. */
const MAX_BYTES = 65_536;

/** Opens a record: its body, or the one inside of an envelope of the topic that is listened to. */
export function openRecord(record: MessageRecord, topicArn: string): OpenedRecord {
  // Whoever invokes the function by hand may leave it out, and the other messages of the batch are not to suffer.
  if (typeof record.body !== "string") return { kind: "refused", code: "MESSAGE_INVALID" };
  if (Buffer.byteLength(record.body) > MAX_BYTES) return { kind: "refused", code: "MESSAGE_TOO_LARGE" };
  const body = parseJsonObject(record.body);
  if (body === undefined) return { kind: "refused", code: "MESSAGE_INVALID" };
  const { Type: type, Message: inner, TopicArn, MessageAttributes } = body;
  if (type !== "Notification" || typeof inner !== "string") {
    return { kind: "opened", body, attributes: toRawAttributes(record.messageAttributes ?? {}) };
  }
  if (TopicArn !== topicArn) return { kind: "refused", code: "WRONG_TOPIC" };
  const message = parseJsonObject(inner);
  if (message === undefined) return { kind: "refused", code: "MESSAGE_INVALID" };
  return { kind: "opened", body: message, attributes: toEnvelopeAttributes(MessageAttributes) };
}

function toRawAttributes(attributes: Readonly<Record<string, MessageAttribute>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(attributes).map(([name, attribute]) => [name, attribute?.stringValue ?? ""]));
}

/** Source: Amazon SNS developer guide, "Parsing message formats": `{ "Type": "String", "Value": "…" }` by name. */
function toEnvelopeAttributes(attributes: unknown): ReadonlyMap<string, string> {
  if (!isObject(attributes)) return new Map();
  const entries = Object.entries(attributes).map(([name, attribute]) => {
    const value = isObject(attribute) ? attribute["Value"] : undefined;
    return [name, typeof value === "string" ? value : ""] as const;
  });
  return new Map(entries);
}
