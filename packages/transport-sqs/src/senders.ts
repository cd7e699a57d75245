import type { PublishBatchRequestEntry, SNSClient } from "@aws-sdk/client-sns";
import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from "@aws-sdk/client-sqs";
import { type Clock, type Random, StackyardError } from "@stackyard/core";
import { type ClaimChecks, checkLarge } from "./claim-check.ts";
import {
  byteSizeOf,
  isFifo,
  MAX_DELAY_MS,
  MAX_ENTRIES,
  MAX_QUEUE_BYTES,
  MAX_TOPIC_BYTES,
  type OutgoingMessage,
  toTextAttributes,
} from "./messages.ts";
import { MESSAGE_REFUSED, toStackyardError } from "./to-stackyard-error.ts";

/** Where messages are sent to: a queue or a topic. */
export interface Sender {
  /** All or an error; see `sendInWaves`. The delay: whole seconds, rounded up, on standard queues only. */
  send(messages: readonly OutgoingMessage[], options?: { readonly delayMs?: number }): Promise<void>;
}

/** A queue that is sent to. */
export interface QueueSenderInput {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly claimChecks: ClaimChecks | undefined;
  /** As the queue's `MaximumMessageSize`. Default: 1 MiB. */
  readonly maxBytes?: number | undefined;
}

/** Sends to one queue, in batches of ten. */
export function createQueueSender(input: QueueSenderInput): Sender {
  const { queueUrl, maxBytes = MAX_QUEUE_BYTES, claimChecks } = input;
  const ordered = isFifo(queueUrl);
  return {
    async send(messages, { delayMs = 0 } = {}) {
      for (const each of [delayMs, ...messages.flatMap((message) => message.delayMs ?? [])]) checkDelay(queueUrl, each);
      const checked = await Promise.all(messages.map((message) => checkLarge(message, { claimChecks, maxBytes })));
      const toEntry = (entry: BatchEntry) => toQueueEntry(entry, { ordered, delayMs });
      const { clock, random } = input;
      const target = `queue ${queueUrl}`;
      await sendInWaves(
        // One message may be as large as a batch, whatever the queue's own limit is.
        {
          target,
          ordered,
          clock,
          random,
          maxBytes: MAX_QUEUE_BYTES,
          sendBatch: (entries) => sendShrunk(claimChecks, entries, (some) => sendBatch(input, some.map(toEntry))),
        },
        checked,
      );
    },
  };
}

/** A queue may take less than is known here: the body of what it refuses for that is left in the bucket, where there is one. */
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
  const why = maxDelayMs === 0 ? "FIFO queues delay no single message" : `at most ${maxDelayMs} ms are possible`;
  throw new StackyardError(
    "CONFIG_INVALID",
    `A message to ${queueUrl} cannot wait ${delayMs} ms: ${why}. Keep it as due work.`,
  );
}

function toQueueEntry(
  { id, message }: BatchEntry,
  { ordered, delayMs }: { readonly ordered: boolean; readonly delayMs: number },
): SendMessageBatchRequestEntry {
  const { body, attributes, groupId, deduplicationId } = message;
  const waitMs = message.delayMs ?? delayMs;
  const fifo = { MessageGroupId: groupId, MessageDeduplicationId: deduplicationId };
  return {
    Id: id,
    MessageBody: body,
    ...(Object.keys(attributes).length === 0 ? {} : { MessageAttributes: toTextAttributes(attributes) }),
    ...(ordered ? fifo : {}),
    // Zero is said too: the queue may have a delay of its own.
    ...(ordered ? {} : { DelaySeconds: Math.ceil(waitMs / 1_000) }),
  };
}

async function sendBatch(
  { sqs, queueUrl }: QueueSenderInput,
  Entries: SendMessageBatchRequestEntry[],
): Promise<readonly FailedEntry[]> {
  try {
    const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    return Failed;
  } catch (error) {
    throw toStackyardError(error, `Sending to the queue ${queueUrl}`);
  }
}

/** A topic in front of queues. */
interface TopicSenderInput {
  readonly sns: SNSClient;
  readonly topicArn: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly claimChecks: ClaimChecks | undefined;
}

/** Publishes to one topic, in batches of ten. Topics delay nothing. */
export function createTopicSender(input: TopicSenderInput): Sender {
  const { topicArn, claimChecks, clock, random } = input;
  const ordered = isFifo(topicArn);
  return {
    async send(messages) {
      const limits = { claimChecks, maxBytes: MAX_TOPIC_BYTES };
      const checked = await Promise.all(messages.map((message) => checkLarge(message, limits)));
      await sendInWaves(
        {
          target: `topic ${topicArn}`,
          maxBytes: MAX_TOPIC_BYTES,
          ordered,
          clock,
          random,
          sendBatch: (entries) =>
            publishBatch(
              input,
              entries.map((entry) => toTopicEntry(entry, ordered)),
            ),
        },
        checked,
      );
    },
  };
}

function toTopicEntry({ id, message }: BatchEntry, ordered: boolean): PublishBatchRequestEntry {
  const { body, attributes, groupId, deduplicationId } = message;
  return {
    Id: id,
    Message: body,
    ...(Object.keys(attributes).length === 0 ? {} : { MessageAttributes: toTextAttributes(attributes) }),
    ...(ordered ? { MessageGroupId: groupId, MessageDeduplicationId: deduplicationId } : {}),
  };
}

/** The SDK is loaded by the first publication, so that yards without a topic start without it. */
async function publishBatch(
  { sns, topicArn }: TopicSenderInput,
  PublishBatchRequestEntries: PublishBatchRequestEntry[],
): Promise<readonly FailedEntry[]> {
  const { PublishBatchCommand } = await import("@aws-sdk/client-sns");
  try {
    const { Failed = [] } = await sns.send(new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries }));
    return Failed;
  } catch (error) {
    throw toStackyardError(error, `Publishing to the topic ${topicArn}`);
  }
}

/** One entry of a batch that was not taken, as SQS and SNS tell it. */
export interface FailedEntry {
  readonly Id?: string | undefined;
  readonly Code?: string | undefined;
  readonly Message?: string | undefined;
  /** True: it would be refused again. */
  readonly SenderFault?: boolean | undefined;
}

/** One message of a batch, with the id that answers name it by. */
interface BatchEntry {
  readonly id: string;
  readonly message: OutgoingMessage;
}

/** How a medium takes batches. */
interface WaveInput {
  /** Such as `queue https://…`, for errors. */
  readonly target: string;
  readonly maxBytes: number;
  readonly ordered: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** Sends one batch. Gives the entries that were not taken; throws errors of ours for the whole. */
  sendBatch(entries: readonly BatchEntry[]): Promise<readonly FailedEntry[]>;
}

const TRIES = 5;
const FIRST_WAIT_MS = 100;

/**
 * Sends all messages or throws. Of a batch that was taken in part, the rest is sent again, up to five times in all; what the
 * medium calls the sender's fault is not. When it throws, messages before the one at fault may have been sent: to send all
 * again is safe, since ids make them the same.
 */
export async function sendInWaves(input: WaveInput, messages: readonly OutgoingMessage[]): Promise<void> {
  for (const wave of toWaves(messages, input)) await sendWave(input, wave);
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
    await input.clock.sleep(FIRST_WAIT_MS * 2 ** (tries - 1) * (0.5 + input.random() / 2));
  }
}

function toRefusal({ target }: WaveInput, entry: FailedEntry, entries: readonly BatchEntry[]): StackyardError {
  const sent = entries.find(({ id }) => id === entry.Id);
  const bytes = sent === undefined ? "" : ` of ${byteSizeOf(sent.message)} bytes`;
  const text = `The ${target} refuses a message${bytes}: ${tell(entry)}`;
  if (isTooLong(entry)) {
    return new StackyardError(
      "PAYLOAD_TOO_LARGE",
      `${text} Raise its MaximumMessageSize, or name a bucket for large bodies (claimChecks; in the apps MESSAGE_BUCKET).`,
    );
  }
  return new StackyardError("CONFIG_INVALID", text, { details: MESSAGE_REFUSED });
}

/**
 * True for a message that is larger than this queue takes, which may be less than SQS does: the limit is a property of the queue.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
 */
function isTooLong({ Message = "" }: FailedEntry): boolean {
  return /shorter than|too long/i.test(Message);
}

function toUnreachable({ target }: WaveInput, failed: readonly FailedEntry[]): StackyardError {
  const [first] = failed;
  return new StackyardError(
    "UNREACHABLE",
    `The ${target} did not take ${failed.length} messages: ${tell(first ?? {})}`,
  );
}

function tell({ Code = "no code", Message = "" }: FailedEntry): string {
  return `${Code}${Message === "" ? "." : `, ${Message}`}`;
}

/**
 * Messages as batches that are sent one after the other: at most ten, and no more bytes than the medium takes. Where order
 * counts no batch has two messages of a group: of a batch some entries may fail, and one that is sent again would come after
 * those behind it.
 */
export function toWaves(
  messages: readonly OutgoingMessage[],
  { maxBytes, ordered }: { readonly maxBytes: number; readonly ordered: boolean },
): readonly (readonly OutgoingMessage[])[] {
  const waves: Wave[] = [];
  const next = new Map<string, number>();
  for (const message of messages) {
    const bytes = byteSizeOf(message);
    const from = ordered ? (next.get(message.groupId) ?? 0) : Math.max(0, waves.length - 1);
    const place = findPlace(waves, from, bytes, maxBytes);
    const wave = waves[place] ?? addWave(waves);
    wave.messages.push(message);
    wave.bytes += bytes;
    if (ordered) next.set(message.groupId, place + 1);
  }
  return waves.map((wave) => wave.messages);
}

interface Wave {
  readonly messages: OutgoingMessage[];
  bytes: number;
}

function findPlace(waves: readonly Wave[], from: number, bytes: number, maxBytes: number): number {
  const place = waves.findIndex((wave, index) => {
    return index >= from && wave.messages.length < MAX_ENTRIES && wave.bytes + bytes <= maxBytes;
  });
  return place === -1 ? waves.length : place;
}

function addWave(waves: Wave[]): Wave {
  const wave: Wave = { messages: [], bytes: 0 };
  waves.push(wave);
  return wave;
}
