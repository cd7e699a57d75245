import { ChangeMessageVisibilityCommand } from "@aws-sdk/client-sqs";
import { runOptional } from "@stackyard/aws";
import { backoff, silentLogger } from "@stackyard/core";
import { createEventSender } from "./event-sender.ts";
import { handleRecord } from "./handle-record.ts";
import { createDiscreetLogger } from "./json-logger.ts";
import { createKnownArtifacts } from "./known-artifacts.ts";
import {
  type ConsumerDeps,
  type ConsumerOptions,
  type MessagesContext,
  parseRecords,
  peekRecord,
  type RecordContext,
  type RecordEnd,
  type SqsBatchResponse,
  type SqsEvent,
  type SqsRecord,
  toAttempt,
  toFields,
} from "./record-context.ts";

/** The function that processes a consumer's queue. */
export interface Consumer {
  /** Processes a batch and returns the messages to redeliver. Throws only `EVENT_INVALID`, for an event that is not an SQS batch. */
  onMessages(event: SqsEvent, context?: MessagesContext): Promise<SqsBatchResponse>;
}

/** No record is started with less time left than this, or than a quarter of a short invocation. */
const LEAST_MS = 20_000;
const SWEEP_EVERY_MS = 3_600_000;
const SWEEP_NEEDS_MS = 60_000;

/** Creates a consumer, which copies announced files into its bucket and sends receipts. Makes no call before the first batch. */
export function createConsumer(options: ConsumerOptions): Consumer {
  const deps = toDeps(options);
  let sweptAt = Number.NEGATIVE_INFINITY;

  /** Aborts abandoned uploads, at most once an hour. */
  async function sweep(deadlineAt: number): Promise<void> {
    const now = deps.clock.now();
    if (now - sweptAt < SWEEP_EVERY_MS || deadlineAt - now < SWEEP_NEEDS_MS) return;
    sweptAt = now;
    await runOptional(() => deps.copier.sweepUploads()).catch((error: unknown) => {
      deps.logger.warn("Abandoned uploads could not be aborted.", { error });
    });
  }

  return {
    async onMessages(event, context = {}) {
      const records = parseRecords(event);
      const now = deps.clock.now();
      const deadlineAt = context.deadlineAt ?? now + (context.getRemainingTimeInMillis?.() ?? Number.POSITIVE_INFINITY);
      const { invocationId } = context;
      const beginBefore = deadlineAt - Math.min(LEAST_MS, (deadlineAt - now) / 4);
      const batch = { deps, deadlineAt, invocationId, beginBefore };
      const again = new Set<string>();
      await Promise.all(planLanes(records, deps.config.topicArn).map((lane) => runLane(batch, lane, again)));
      await sweep(deadlineAt);
      return { batchItemFailures: [...again].map((itemIdentifier) => ({ itemIdentifier })) };
    },
  };
}

function toDeps(options: ConsumerOptions): ConsumerDeps {
  const { clock, records, receiptBus: bus, clients } = options;
  const logger = createDiscreetLogger(options.logger ?? silentLogger);
  const known = createKnownArtifacts(records, clock);
  const events = bus === undefined ? undefined : createEventSender({ client: clients.events, bus, clock, logger });
  return { ...options, logger, known, events };
}

interface Batch extends Pick<RecordContext, "deps" | "deadlineAt" | "invocationId"> {
  readonly beginBefore: number;
}

async function runLane(batch: Batch, lane: Lane, again: Set<string>): Promise<void> {
  const { deps, beginBefore } = batch;
  for (const record of lane) {
    const isBegun = deps.clock.now() < beginBefore;
    const end = isBegun ? await serve(batch, record) : "again";
    if (end === "done") continue;
    again.add(record.messageId);
    await postpone(deps, record, isBegun ? end : "unbegun");
  }
}

async function serve({ deps, ...batch }: Batch, record: SqsRecord): Promise<RecordEnd> {
  const { deadlineAt, invocationId } = batch;
  const context: RecordContext = { deps, record, deadlineAt, invocationId, startedAt: deps.clock.now() };
  try {
    return await handleRecord(context);
  } catch (error) {
    deps.logger.error("A message could not be processed; the queue redelivers it.", toFields(context, { error }));
    return "again";
  }
}

/** Records that are processed one after another. */
type Lane = readonly SqsRecord[];

/** Larger files use several requests at a time, so only one is copied at once. */
const SMALL_BYTES = 64 * 1024 * 1024;
/** Each lane needs up to 64 MiB for a temporary file. */
const SMALL_LANES = 3;

/**
 * Divides a batch into lanes that run concurrently: records of one key stay in order, large files (and files of unknown size)
 * run one at a time, the others three at a time.
 */
export function planLanes(records: readonly SqsRecord[], topicArn: string): readonly Lane[] {
  const large: SqsRecord[] = [];
  const byKey = new Map<string, SqsRecord[]>();
  const keysOfLarge = new Set<string>();
  for (const record of records) {
    const { key = `\0${record.messageId}`, size } = peekRecord(record, topicArn);
    byKey.set(key, [...(byKey.get(key) ?? []), record]);
    if (size > SMALL_BYTES) keysOfLarge.add(key);
  }
  const lanes: SqsRecord[][] = Array.from({ length: SMALL_LANES }, () => []);
  for (const [key, ofKey] of byKey) {
    const lane = keysOfLarge.has(key)
      ? large
      : lanes.reduce((least, each) => (each.length < least.length ? each : least));
    lane.push(...ofKey);
  }
  return [large, ...lanes].filter((lane) => lane.length > 0);
}

const SOON_SECONDS = 1;
/** Time that the earlier records of the batch may need. */
const UNBEGUN_SECONDS = 60;
const FIRST_SECONDS = 15;
const LONGEST_SECONDS = 900;

/**
 * Sets when the queue redelivers the message. The queue's visibility timeout is a multiple of the function's timeout, too long
 * for a copy that only ran out of time. When the call fails, that timeout applies.
 */
async function postpone(
  { clients, queueUrl, logger }: ConsumerDeps,
  record: SqsRecord,
  why: "again" | "soon" | "unbegun",
): Promise<void> {
  if (queueUrl === undefined || record.receiptHandle === undefined) return;
  const request = { QueueUrl: queueUrl, ReceiptHandle: record.receiptHandle };
  try {
    const VisibilityTimeout = toSeconds(why, toAttempt(record));
    await clients.sqs.send(new ChangeMessageVisibilityCommand({ ...request, VisibilityTimeout }));
  } catch (error) {
    logger.warn("A message could not be postponed.", { messageId: record.messageId, error });
  }
}

/** Doubles the delay with each failed attempt. */
function toSeconds(why: "again" | "soon" | "unbegun", attempt: number): number {
  if (why === "soon") return SOON_SECONDS;
  if (why === "unbegun") return UNBEGUN_SECONDS;
  return backoff(attempt, { first: FIRST_SECONDS, most: LONGEST_SECONDS });
}
