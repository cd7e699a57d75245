import { defined, isMap, parseJson } from "@stackyard/core";
import {
  ARTIFACT_NAME,
  ARTIFACT_VERSION,
  type ConsumerPlace,
  type DistributorRequest,
  ReceivedReceipt,
} from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import type { TLocalizedValidationError } from "typebox/error";
import { AccountId, createParser, Instant, Region, Sha256 } from "./records.ts";

/** One version of an object of the bucket. */
export interface WrittenObject {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
}

const CONSUMER = "stackyard.consumer";

/** An event of a consumer, with the account that EventBridge has set. */
export interface StampedEvent {
  readonly source: typeof CONSUMER;
  readonly account: string;
  readonly "detail-type": string;
  readonly detail: unknown;
  /** The instant of sending, in whole seconds. */
  readonly time?: unknown;
}

/** An event of the function. */
export type DistributorEvent =
  /** `faulty`: number of records that could not be read. */
  | { readonly kind: "objects"; readonly objects: readonly WrittenObject[]; readonly faulty: number }
  | { readonly kind: "consumer"; readonly event: StampedEvent }
  | { readonly kind: "schedule" }
  | { readonly kind: "set"; readonly task: unknown }
  | { readonly kind: "call"; readonly request: unknown }
  /** From a queue: failures are reported per message. */
  | { readonly kind: "messages"; readonly messages: readonly QueueMessage[] }
  /** From a topic. */
  | { readonly kind: "notifications"; readonly bodies: readonly string[] }
  /** A test event of S3, or an S3 event other than an object creation. */
  | { readonly kind: "nothing" }
  | { readonly kind: "unknown" };

/** A message of a queue. */
interface QueueMessage {
  readonly id: string;
  readonly body: string;
}

type Fields = Readonly<Record<string, unknown>>;

const UNKNOWN = { kind: "unknown" } as const;
const CREATED = /^(s3:)?ObjectCreated:/;
/** Rules of EventBridge, and EventBridge Scheduler. */
const SCHEDULERS: ReadonlySet<unknown> = new Set(["aws.events", "aws.scheduler"]);

/**
 * Classifies an event by its shape. Sources: S3 user guide, "EventBridge event message structure" and "Event message structure"; Lambda
 * developer guide, "Using Lambda with Amazon SQS" and "… with Amazon SNS".
 */
export function parseEvent(event: unknown): DistributorEvent {
  if (!isMap(event)) return UNKNOWN;
  if (Array.isArray(event["Records"])) return parseRecords(event["Records"]);
  if (typeof event["detail-type"] === "string") return parseBusEvent(event, event["detail-type"]);
  if (event["op"] === "schedule") return { kind: "schedule" };
  if (event["op"] === "initial-set") return { kind: "set", task: event };
  if (event["Event"] === "s3:TestEvent") return { kind: "nothing" };
  // An unknown request gets a reply, so that the caller sees the error.
  return "op" in event ? { kind: "call", request: event } : UNKNOWN;
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
  const fields = records.filter(isMap);
  if (fields.length === 0) return UNKNOWN;
  if (fields.every((record) => record["eventSource"] === "aws:s3")) return parseWritten(fields, records.length);
  if (fields.length !== records.length) return UNKNOWN;
  if (fields.every((record) => record["eventSource"] === "aws:sqs")) return parseMessages(fields);
  return fields.every((record) => record["EventSource"] === "aws:sns") ? parseNotifications(fields) : UNKNOWN;
}

/** Parses the records of an S3 event. An invalid record does not affect the others. */
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
    isMap(Sns) && typeof Sns["Message"] === "string" ? [Sns["Message"]] : [],
  );
  return bodies.length < records.length ? UNKNOWN : { kind: "notifications", bodies };
}

/** Keys in notifications are form-encoded: percent sequences, and a plus for a space. */
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
  if (!isMap(detail)) return undefined;
  const { bucket, object } = detail;
  if (!isMap(bucket) || !isMap(object)) return undefined;
  const { name } = bucket;
  const { key, [versionField]: said } = object;
  if (typeof name !== "string" || typeof key !== "string" || key === "") return undefined;
  const versionId = toVersionId(said);
  return { bucket: name, key, ...defined({ versionId }) };
}

/**
 * Returns the version id of an object, or undefined in an unversioned bucket: there S3 returns none, or "null" when versioning is
 * suspended (S3 user guide, "Adding objects to versioning-suspended buckets"). Emulators return "null" in both cases.
 */
export function toVersionId(said: unknown): string | undefined {
  return typeof said === "string" && said !== "" && said !== "null" ? said : undefined;
}

/** Parses the event in a message body, with or without an SNS envelope. */
export function parseBody(body: string): DistributorEvent {
  const value = parseJson(body);
  const isEnvelope = isMap(value) && value["Type"] === "Notification" && typeof value["Message"] === "string";
  return parseEvent(isEnvelope ? parseJson(String(value["Message"])) : value);
}

const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const NAME = ARTIFACT_NAME.slice(0, -1);
const VERSION = ARTIFACT_VERSION.slice(1, -1);

/** The name of an artifact, or `name@version`. */
const ArtifactChoice = Type.String({ pattern: `${NAME}(@${VERSION})?$`, maxLength: 193 });
/** Such as `2026-11-20T06:00:00Z`. The day must exist; leap seconds are not allowed, because `Date` does not support them. */
const IsoInstant = Type.String({
  format: "date-time",
  pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:[0-5]\\d(\\.\\d{1,9})?Z$",
});

/** The input of the state machine. `Line` and `Step` are set by the state machine itself. Unknown fields are ignored. */
const SetInput = Type.Object({
  AccountId,
  Region,
  Since: Type.Optional(IsoInstant),
  Artifact: Type.Optional(ArtifactChoice),
  Line: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{1,80}$" })),
  Step: Type.Optional(Type.Object({ askedAt: Instant })),
});

/** A task of the state machine. */
export const SetTask = Type.Object({
  op: Type.Literal("initial-set"),
  execution: Type.String({ pattern: "^[A-Za-z0-9_-]{1,80}$" }),
  input: SetInput,
});
export type SetTask = Static<typeof SetTask>;

const validator = Compile(SetTask);

/** A task, or why it is invalid. */
type ParsedSetTask =
  | { readonly kind: "task"; readonly task: SetTask }
  | {
      readonly kind: "faulty";
      readonly code: "ACCOUNT_NOT_TRUSTED" | "INITIAL_SET_FAILED";
      readonly message: string;
    };

/** Parses a task. A malformed account id counts as an untrusted account. */
export function parseSetTask(event: unknown): ParsedSetTask {
  if (validator.Check(event)) return { kind: "task", task: event };
  const errors = validator.Errors(event);
  const isAccountRefused = errors.some(({ instancePath }) => instancePath === "/input/AccountId");
  return {
    kind: "faulty",
    code: isAccountRefused ? "ACCOUNT_NOT_TRUSTED" : "INITIAL_SET_FAILED",
    message: `The input of the state machine is invalid: ${formatFaults(errors)}.`,
  };
}

const name = Type.String({ pattern: ARTIFACT_NAME });
const version = Type.String({ pattern: ARTIFACT_VERSION });
const page = {
  cursor: Type.Optional(text(2_048)),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
};
const place = { account: AccountId, region: Region };
const maybePlace = { account: Type.Optional(AccountId), region: Type.Optional(Region) };
const SeenFile = Type.Object(
  { key: text(1_024), sha256: Type.Union([Sha256, Type.Null()]) },
  { additionalProperties: false },
);

/** The other fields of requests by `op`. */
const REQUEST_FIELDS = {
  list: { name: Type.Optional(name), ...page },
  show: { name, version },
  coverage: { name: Type.Optional(name), version: Type.Optional(version), ...maybePlace, ...page },
  replay: { ...place, since: Type.Optional(IsoInstant), artifact: Type.Optional(ArtifactChoice) },
  refresh: { name, version, ...maybePlace },
  retire: { name, version },
  consumers: page,
  consumer: place,
  compare: {
    name,
    version,
    ...place,
    bucket: Type.String({ minLength: 3, maxLength: 255 }),
    elapsedMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400_000 })),
    seen: Type.Array(SeenFile, { maxItems: 1_000 }),
  },
};

const requests = Object.entries(REQUEST_FIELDS).map(([op, fields]) => {
  return [op, Compile(Type.Object({ op: Type.Literal(op), ...fields }, { additionalProperties: false }))] as const;
});
const validators = new Map(requests);

/** A request, or why it is invalid. */
type ParsedRequest =
  | { readonly kind: "request"; readonly request: DistributorRequest }
  | { readonly kind: "faulty"; readonly message: string };

/** Parses a request. Errors name the invalid fields, without values. */
export function parseDistributorRequest(value: unknown): ParsedRequest {
  const op: unknown = Object(value).op;
  const validator = typeof op === "string" ? validators.get(op) : undefined;
  if (validator === undefined) {
    return { kind: "faulty", message: `"op" must be one of ${[...validators.keys()].join(", ")}.` };
  }
  if (validator.Check(value)) return findContradiction(value as DistributorRequest);
  return { kind: "faulty", message: `The request is invalid: ${formatFaults(validator.Errors(value))}.` };
}

function findContradiction(request: DistributorRequest): ParsedRequest {
  const { op, account, region, version, name } = request as Readonly<Record<string, unknown>>;
  if (op === "refresh" && (account === undefined) !== (region === undefined)) {
    return { kind: "faulty", message: "A consumer requires both account and region." };
  }
  if (op === "coverage" && version !== undefined && name === undefined) {
    return { kind: "faulty", message: "A version requires the name of its artifact." };
  }
  return { kind: "request", request };
}

/** The registration of a consumer. */
const RegisteredDetail = Type.Object({
  v: Type.Literal(1),
  account: AccountId,
  region: Region,
  bucket: text(255),
  capabilities: Type.Array(text(128), { maxItems: 50 }),
});

/** The end of a registration. */
const UnregisteredDetail = Type.Object({ v: Type.Literal(1), account: AccountId, region: Region });
/** Parses the detail. Returns undefined for an invalid one. */
export const parseRegistered = createParser(RegisteredDetail);

/** Parses the detail. Returns undefined for an invalid one. */
export const parseUnregistered = createParser(UnregisteredDetail);

const receiptValidator = Compile(ReceivedReceipt);

/** Parses a receipt. Returns undefined for an invalid one. */
export function parseReceipt(detail: unknown): ReceivedReceipt | undefined {
  return receiptValidator.Check(detail) && !Number.isNaN(Date.parse(detail.at)) ? detail : undefined;
}

/** A consumer's clock is believed within this time before the event was sent. */
const CLOCK_MS = 60_000;
/** EventBridge stamps whole seconds. */
const STAMP_MS = 999;

/**
 * Returns when the sender of an event observed what it reports, in epoch milliseconds: by its own clock, but within the minute
 * before EventBridge stamped the event, because that clock can be wrong. A repeated delivery has the same stamp. Without a stamp
 * only the future is excluded.
 */
export function toObservedAt(saidAt: number, { time }: Pick<StampedEvent, "time">, now: number): number {
  const sentAt = Date.parse(String(time));
  const [least, most] = Number.isNaN(sentAt) ? [0, now] : [sentAt - CLOCK_MS, sentAt + STAMP_MS];
  return Math.max(0, Math.min(Math.max(saidAt, least), most, now));
}

/** A refresh event of the receipts bus. EventBridge itself sets `account`. */
const RefreshEvent = Type.Object({
  source: Type.Literal("stackyard.consumer"),
  "detail-type": Type.Literal("artifact.refresh"),
  account: AccountId,
  detail: Type.Object({
    v: Type.Literal(1),
    distributionId: Type.Optional(Type.Union([text(128), Type.Null()])),
    key: text(1_024),
    account: AccountId,
    region: Region,
    name: Type.Optional(Type.Union([text(128), Type.Null()])),
    version: Type.Optional(Type.Union([text(64), Type.Null()])),
  }),
});

/** A consumer's request for new URLs of one file. */
export interface RefreshWish extends ConsumerPlace {
  readonly key: string;
  readonly name?: string;
  readonly version?: string;
}

const compiled = Compile(RefreshEvent);

/** Parses a refresh event, or returns the code for dropping it. */
export function parseRefreshEvent(event: unknown): RefreshWish | "EVENT_INVALID" | "ACCOUNT_MISMATCH" {
  if (!compiled.Check(event)) return "EVENT_INVALID";
  const { account, detail }: Static<typeof RefreshEvent> = event;
  if (detail.account !== account) return "ACCOUNT_MISMATCH";
  const { region, key, name, version } = detail;
  return { account, region, key, ...(name && { name }), ...(version && { version }) };
}

const FAULTS_SHOWN = 5;

/** Formats validation errors as paths and messages, without values. */
function formatFaults(errors: readonly TLocalizedValidationError[]): string {
  const shown = errors.slice(0, FAULTS_SHOWN);
  return shown.map(({ instancePath, message }) => `${instancePath || "/"} ${message}`).join("; ");
}
