import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { chunk, MAX_BATCH_ENTRIES, StackyardError } from "@stackyard/core";
import { type IncomingMessage, toIncomingMessage } from "./messages.ts";
import type { FailedEntry } from "./senders.ts";
import { callTransport, toStackyardError } from "./to-stackyard-error.ts";

/** A delivery that could not be acknowledged or kept hidden, and why. */
export interface FailedReceipt {
  readonly receiptHandle: string;
  readonly code: string;
  readonly reason: string;
  /** True: a repeated request would fail again; the delivery is over, or belongs to another reader. */
  readonly lasting: boolean;
}

/** One queue as its reader sees it. Errors of ours. */
export interface QueueReader {
  readonly queueUrl: string;
  /** Receives at most ten messages; waits for the first of them. An aborted call returns none. */
  receive(maxMessages: number, signal: AbortSignal): Promise<readonly IncomingMessage[]>;
  /** Deletes messages; any number. Returns those that were not deleted. */
  remove(receiptHandles: readonly string[]): Promise<readonly FailedReceipt[]>;
  /** Hides messages for this time from now on, 0: shows them; any number. Returns those that failed. */
  hide(receipts: readonly HiddenReceipt[]): Promise<readonly FailedReceipt[]>;
}

/** The receipt of a hidden delivery, and the time for which it stays hidden. */
export interface HiddenReceipt {
  readonly receiptHandle: string;
  readonly forMs: number;
}

/** The input of a queue's reader. */
interface QueueReaderInput {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly visibilityMs: number;
  readonly waitMs: number;
}

/** Reads one queue over the SDK. */
export function createQueueReader(input: QueueReaderInput): QueueReader {
  const { sqs, queueUrl } = input;
  return {
    queueUrl,
    receive: (maxMessages, signal) => receive(input, maxMessages, signal),
    remove(receiptHandles) {
      const entries = receiptHandles.map((ReceiptHandle) => ({ ReceiptHandle }));
      return inTens(`Deleting from the queue ${queueUrl}`, entries, (Entries) =>
        sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries })),
      );
    },
    hide(receipts) {
      const entries = receipts.map(({ receiptHandle, forMs }) => {
        return { ReceiptHandle: receiptHandle, VisibilityTimeout: Math.ceil(forMs / 1_000) };
      });
      return inTens(`Changing the visibility of messages of the queue ${queueUrl}`, entries, (Entries) =>
        sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries })),
      );
    },
  };
}

async function receive(
  { sqs, queueUrl, visibilityMs, waitMs }: QueueReaderInput,
  maxMessages: number,
  signal: AbortSignal,
): Promise<readonly IncomingMessage[]> {
  if (signal.aborted) return [];
  const request = new ReceiveMessageCommand({
    QueueUrl: queueUrl,
    MaxNumberOfMessages: maxMessages,
    WaitTimeSeconds: Math.ceil(waitMs / 1_000),
    VisibilityTimeout: Math.ceil(visibilityMs / 1_000),
    MessageAttributeNames: ["All"],
    MessageSystemAttributeNames: ["ApproximateReceiveCount", "SentTimestamp", "MessageGroupId", "SenderId"],
  });
  try {
    const { Messages = [] } = await sqs.send(request, { abortSignal: signal });
    return Messages.map(toIncoming);
  } catch (error) {
    if (signal.aborted) return [];
    throw toStackyardError(error, `Receiving from the queue ${queueUrl}`);
  }
}

function toIncoming({
  MessageId,
  ReceiptHandle,
  Body,
  Attributes = {},
  MessageAttributes = {},
}: Message): IncomingMessage {
  const texts = Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue] as const);
  return toIncomingMessage({
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    system: Attributes,
    attributes: Object.fromEntries(texts),
  });
}

/** Sends entries in batches of ten. `what` describes the call. Returns those that failed. */
async function inTens<Entry extends { readonly ReceiptHandle: string }>(
  what: string,
  entries: readonly Entry[],
  send: (entries: (Entry & { readonly Id: string })[]) => Promise<{ readonly Failed?: FailedEntry[] | undefined }>,
): Promise<readonly FailedReceipt[]> {
  const failed: FailedReceipt[] = [];
  for (const tens of chunk(entries, MAX_BATCH_ENTRIES)) {
    const { Failed = [] } = await callTransport(what, () =>
      send(tens.map((entry, at) => ({ ...entry, Id: String(at) }))),
    );
    for (const { Id, Code: code = "Unknown", Message: reason = "", SenderFault: lasting = false } of Failed) {
      const receiptHandle = tens[Number(Id)]?.ReceiptHandle;
      if (receiptHandle !== undefined) failed.push({ receiptHandle, code, reason, lasting });
    }
  }
  return failed;
}

/**
 * Deletes messages of a batch from the queue with that ARN, for functions whose event source mapping ignores their
 * response. Returns the messages that were not deleted. Throws Stackyard errors, such as `EVENT_INVALID` for an ARN of
 * another service.
 */
export async function deleteMessages(
  sqs: SQSClient,
  queueArn: string,
  receiptHandles: readonly string[],
): Promise<readonly FailedReceipt[]> {
  const queueUrl = await toQueueUrl(sqs, queueArn);
  return createQueueReader({ sqs, queueUrl, visibilityMs: 0, waitMs: 0 }).remove(receiptHandles);
}

/** Batches name their queue by its ARN, calls by its URL. To ask SQS for it would need one more permission. */
async function toQueueUrl({ config }: SQSClient, queueArn: string): Promise<string> {
  const [, , service, region, account, name] = queueArn.split(":");
  if (service !== "sqs" || !region || !account || !name) {
    throw new StackyardError("EVENT_INVALID", `"${queueArn}" is not the ARN of a queue.`);
  }
  const [fips, dual] = await Promise.all([config.useFipsEndpoint(), config.useDualstackEndpoint()]);
  const { url } = config.endpointProvider({ Region: region, UseFIPS: fips === true, UseDualStack: dual === true });
  return new URL(`/${account}/${name}`, url).href;
}
