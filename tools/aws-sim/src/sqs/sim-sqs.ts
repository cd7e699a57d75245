import { createHash, randomUUID } from "node:crypto";
import { jsonFaults } from "../json-faults.ts";
import { findNumber, findText, type SimCall, type SimService, textOf } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

/** Standard queues in this process. Delays, dead letters and event source mappings are the emulator's. */
export interface SimSqs {
  readonly service: SimService;
  /** Gives the URL. */
  addQueue(input: { readonly account: string; readonly region: string; readonly name: string }): string;
  /** All messages, including those in flight. */
  messages(queueUrl: string): readonly QueuedMessage[];
}

/** A message as it lies in a queue. */
export interface QueuedMessage {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface Queued extends QueuedMessage {
  visibleAt: number;
  received: number;
  receipt: string | undefined;
}

interface Queue {
  readonly account: string;
  readonly messages: Queued[];
}

/** "SendMessage": 1 MiB since August 2025 with attributes. */
const MAX_BYTES = 1_048_576;
const MAX_ENTRIES = 10;
/** "CreateQueue", VisibilityTimeout: 30 seconds if nothing else is said. */
const VISIBILITY_SECONDS = 30;

/** SQS without queues. Source: API reference (2012-11-05), each operation. */
export function createSqs(): SimSqs {
  const queues = new Map<string, Queue>();
  const on =
    (run: (queue: Queue, call: SimCall) => unknown) =>
    (call: SimCall): unknown => {
      const queue = queues.get(textOf(call.input, "QueueUrl"));
      if (queue === undefined) throw missing();
      if (queue.account !== call.identity.account) throw jsonFaults.denied(call.identity.arn, `sqs:${call.operation}`);
      return run(queue, call);
    };
  return {
    service: {
      operations: {
        SendMessage: on(({ messages }, { input }) => send(messages, input)),
        SendMessageBatch: on(sendBatch),
        ReceiveMessage: on(receive),
        DeleteMessage: on((queue, { input }) => remove(queue, textOf(input, "ReceiptHandle"))),
        ChangeMessageVisibility: on(changeVisibility),
        GetQueueAttributes: on(({ messages }) => ({
          Attributes: { ApproximateNumberOfMessages: String(messages.length) },
        })),
      },
      toAction: (operation) => `sqs:${operation.replace(/Batch$/, "")}`,
      faults: jsonFaults,
    },
    addQueue({ account, region, name }) {
      const url = `https://sqs.${region}.amazonaws.com/${account}/${name}`;
      queues.set(url, { account, messages: [] });
      return url;
    },
    messages: (url) =>
      (queues.get(url)?.messages ?? []).map(({ messageId, body, attributes }) => ({ messageId, body, attributes })),
  };
}

function send(messages: Queued[], input: Readonly<Record<string, unknown>>): object {
  const body = findText(input, "MessageBody") ?? "";
  if (body === "") throw new SimFault("MissingParameter", 400, "The request must contain the parameter MessageBody.");
  if (Buffer.byteLength(body) > MAX_BYTES) {
    throw new SimFault("InvalidParameterValue", 400, `One or more parameters are invalid: MessageBody is too long.`);
  }
  const sent: readonly (readonly [string, unknown])[] = Object.entries(Object(input["MessageAttributes"]));
  const attributes = Object.fromEntries(sent.map(([name, value]) => [name, String(Object(value).StringValue)]));
  const message = { messageId: randomUUID(), body, attributes, visibleAt: 0, received: 0, receipt: undefined };
  messages.push(message);
  return { MessageId: message.messageId, MD5OfMessageBody: md5(body) };
}

function sendBatch({ messages }: Queue, { input }: SimCall): unknown {
  const entries: readonly Readonly<Record<string, unknown>>[] = Object(input["Entries"] ?? []);
  if (entries.length === 0) throw new SimFault("EmptyBatchRequest", 400, "There are no entries.");
  if (entries.length > MAX_ENTRIES) throw new SimFault("TooManyEntriesInBatchRequest", 400, "There are too many.");
  return { Successful: entries.map((entry) => ({ Id: entry["Id"], ...send(messages, entry) })), Failed: [] };
}

function receive({ messages }: Queue, { input, now }: SimCall): unknown {
  const most = findNumber(input, "MaxNumberOfMessages") ?? 1;
  const seconds = findNumber(input, "VisibilityTimeout") ?? VISIBILITY_SECONDS;
  const taken = messages.filter(({ visibleAt }) => visibleAt <= now).slice(0, most);
  for (const message of taken) {
    message.visibleAt = now + seconds * 1_000;
    message.received += 1;
    message.receipt = randomUUID();
  }
  const Messages = taken.map(({ messageId, body, receipt, received, attributes }) => ({
    MessageId: messageId,
    Body: body,
    MD5OfBody: md5(body),
    ReceiptHandle: receipt,
    Attributes: { ApproximateReceiveCount: String(received) },
    MessageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: "String", StringValue }]),
    ),
  }));
  return taken.length === 0 ? {} : { Messages };
}

/** Clients compare it with what they sent or got. */
function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/** "DeleteMessage": an old receipt is taken, and deletes nothing. */
function remove({ messages }: Queue, receipt: string): object {
  const at = messages.findIndex((message) => message.receipt === receipt);
  if (at !== -1) messages.splice(at, 1);
  return {};
}

function changeVisibility({ messages }: Queue, { input, now }: SimCall): object {
  const message = messages.find(({ receipt }) => receipt === textOf(input, "ReceiptHandle"));
  if (message === undefined) throw new SimFault("InvalidParameterValue", 400, "The receipt handle has expired.");
  message.visibleAt = now + (findNumber(input, "VisibilityTimeout") ?? 0) * 1_000;
  return {};
}

function missing(): SimFault {
  return new SimFault("QueueDoesNotExist", 400, "The specified queue does not exist.");
}
