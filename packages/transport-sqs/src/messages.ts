import { hash } from "node:crypto";
import { defined, isGroupId, isMap, parseJson } from "@stackyard/core";

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
// https://docs.aws.amazon.com/general/latest/gr/sns.html

/** The maximum size of a message, attributes included, or of one batch. A queue may have a lower limit. */
export const MAX_QUEUE_BYTES = 1_048_576;
/** As `MAX_QUEUE_BYTES`, for topics. */
export const MAX_TOPIC_BYTES = 262_144;
/** Attributes of one message. */
export const MAX_ATTRIBUTES = 10;
/** The longest delay of a message of a standard queue; messages of FIFO queues have no individual delay. */
export const MAX_DELAY_MS = 900_000;
/** From the receive on; extending does not begin it anew. */
export const MAX_VISIBILITY_MS = 43_200_000;
/** The longest wait of a receive. */
export const MAX_WAIT_MS = 20_000;

/** A message as a receive or a Lambda event brings it. */
export interface IncomingMessage {
  /** The same over all deliveries. */
  readonly messageId: string;
  /** The receipt handle of this delivery. */
  readonly receiptHandle: string;
  readonly body: string;
  /** Text attributes by name. */
  readonly attributes: Readonly<Record<string, string>>;
  /** From 1. */
  readonly deliveries: number;
  /** When it was sent, epoch milliseconds. */
  readonly sentAt?: number;
  /** The message group of a FIFO queue. */
  readonly groupId?: string;
  /** The principal that called SQS, according to SQS: `<role id>:<session>` of a role. Services have separate ids. */
  readonly senderId?: string;
}

/** The common fields of the SDK's `Message` and a record of a Lambda event, in one spelling. */
interface RawMessage {
  readonly messageId: string | undefined;
  readonly receiptHandle: string | undefined;
  readonly body: string | undefined;
  readonly system: Readonly<Record<string, string | undefined>>;
  readonly attributes: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads numbers and leaves out missing values. A message of an emulator that does not count receives counts as a first
 * delivery.
 */
export function toIncomingMessage({ messageId, receiptHandle, body, system, attributes }: RawMessage): IncomingMessage {
  return defined({
    messageId: messageId ?? "",
    receiptHandle: receiptHandle ?? "",
    body: body ?? "",
    attributes: withoutMissing(attributes),
    deliveries: toCount(system["ApproximateReceiveCount"]) ?? 1,
    sentAt: toCount(system["SentTimestamp"]),
    groupId: system["MessageGroupId"],
    senderId: system["SenderId"],
  });
}

/** Removes missing values, like `defined`, from a map. */
function withoutMissing(texts: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function toCount(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9][0-9]{0,15}$/.test(text) ? Number(text) : undefined;
}

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

/**
 * Returns the size that counts against the limits: the body and the names, types and values of attributes, in UTF-8.
 */
export function byteSizeOf({ body, attributes }: Pick<OutgoingMessage, "body" | "attributes">): number {
  const sizes = Object.entries(attributes).map(([name, value]) => Buffer.byteLength(`${name}String${value}`));
  return sizes.reduce((sum, size) => sum + size, Buffer.byteLength(body));
}

/** Converts attributes to those of SQS and SNS. Undefined without attributes. */
export function toTextAttributes(attributes: Readonly<Record<string, string>>) {
  const entries = Object.entries(attributes).map(([name, value]) => {
    return [name, { DataType: "String" as const, StringValue: value }] as const;
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** The data of an envelope about the message in it. */
interface Envelope {
  /** The id that the topic or the bus gave it: the same when they deliver it twice. */
  readonly id?: string;
  /** Text attributes that came through a topic without raw delivery. */
  readonly attributes: Readonly<Record<string, string>>;
  /** The text in a topic's envelope. */
  readonly message?: string;
}

const NONE: Envelope = { attributes: {} };

/**
 * Reads the outermost envelope of a body: the notification of an SNS topic
 * (https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html) or an event of EventBridge
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html). A body that has a `stackId`, or
 * is not JSON, has no envelope.
 */
export function readEnvelope(body: string): Envelope {
  const value = parseJson(body);
  if (!isMap(value) || Object.hasOwn(value, "stackId")) return NONE;
  const { Type: type, Message: message, MessageId, MessageAttributes, detail, id } = value;
  if (type === "Notification" && typeof message === "string") {
    return { ...toId(MessageId), attributes: readAttributes(MessageAttributes), message };
  }
  return typeof detail === "object" && detail !== null ? { ...toId(id), attributes: {} } : NONE;
}

/** Returns true for a body in the envelope of a topic or a bus, or one that looks like it. */
export function isEnveloped(body: string): boolean {
  return readEnvelope(body) !== NONE;
}

function toId(value: unknown): Pick<Envelope, "id"> {
  return typeof value === "string" && value !== "" && value.length <= 255 ? { id: value } : {};
}

function readAttributes(value: unknown): Readonly<Record<string, string>> {
  if (!isMap(value)) return {};
  const texts = Object.entries(value).flatMap(([name, attribute]) => {
    const text = isMap(attribute) && attribute["Type"] === "String" ? attribute["Value"] : undefined;
    return typeof text === "string" ? [[name, text] as const] : [];
  });
  return Object.fromEntries(texts);
}

/** Returns the message group of a stack: its id, or the id's SHA-256 if SQS does not accept the id. */
export function toGroupId(stackId: string): string {
  return isGroupId(stackId) ? stackId : hashOf([stackId]);
}

/** Returns the same id for the same event of the same stack, so that a repeat within five minutes is one message. */
export function toDeduplicationId(stackId: string, eventId: string): string {
  return hashOf([stackId, eventId]);
}

/** Returns the SHA-256 over delimited parts, in hex. */
export function hashOf(parts: readonly string[]): string {
  return hash("sha256", parts.join("\u0000"));
}

/** Trace context that travels with a message: W3C `traceparent`, and perhaps `tracestate`. */
export type TraceCarrier = Readonly<Record<string, string>>;

/** The port by which spans follow messages; an adapter of OpenTelemetry in the apps. */
export interface Tracing {
  /** Returns the trace context for a message that is sent now. */
  inject(): TraceCarrier;
  /** Works deliveries under what came along with them, in their order. */
  run<Result>(carriers: readonly TraceCarrier[], work: () => Promise<Result>): Promise<Result>;
}

/** Nothing follows messages. */
export const noTracing: Tracing = { inject: () => ({}), run: (_carriers, work) => work() };

/**
 * Returns the trace context in the attributes of a message; invalid texts are left out.
 * https://www.w3.org/TR/trace-context/
 */
export function findCarrier(attributes: Readonly<Record<string, string>>): TraceCarrier {
  const { traceparent, tracestate } = attributes;
  if (traceparent === undefined || !TRACEPARENT.test(traceparent)) return {};
  return tracestate !== undefined && TRACESTATE.test(tracestate) ? { traceparent, tracestate } : { traceparent };
}

/** Returns the present trace context as attributes. */
export function toTraceAttributes(tracing: Tracing): TraceCarrier {
  return findCarrier(tracing.inject());
}

// Printable characters only, as the standard has it: a queue refuses a message with others in an attribute, or an empty
// one.
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[\x20-\x7e]{0,200})?$/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;
