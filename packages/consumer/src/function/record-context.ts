import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { toAwsError } from "@stackyard/aws";
import { type Clock, type Logger, type Records, StackyardError } from "@stackyard/core";
import type { Copier } from "../copy/copier.ts";
import { type ConsumerConfig, isObject, type JsonObject, type MessageRecord, openRecord } from "../decide-message.ts";
import {
  type ArtifactMessage,
  parseArtifactMessage,
  type ReceiptOutcome,
  toReceipt,
  toReceiptEvent,
} from "../messages.ts";
import type { EventSender } from "./event-sender.ts";
import { hideSecrets, hideSecretsIn } from "./json-logger.ts";
import type { KnownArtifacts } from "./known-artifacts.ts";

/** What a consumer is made of. */
export interface ConsumerOptions {
  /** What it takes. */
  readonly config: ConsumerConfig;
  /** Its own bucket. */
  readonly bucket: string;
  /** ARN of the distributor's bus; from configuration only, whatever messages say. Default: no receipts, and no new URLs. */
  readonly receiptBus?: string;
  /** The queue that batches come from, so that a copy goes on soon. Default: every message waits for the queue's visibility. */
  readonly queueUrl?: string;
  /** Where messages go that are given up. Default: they are logged. */
  readonly parkingQueueUrl?: string;
  /** `events` is in the region of the bus: PutEvents reaches buses of its own region. */
  readonly clients: { readonly s3: S3Client; readonly events: EventBridgeClient; readonly sqs: SQSClient };
  /** What is known of keys; under `.stackyard/` of the bucket. */
  readonly records: Records;
  readonly copier: Copier;
  readonly clock: Clock;
  /** Default: none. It is told no URL that is signed. */
  readonly logger?: Logger;
}

/** What Lambda tells of a call. */
export interface MessagesContext {
  /** Epoch milliseconds. Default: as `getRemainingTimeInMillis` says; without both the time has no end. */
  readonly deadlineAt?: number;
  readonly getRemainingTimeInMillis?: () => number;
  readonly invocationId?: string;
}

/** A batch of a queue, as Lambda hands it over ("Using Lambda with Amazon SQS"). */
export interface SqsEvent {
  readonly Records: readonly SqsRecord[];
}

/** One message of it. */
export interface SqsRecord extends MessageRecord {
  readonly messageId: string;
  readonly receiptHandle?: string;
  readonly attributes?: { readonly ApproximateReceiveCount?: string };
}

/** Which messages come again ("Implementing partial batch responses"). */
export interface SqsBatchResponse {
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/** The records of a batch. Throws `EVENT_INVALID` for an event that no queue has sent; what records hold is judged one by one. */
export function parseRecords(event: unknown): readonly SqsRecord[] {
  const records = isObject(event) ? event["Records"] : undefined;
  if (Array.isArray(records) && records.every(isOfQueue)) return records as readonly SqsRecord[];
  throw new StackyardError("EVENT_INVALID", "The event is no batch of a queue.");
}

/** Whoever calls the function by hand may leave out who sends. */
function isOfQueue(record: unknown): boolean {
  return isObject(record) && (record["eventSource"] ?? "aws:sqs") === "aws:sqs";
}

/** How often a message was handed over, this time included. */
export function toAttempt({ attributes }: SqsRecord): number {
  const count = Number(attributes?.ApproximateReceiveCount ?? 1);
  return Number.isSafeInteger(count) && count > 0 ? count : 1;
}

/** What all records of a process share. */
export interface ConsumerDeps extends ConsumerOptions {
  readonly logger: Logger;
  readonly known: KnownArtifacts;
  /** Undefined: there is no bus. */
  readonly events: EventSender | undefined;
}

/** One delivery of one message. */
export interface RecordContext {
  readonly deps: ConsumerDeps;
  readonly record: SqsRecord;
  readonly startedAt: number;
  /** As Lambda names the call. */
  readonly invocationId?: string | undefined;
  /** When the invocation ends, in epoch milliseconds. */
  readonly deadlineAt: number;
}

/** `again`: the queue is to deliver it once more; `soon`: it got on, and only its time was over. */
export type RecordEnd = "done" | "again" | "soon";

/** Tells the distributor. A receipt that is lost fails nothing: the object stands, and the next delivery answers `present`. */
export async function sendReceipt(
  { deps, record, startedAt }: RecordContext,
  message: ArtifactMessage | undefined,
  outcome: ReceiptOutcome,
  torn?: TornMessage,
): Promise<void> {
  const { account, region } = deps.config;
  const receipt = toReceipt(
    {
      consumer: { account, region, bucket: deps.bucket },
      message,
      messageId: record.messageId,
      attempt: toAttempt(record),
      startedAt,
      endedAt: deps.clock.now(),
    },
    outcome,
  );
  if (torn === undefined) return void (await deps.events?.send(toReceiptEvent(receipt)));
  const { distributionId, ...artifact } = torn;
  await deps.events?.send(
    toReceiptEvent({ ...receipt, distributionId, artifact: { ...receipt.artifact, ...artifact } }),
  );
}

/** Gives a message up: parked, then told, then acknowledged. Throws when it could not be parked, so that it comes again. */
export async function giveUp(
  context: RecordContext,
  status: "failed" | "rejected",
  why: ParkingReason,
  told: { readonly message?: ArtifactMessage; readonly torn?: TornMessage },
): Promise<"done"> {
  const { deps, record } = context;
  const { parkingQueueUrl, clients, config, bucket, clock, logger } = deps;
  const { account, region, topicArn } = config;
  logger.error(`A message was ${status === "failed" ? "given up" : "rejected"}.`, toFields(context, why));
  if (parkingQueueUrl !== undefined) {
    const at = new Date(clock.now()).toISOString();
    await parkMessage(
      clients.sqs,
      parkingQueueUrl,
      toParkedText(record, why, { account, region, bucket, topicArn, at }),
    );
  }
  await sendReceipt(context, told.message, { status, code: why.code }, told.torn);
  return "done";
}

/** What lines of the log tell of a record. */
export function toFields(
  { record, invocationId }: RecordContext,
  fields: object = {},
): Readonly<Record<string, unknown>> {
  const call = invocationId === undefined ? {} : { invocationId };
  return { ...call, messageId: record.messageId, attempt: toAttempt(record), ...Object(hideSecretsIn(fields)) };
}

/** What can be told of a message that was not taken: ids that were read, as far as they are what they should be. */
interface TornMessage {
  readonly distributionId: string | null;
  readonly name: string | null;
  readonly version: string | null;
  readonly key: string | null;
}

/** A record as far as it can be read without judging it. */
export interface PeekedRecord {
  readonly body: JsonObject | undefined;
  /** The key that it names, of whatever form. */
  readonly key: string | undefined;
  /** In bytes. */
  readonly size: number;
}

/** Looks what a record is about, before anybody decides on it. */
export function peekRecord(record: SqsRecord, topicArn: string): PeekedRecord {
  const opened = openRecord(record, topicArn);
  if (opened.kind === "refused") return { body: undefined, key: undefined, size: 0 };
  const { ArtifactKey: key, artifact } = opened.body;
  return { body: opened.body, key: typeof key === "string" ? key : undefined, size: toSize(opened.body, artifact) };
}

/** The first version names none. */
function toSize(body: JsonObject, artifact: unknown): number {
  if (body["v"] === undefined) return Number.POSITIVE_INFINITY;
  return isObject(artifact) && typeof artifact["size"] === "number" ? artifact["size"] : 0;
}

/** Whom a refusal is told of: the message where its form is right, else the ids that can be told apart. */
export function findTold(body: JsonObject | undefined): {
  readonly message?: ArtifactMessage;
  readonly torn: TornMessage;
} {
  if (body === undefined) return { torn: { distributionId: null, name: null, version: null, key: null } };
  const parsed = parseArtifactMessage(body);
  const torn = toTorn(body);
  return parsed.kind === "message" ? { message: parsed.message, torn } : { torn };
}

/** Bounded, and without what may sign a URL that stands in the wrong field. */
export function toTorn({ distributionId, artifact, ArtifactKey }: JsonObject): TornMessage {
  const { name, version } = isObject(artifact) ? artifact : {};
  return {
    distributionId: toText(distributionId, 128),
    name: toText(name, 128),
    version: toText(version, 64),
    key: toText(ArtifactKey, 1_024),
  };
}

function toText(value: unknown, maxLength: number): string | null {
  return typeof value === "string" && value !== "" ? hideSecrets(value.slice(0, maxLength)) : null;
}

/** Why a message is parked. */
interface ParkingReason {
  readonly code: string;
  readonly reason: string;
}

/** Where and by whom. */
interface ParkingPlace {
  readonly account: string;
  readonly region: string;
  readonly bucket: string;
  readonly topicArn: string;
  /** ISO 8601. */
  readonly at: string;
}

/** What stays of a message: names of the format alone, for others may hold anything. */
const KEPT = {
  message: ["v", "ArtifactKey", "ArtifactUrl", "distributionId", "sequence", "issuedAt", "urlExpiresAt", "retire"],
  artifact: ["name", "version", "size", "sha256", "contentType", "rewrite"],
  source: ["account", "region", "bucket", "versionId"],
  target: ["account", "region"],
  manifest: ["key", "sha256"],
} as const;

const MAX_TEXT = 1_024;

/** What JSON leaves as it is, and a queue does not take (Amazon SQS API reference, "SendMessage", `MessageBody`). */
const REFUSED = /[\ufffe\uffff]/g;

/** The message for the parking queue: what was wrong with which message. A body that nobody can read is told by its length only. */
export function toParkedText(record: SqsRecord, { code, reason }: ParkingReason, place: ParkingPlace): string {
  const { topicArn, ...facts } = place;
  const opened = openRecord(record, topicArn);
  const message = opened.kind === "opened" ? toKept(opened.body) : null;
  const { messageId } = record;
  const bytes = Buffer.byteLength(String(record.body ?? ""));
  const text = JSON.stringify({ v: 1, code, reason: hideSecrets(reason), messageId, ...facts, bytes, message });
  return text.replace(REFUSED, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}

/** Puts it there. */
async function parkMessage(client: SQSClient, QueueUrl: string, MessageBody: string): Promise<void> {
  try {
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  } catch (error) {
    throw toAwsError(error, "A message could not be parked.", "Allow sqs:SendMessage on the parking queue.");
  }
}

function toKept({ artifact, source, target, manifest, ...message }: JsonObject): object {
  const parts = Object.entries({ artifact, source, target, manifest }).flatMap(([name, part]) => {
    return isObject(part) ? [[name, pick(part, KEPT[name as keyof typeof KEPT])]] : [];
  });
  return { ...pick(message, KEPT.message), ...Object.fromEntries(parts) };
}

function pick(from: JsonObject, names: readonly string[]): object {
  const kept = names.flatMap((name) => (Object.hasOwn(from, name) ? [[name, toShort(from[name])]] : []));
  return Object.fromEntries(kept);
}

function toShort(value: unknown): unknown {
  if (typeof value === "string") return hideSecrets(value).slice(0, MAX_TEXT);
  return typeof value === "number" || typeof value === "boolean" ? value : null;
}
