import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from "@aws-sdk/client-sqs";
import { type Clock, type Random, StackyardError } from "@stackyard/core";
import { type ClaimChecks, checkLarge } from "./claim-check.ts";
import { isFifo } from "./fifo-ids.ts";
import { toTextAttributes } from "./outgoing-message.ts";
import { type BatchEntry, type FailedEntry, isTooLong, sendInWaves } from "./send-in-waves.ts";
import type { Sender } from "./sender.ts";
import { MAX_DELAY_MS, MAX_QUEUE_BYTES } from "./sqs-limits.ts";
import { toStackyardError } from "./to-stackyard-error.ts";

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
