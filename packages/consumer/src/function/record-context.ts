import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { callAws } from "@stackyard/aws";
import { type Clock, defined, isMap, keepStart, type Logger, type Records, StackyardError } from "@stackyard/core";
import type { Copier } from "../copy/copier.ts";
import { type ConsumerConfig, type JsonObject, type MessageRecord, openRecord } from "../decide-message.ts";
import {
  type ArtifactMessage,
  parseArtifactMessage,
  type Receipt,
  type ReceiptOutcome,
  toReceipt,
  toReceiptEvent,
} from "../messages.ts";
import type { EventSender } from "./event-sender.ts";
import { hideSecrets, hideSecretsIn } from "./json-logger.ts";
import type { KnownArtifacts } from "./known-artifacts.ts";

/** Configuration and dependencies of a consumer. */
export interface ConsumerOptions {
  /** The rules for messages. */
  readonly config: ConsumerConfig;
  /** The consumer's own bucket. */
  readonly bucket: string;
  /** ARN of the distributor's bus, from the configuration only. Default: no receipts and no new URLs. */
  readonly receiptBus?: string;
  /** The queue of the batches, so that a copy can continue soon. Default: messages wait for the visibility timeout. */
  readonly queueUrl?: string;
  /** Receives messages that are given up. Default: they are only logged. */
  readonly parkingQueueUrl?: string;
  /** `events` must be in the region of the bus: PutEvents reaches only buses of its own region. */
  readonly clients: { readonly s3: S3Client; readonly events: EventBridgeClient; readonly sqs: SQSClient };
  /** Records of stored keys, under `.stackyard/` of the bucket. */
  readonly records: Records;
  readonly copier: Copier;
  readonly clock: Clock;
  /** Default: none. Signed URLs are redacted. */
  readonly logger?: Logger;
}

/** The Lambda invocation. */
export interface MessagesContext {
  /** Epoch milliseconds. Default: from `getRemainingTimeInMillis`; without either, no deadline. */
  readonly deadlineAt?: number;
  getRemainingTimeInMillis?(): number;
  readonly invocationId?: string;
}

/** A batch of an SQS queue ("Using Lambda with Amazon SQS"). */
export interface SqsEvent {
  readonly Records: readonly SqsRecord[];
}

/** One message of a batch. */
export interface SqsRecord extends MessageRecord {
  readonly messageId: string;
  readonly receiptHandle?: string;
  readonly attributes?: { readonly ApproximateReceiveCount?: string };
}

/** The messages to redeliver ("Implementing partial batch responses"). */
export interface SqsBatchResponse {
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/** Returns the records of a batch. Throws `EVENT_INVALID` for any other event; each record is validated on its own later. */
export function parseRecords(event: unknown): readonly SqsRecord[] {
  const records = isMap(event) ? event["Records"] : undefined;
  if (Array.isArray(records) && records.every(isOfQueue)) return records as readonly SqsRecord[];
  throw new StackyardError("EVENT_INVALID", "The event is not an SQS batch.");
}

/** Returns true for a queue's record. A manual invocation can omit the event source. */
function isOfQueue(record: unknown): boolean {
  return isMap(record) && (record["eventSource"] ?? "aws:sqs") === "aws:sqs";
}

/** Returns the number of deliveries of a message, including this one. */
export function toAttempt({ attributes }: SqsRecord): number {
  const count = Number(attributes?.ApproximateReceiveCount ?? 1);
  return Number.isSafeInteger(count) && count > 0 ? count : 1;
}

/** Shared dependencies of all records in a process. */
export interface ConsumerDeps extends ConsumerOptions {
  readonly logger: Logger;
  readonly known: KnownArtifacts;
  /** The sender of events; undefined without a receipt bus. */
  readonly events: EventSender | undefined;
}

/** One delivery of one message. */
export interface RecordContext {
  readonly deps: ConsumerDeps;
  readonly record: SqsRecord;
  readonly startedAt: number;
  /** The Lambda request id. */
  readonly invocationId?: string | undefined;
  /** When the invocation ends, in epoch milliseconds. */
  readonly deadlineAt: number;
}

/** `again`: redeliver the message; `soon`: it made progress and only ran out of time. */
export type RecordEnd = "done" | "again" | "soon";

/** Sends a receipt. A lost receipt fails nothing: the object is stored, and the next delivery reports `present`. */
export async function sendReceipt(
  { deps, record, startedAt }: RecordContext,
  message: ArtifactMessage | undefined,
  outcome: ReceiptOutcome,
  torn?: TornMessage,
): Promise<void> {
  const { account, region } = deps.config;
  const consumer = { account, region, bucket: deps.bucket };
  const { messageId } = record;
  const input = { consumer, message, messageId, attempt: toAttempt(record), startedAt, endedAt: deps.clock.now() };
  const receipt = toReceipt(input, outcome);
  if (torn === undefined) return void (await deps.events?.send(toReceiptEvent(receipt)));
  const { distributionId, ...artifact } = torn;
  const named = { ...receipt, distributionId, artifact: { ...receipt.artifact, ...artifact } };
  await deps.events?.send(toReceiptEvent(named));
}

/** Parks a message, sends a receipt and acknowledges it. Throws when parking fails, so that the queue redelivers it. */
export async function giveUp(
  context: RecordContext,
  status: "failed" | "rejected",
  why: ParkingReason,
  told: { readonly message?: ArtifactMessage; readonly torn?: TornMessage },
): Promise<"done"> {
  const { deps, record } = context;
  const { parkingQueueUrl, clients, config, bucket, clock, logger } = deps;
  const { account, region, topicArn } = config;
  const what = status === "failed" ? "parked after repeated failures" : "rejected";
  logger.error(`A message was ${what}.`, toFields(context, why));
  if (parkingQueueUrl !== undefined) {
    const at = new Date(clock.now()).toISOString();
    const text = toParkedText(record, why, { account, region, bucket, topicArn, at });
    await parkMessage(clients.sqs, parkingQueueUrl, text);
  }
  await sendReceipt(context, told.message, { status, code: why.code }, told.torn);
  return "done";
}

/** Returns the log fields of a record. */
export function toFields(
  { record, invocationId }: RecordContext,
  fields: object = {},
): Readonly<Record<string, unknown>> {
  const call = defined({ invocationId, messageId: record.messageId, attempt: toAttempt(record) });
  return { ...call, ...Object(hideSecretsIn(fields)) };
}

/** The identifiers of a rejected message, as far as they are valid. */
type TornMessage = Pick<Receipt, "distributionId"> & Readonly<Receipt["artifact"]>;

/** Key and size of a record, read before validation. */
export interface PeekedRecord {
  readonly body: JsonObject | undefined;
  /** The unchecked key of the message. */
  readonly key: string | undefined;
  /** In bytes. */
  readonly size: number;
}

/** Reads key and size of a record before it is validated. */
export function peekRecord(record: SqsRecord, topicArn: string): PeekedRecord {
  const opened = openRecord(record, topicArn);
  if (opened.kind === "refused") return { body: undefined, key: undefined, size: 0 };
  const { ArtifactKey: key, artifact } = opened.body;
  return { body: opened.body, key: typeof key === "string" ? key : undefined, size: toSize(opened.body, artifact) };
}

/** Returns the announced size. Messages of version 1 have none. */
function toSize(body: JsonObject, artifact: unknown): number {
  if (body["v"] === undefined) return Number.POSITIVE_INFINITY;
  return isMap(artifact) && typeof artifact["size"] === "number" ? artifact["size"] : 0;
}

/** Returns what a rejection receipt can name: the message if it is valid, and its identifiers. */
export function findSubject(body: JsonObject | undefined): {
  readonly message?: ArtifactMessage;
  readonly torn: TornMessage;
} {
  if (body === undefined) return { torn: { distributionId: null, name: null, version: null, key: null } };
  const parsed = parseArtifactMessage(body);
  const torn = toTorn(body);
  return parsed.kind === "message" ? { message: parsed.message, torn } : { torn };
}

/** Returns bounded identifiers, with signatures redacted in case a URL is in the wrong field. */
export function toTorn({ distributionId, artifact, ArtifactKey }: JsonObject): TornMessage {
  const { name, version } = isMap(artifact) ? artifact : {};
  return {
    distributionId: toText(distributionId, 128),
    name: toText(name, 128),
    version: toText(version, 64),
    key: toText(ArtifactKey, 1_024),
  };
}

function toText(value: unknown, maxLength: number): string | null {
  return typeof value === "string" && value !== "" ? hideSecrets(keepStart(value, maxLength)) : null;
}

/** Why a message is parked. */
interface ParkingReason {
  readonly code: string;
  readonly reason: string;
}

/** The consumer and the time of parking. */
interface ParkingPlace extends Pick<ConsumerConfig, "account" | "region" | "topicArn"> {
  readonly bucket: string;
  /** ISO 8601. */
  readonly at: string;
}

/** The fields that a parked message keeps. Unknown fields can contain anything and are dropped. */
const KEPT = {
  message: ["v", "ArtifactKey", "ArtifactUrl", "distributionId", "sequence", "issuedAt", "urlExpiresAt", "retire"],
  artifact: ["name", "version", "size", "sha256", "contentType", "rewrite"],
  source: ["account", "region", "bucket", "versionId"],
  target: ["account", "region"],
  manifest: ["key", "sha256"],
} as const;

const MAX_TEXT = 1_024;

/** Characters that JSON allows and SQS rejects (Amazon SQS API reference, "SendMessage", `MessageBody`). */
const REFUSED = /[\ufffe\uffff]/g;

/** Returns the body for the parking queue: the reason and the redacted message. Of an unreadable body only its length is kept. */
export function toParkedText(record: SqsRecord, { code, reason }: ParkingReason, place: ParkingPlace): string {
  const { topicArn, ...facts } = place;
  const opened = openRecord(record, topicArn);
  const message = opened.kind === "opened" ? toKept(opened.body) : null;
  const { messageId } = record;
  const bytes = Buffer.byteLength(String(record.body ?? ""));
  const text = JSON.stringify({ v: 1, code, reason: hideSecrets(reason), messageId, ...facts, bytes, message });
  return text.replace(REFUSED, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}

/** Sends a message to the parking queue. */
async function parkMessage(client: SQSClient, QueueUrl: string, MessageBody: string): Promise<void> {
  const policy = { what: "A message could not be parked.", advice: "Allow sqs:SendMessage on the parking queue." };
  await callAws(() => client.send(new SendMessageCommand({ QueueUrl, MessageBody })), policy);
}

function toKept({ artifact, source, target, manifest, ...message }: JsonObject): object {
  const parts = Object.entries({ artifact, source, target, manifest }).flatMap(([name, part]) => {
    return isMap(part) ? [[name, pick(part, KEPT[name as keyof typeof KEPT])]] : [];
  });
  return { ...pick(message, KEPT.message), ...Object.fromEntries(parts) };
}

function pick(from: JsonObject, names: readonly string[]): object {
  const kept = names.flatMap((name) => (Object.hasOwn(from, name) ? [[name, toShort(from[name])]] : []));
  return Object.fromEntries(kept);
}

function toShort(value: unknown): unknown {
  if (typeof value === "string") return keepStart(hideSecrets(value), MAX_TEXT);
  return typeof value === "number" || typeof value === "boolean" ? value : null;
}
