import type { SNSClient } from "@aws-sdk/client-sns";
import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from "@aws-sdk/client-sqs";
import { backoff, type Clock, isFifo, type Random, StackyardError, toBatches } from "@stackyard/core";
import { type ClaimChecks, checkLarge } from "./claim-check.ts";
import {
  byteSizeOf,
  MAX_DELAY_MS,
  MAX_QUEUE_BYTES,
  MAX_TOPIC_BYTES,
  type OutgoingMessage,
  toTextAttributes,
} from "./messages.ts";
import { callTransport, MESSAGE_REFUSED } from "./to-stackyard-error.ts";

/** Sends messages to a queue or a topic. */
export interface Sender {
  /** Sends all messages or throws; see `sendInWaves`. Delays are rounded up to seconds and need a standard queue. */
  send(messages: readonly OutgoingMessage[], options?: { readonly delayMs?: number }): Promise<void>;
}

/** The queue to send to. */
export interface QueueSenderInput {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly claimChecks: ClaimChecks | undefined;
  /** As the queue's `MaximumMessageSize`. Default: 1 MiB. */
  readonly maxBytes?: number | undefined;
}

/** Creates a sender for one queue, in batches of ten. */
export function createQueueSender(input: QueueSenderInput): Sender {
  const { sqs, queueUrl, maxBytes = MAX_QUEUE_BYTES, claimChecks, clock, random } = input;
  const ordered = isFifo(queueUrl);
  return {
    async send(messages, { delayMs = 0 } = {}) {
      for (const each of [delayMs, ...messages.flatMap((message) => message.delayMs ?? [])]) checkDelay(queueUrl, each);
      const checked = await Promise.all(messages.map((message) => checkLarge(message, { claimChecks, maxBytes })));
      async function sendBatch(entries: readonly BatchEntry[]): Promise<readonly FailedEntry[]> {
        const Entries = entries.map((entry) => toQueueEntry(entry, ordered, delayMs));
        const command = new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries });
        return (await callTransport(`Sending to the queue ${queueUrl}`, () => sqs.send(command))).Failed ?? [];
      }
      const sendAll = (entries: readonly BatchEntry[]) => sendShrunk(claimChecks, entries, sendBatch);
      // One message may be as large as a batch, whatever the limit of the queue.
      const limits = { ordered, maxBytes: MAX_QUEUE_BYTES };
      await sendInWaves({ target: `queue ${queueUrl}`, ...limits, clock, random, sendBatch: sendAll }, checked);
    },
  };
}

/**
 * Sends entries. The limit of a queue may be lower than its sender assumes: bodies above it go to the bucket, if there
 * is one.
 */
async function sendShrunk(
  claimChecks: ClaimChecks | undefined,
  entries: readonly BatchEntry[],
  send: (entries: readonly BatchEntry[]) => Promise<readonly FailedEntry[]>,
): Promise<readonly FailedEntry[]> {
  const failed = await send(entries);
  if (claimChecks === undefined) return failed;
  const tooLong = new Set(failed.filter(isTooLong).map(({ Id }) => Id));
  if (tooLong.size === 0) return failed;
  const shrunk = entries
    .filter(({ id }) => tooLong.has(id))
    .map(async (entry) => ({ ...entry, message: await claimChecks.check(entry.message) }));
  const others = failed.filter(({ Id }) => !tooLong.has(Id));
  return [...others, ...(await send(await Promise.all(shrunk)))];
}

function checkDelay(queueUrl: string, delayMs: number): void {
  const maxDelayMs = isFifo(queueUrl) ? 0 : MAX_DELAY_MS;
  if (delayMs >= 0 && delayMs <= maxDelayMs) return;
  const why = maxDelayMs === 0 ? "FIFO queues do not delay single messages" : `at most ${maxDelayMs} ms are possible`;
  const text = `A message to ${queueUrl} cannot wait ${delayMs} ms: ${why}. Keep it as due work.`;
  throw new StackyardError("CONFIG_INVALID", text);
}

function toQueueEntry(entry: BatchEntry, ordered: boolean, delayMs: number): SendMessageBatchRequestEntry {
  const { message } = entry;
  return {
    ...toCommonEntry(entry, ordered),
    MessageBody: message.body,
    // Zero is sent too: the queue may have its own delay.
    DelaySeconds: ordered ? undefined : Math.ceil((message.delayMs ?? delayMs) / 1_000),
  };
}

/** Returns the part of an entry that queues and topics have in common. */
function toCommonEntry({ id, message }: BatchEntry, ordered: boolean) {
  return {
    Id: id,
    MessageAttributes: toTextAttributes(message.attributes),
    MessageGroupId: ordered ? message.groupId : undefined,
    MessageDeduplicationId: ordered ? message.deduplicationId : undefined,
  };
}

/** The topic to publish to. */
interface TopicSenderInput extends Pick<QueueSenderInput, "clock" | "random" | "claimChecks"> {
  readonly sns: SNSClient;
  readonly topicArn: string;
}

/** Creates a sender for one topic, in batches of ten. Topics have no delays. */
export function createTopicSender({ sns, topicArn, claimChecks, clock, random }: TopicSenderInput): Sender {
  const ordered = isFifo(topicArn);
  const limits = { claimChecks, maxBytes: MAX_TOPIC_BYTES };
  async function sendBatch(entries: readonly BatchEntry[]): Promise<readonly FailedEntry[]> {
    // The first publication loads the SDK, so that yards without a topic start without it.
    const { PublishBatchCommand } = await import("@aws-sdk/client-sns");
    const PublishBatchRequestEntries = entries.map((entry) => {
      return { ...toCommonEntry(entry, ordered), Message: entry.message.body };
    });
    const command = new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries });
    return (await callTransport(`Publishing to the topic ${topicArn}`, () => sns.send(command))).Failed ?? [];
  }
  return {
    async send(messages) {
      const checked = await Promise.all(messages.map((message) => checkLarge(message, limits)));
      const { maxBytes } = limits;
      await sendInWaves({ target: `topic ${topicArn}`, maxBytes, ordered, clock, random, sendBatch }, checked);
    },
  };
}

/** A failed entry of a batch, as SQS and SNS return it. */
export interface FailedEntry {
  readonly Id?: string | undefined;
  readonly Code?: string | undefined;
  readonly Message?: string | undefined;
  /** True: a retry would fail again. */
  readonly SenderFault?: boolean | undefined;
}

/** One message of a batch, with its id in the response. */
interface BatchEntry {
  readonly id: string;
  readonly message: OutgoingMessage;
}

/** The limits of a queue or topic, and how it accepts a batch. */
interface WaveInput {
  /** Such as `queue https://…`, for errors. */
  readonly target: string;
  readonly maxBytes: number;
  readonly ordered: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** Sends one batch. Returns the failed entries. Throws `StackyardError`s when the whole batch fails. */
  sendBatch(entries: readonly BatchEntry[]): Promise<readonly FailedEntry[]>;
}

const TRIES = 5;
const FIRST_WAIT_MS = 100;

/**
 * Sends all messages or throws. Failed entries of a batch are retried, up to five tries in total, except those that are
 * the sender's fault. When it throws, earlier messages may have been sent. Sending all of them again is safe, because
 * their ids are the same.
 */
export async function sendInWaves(input: WaveInput, messages: readonly OutgoingMessage[]): Promise<void> {
  const { maxBytes, ordered } = input;
  const limits = { maxBytes, ordered, bytesOf: byteSizeOf, groupOf: ({ groupId }: OutgoingMessage) => groupId };
  for (const wave of toBatches(messages, limits)) await sendWave(input, wave);
}

async function sendWave(input: WaveInput, wave: readonly OutgoingMessage[]): Promise<void> {
  let entries: readonly BatchEntry[] = wave.map((message, index) => ({ id: String(index), message }));
  for (let tries = 1; ; tries += 1) {
    const failed = await input.sendBatch(entries);
    if (failed.length === 0) return;
    const lasting = failed.find(({ SenderFault }) => SenderFault === true);
    if (lasting !== undefined) throw toRefusal(input, lasting, entries);
    if (tries === TRIES) throw toUnreachable(input, failed);
    const ids = new Set(failed.map(({ Id }) => Id));
    entries = entries.filter(({ id }) => ids.has(id));
    await input.clock.sleep(backoff(tries, { first: FIRST_WAIT_MS }) * (0.5 + input.random() / 2));
  }
}

function toRefusal({ target }: WaveInput, entry: FailedEntry, entries: readonly BatchEntry[]): StackyardError {
  const sent = entries.find(({ id }) => id === entry.Id);
  const bytes = sent === undefined ? "" : ` of ${byteSizeOf(sent.message)} bytes`;
  const text = `The ${target} refuses a message${bytes}: ${formatFailure(entry)}`;
  if (!isTooLong(entry)) return new StackyardError("CONFIG_INVALID", text, { details: MESSAGE_REFUSED });
  const how =
    "Raise its MaximumMessageSize, or name a bucket for large bodies (claimChecks; in the apps MESSAGE_BUCKET).";
  return new StackyardError("PAYLOAD_TOO_LARGE", `${text} ${how}`);
}

/**
 * Returns true when the message is larger than this queue accepts. The limit is a property of the queue, at most that
 * of SQS. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
 */
function isTooLong({ Message = "" }: FailedEntry): boolean {
  return /shorter than|too long/i.test(Message);
}

function toUnreachable({ target }: WaveInput, failed: readonly FailedEntry[]): StackyardError {
  const why = formatFailure(failed[0] ?? {});
  return new StackyardError("UNREACHABLE", `The ${target} did not accept ${failed.length} messages: ${why}`);
}

function formatFailure({ Code = "no code", Message = "" }: FailedEntry): string {
  return `${Code}${Message === "" ? "." : `, ${Message}`}`;
}
