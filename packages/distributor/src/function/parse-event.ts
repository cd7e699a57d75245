import { isRequestOp } from "../calls/distributor-request-schema.ts";
import { toVersionId } from "../publish/version-id.ts";

/** An object that somebody has written. */
export interface WrittenObject {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
}

const CONSUMER = "stackyard.consumer";

/** An event of a consumer, with the account that EventBridge has stamped on it. */
export interface StampedEvent {
  readonly source: typeof CONSUMER;
  readonly account: string;
  readonly "detail-type": string;
  readonly detail: unknown;
  readonly time: unknown;
}

/** What reaches the function. */
export type DistributorEvent =
  /** `faulty`: so many more were written that cannot be told from what has come. */
  | { readonly kind: "objects"; readonly objects: readonly WrittenObject[]; readonly faulty: number }
  | { readonly kind: "consumer"; readonly event: StampedEvent }
  | { readonly kind: "schedule" }
  | { readonly kind: "set"; readonly task: unknown }
  | { readonly kind: "call"; readonly request: unknown }
  /** Of a queue: what is done of it is told one by one. */
  | { readonly kind: "messages"; readonly messages: readonly QueueMessage[] }
  /** Of a topic. */
  | { readonly kind: "notifications"; readonly bodies: readonly string[] }
  /** S3 sends it when a notification is set up, and for what happens to objects beside their writing. */
  | { readonly kind: "nothing" }
  | { readonly kind: "unknown" };

/** A message of a queue. */
export interface QueueMessage {
  readonly id: string;
  readonly body: string;
}

type Fields = Readonly<Record<string, unknown>>;

const UNKNOWN = { kind: "unknown" } as const;
const CREATED = /^(s3:)?ObjectCreated:/;
/** Rules of EventBridge, and EventBridge Scheduler. */
const SCHEDULERS: ReadonlySet<unknown> = new Set(["aws.events", "aws.scheduler"]);

/**
 * Tells events apart by their shape. Sources: S3 user guide, "EventBridge event message structure" and "Event message structure"; Lambda
 * developer guide, "Using Lambda with Amazon SQS" and "… with Amazon SNS".
 */
export function parseEvent(event: unknown): DistributorEvent {
  if (!isFields(event)) return UNKNOWN;
  if (Array.isArray(event["Records"])) return parseRecords(event["Records"]);
  if (typeof event["detail-type"] === "string") return parseBusEvent(event, event["detail-type"]);
  if (event["op"] === "schedule") return { kind: "schedule" };
  if (event["op"] === "initial-set") return { kind: "set", task: event };
  if (event["Event"] === "s3:TestEvent") return { kind: "nothing" };
  // What asks for something unknown is answered, so that whoever asked sees it.
  return isRequestOp(event["op"]) || "op" in event ? { kind: "call", request: event } : UNKNOWN;
}

function parseBusEvent(event: Fields, type: string): DistributorEvent {
  const { source, account, detail, time } = event;
  if (SCHEDULERS.has(source) && type === "Scheduled Event") return { kind: "schedule" };
  if (source === CONSUMER && typeof account === "string") {
    return { kind: "consumer", event: { source, account, "detail-type": type, detail, time } };
  }
  if (source !== "aws.s3") return UNKNOWN;
  if (type !== "Object Created") return { kind: "nothing" };
  const object = toObject(detail, "version-id");
  return object === undefined ? UNKNOWN : { kind: "objects", objects: [object], faulty: 0 };
}

function parseRecords(records: readonly unknown[]): DistributorEvent {
  const fields = records.filter(isFields);
  if (fields.length === 0) return UNKNOWN;
  if (fields.every((record) => record["eventSource"] === "aws:s3")) return parseWritten(fields, records.length);
  if (fields.length !== records.length) return UNKNOWN;
  if (fields.every((record) => record["eventSource"] === "aws:sqs")) return parseMessages(fields);
  return fields.every((record) => record["EventSource"] === "aws:sns") ? parseNotifications(fields) : UNKNOWN;
}

/** One record that cannot be read must not lose the others. */
function parseWritten(records: readonly Fields[], count: number): DistributorEvent {
  const others = records.filter(({ eventName }) => typeof eventName === "string" && !CREATED.test(eventName));
  const created = records.filter(({ eventName }) => typeof eventName === "string" && CREATED.test(eventName));
  const objects = created.flatMap((record) => toNotifiedObject(record) ?? []);
  return { kind: "objects", objects, faulty: count - others.length - objects.length };
}

function parseMessages(records: readonly Fields[]): DistributorEvent {
  const messages = records.flatMap(({ messageId, body }) =>
    typeof messageId === "string" && typeof body === "string" ? [{ id: messageId, body }] : [],
  );
  return messages.length < records.length ? UNKNOWN : { kind: "messages", messages };
}

function parseNotifications(records: readonly Fields[]): DistributorEvent {
  const bodies = records.flatMap(({ Sns }) =>
    isFields(Sns) && typeof Sns["Message"] === "string" ? [Sns["Message"]] : [],
  );
  return bodies.length < records.length ? UNKNOWN : { kind: "notifications", bodies };
}

/** Notifications have keys as forms have them: encoded, and a plus for a space. */
function toNotifiedObject(record: Fields): WrittenObject | undefined {
  const object = toObject(record["s3"], "versionId");
  if (object === undefined) return undefined;
  try {
    return { ...object, key: decodeURIComponent(object.key.replaceAll("+", " ")) };
  } catch {
    return undefined;
  }
}

function toObject(detail: unknown, versionField: string): WrittenObject | undefined {
  if (!isFields(detail)) return undefined;
  const { bucket, object } = detail;
  if (!isFields(bucket) || !isFields(object)) return undefined;
  const { name } = bucket;
  const { key, [versionField]: said } = object;
  if (typeof name !== "string" || typeof key !== "string" || key === "") return undefined;
  const versionId = toVersionId(said);
  return { bucket: name, key, ...(versionId === undefined ? {} : { versionId }) };
}

/** What a message holds: an event, in an envelope of SNS where raw delivery is switched off. */
export function parseBody(body: string): DistributorEvent {
  const value = parseJson(body);
  const isEnvelope = isFields(value) && value["Type"] === "Notification" && typeof value["Message"] === "string";
  return parseEvent(isEnvelope ? parseJson(String(value["Message"])) : value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
