import { createHash, randomUUID } from "node:crypto";
import {
  findNumber,
  findText,
  jsonFaults,
  type SimCall,
  SimFault,
  type SimPlugin,
  type SimService,
  textOf,
} from "./sim-call.ts";

/** Standard queues in this process. Delays, dead letters and what a function is told are an emulator's matter. */
export interface SimSqs {
  readonly service: SimService;
  /** Gives the URL. */
  addQueue(input: { readonly account: string; readonly region: string; readonly name: string }): string;
  /** What lies there, also what somebody works on. */
  messages(queueUrl: string): readonly QueuedMessage[];
}

/** A message as it lies in a queue. */
interface QueuedMessage {
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

/** How one call is served otherwise than an emulator serves it. */
export interface QueueEdge {
  /** Entries of a batch that are not taken, by their ids; the others are. Undefined: it is taken. */
  readonly refusesEntry?: (id: string) => RefusedEntry | undefined;
  /** Thrown before anything has seen the call. */
  readonly refuses?: Error;
  /** Thrown when the call has been served: nobody is told that it was. */
  readonly loses?: Error;
}

/** Why an entry is not taken. */
interface RefusedEntry {
  readonly Code: string;
  readonly Message: string;
  /** True: it would be refused again. */
  readonly SenderFault: boolean;
}

/** What SQS and SNS do now and then, over an emulator that never does it. */
export interface QueueEdges {
  /** For each client of the emulator. */
  readonly plugin: SimPlugin;
  /** How the next call of an operation, such as `SendMessageBatch`, is served. Several wait their turn. */
  once(operation: string, edge: QueueEdge): void;
}

/** None at first. */
export function createQueueEdges(): QueueEdges {
  const waiting = new Map<string, QueueEdge[]>();
  const middleware: Middleware = (next, { commandName }) => {
    return async (args) => {
      const edge = waiting.get(String(commandName).replace(/Command$/, ""))?.shift();
      return edge === undefined ? next(args) : serve(edge, next, args);
    };
  };
  const options = { name: "queueEdges", step: "initialize", override: true };
  return {
    // Above the SDK's own tries: what is thrown is what the caller sees when they are over.
    plugin: { applyToStack: (stack) => stack.add(middleware as never, options as never) },
    once: (operation, edge) => void waiting.set(operation, [...(waiting.get(operation) ?? []), edge]),
  };
}

/**
 * SQS API reference, ReceiveMessage, error OverLimit: "ReceiveMessage returns this error if the maximum number of in flight
 * messages is reached", which is 120,000 for a standard queue (SQS message quotas).
 */
export function overLimit(): Error {
  return new SimFault("OverLimit", 400, "Too many messages in flight");
}

/** SQS API reference, RequestThrottled: "The request was denied due to request throttling." */
export function requestThrottled(): Error {
  return new SimFault("RequestThrottled", 400, "Rate exceeded");
}

/**
 * SQS API reference, SendMessageBatch: "Because the batch request can result in a combination of successful and unsuccessful
 * actions, you should check for batch errors even when the call returns an HTTP status code of 200"; SNS's PublishBatch alike.
 */
export const NOT_TAKEN: RefusedEntry = { Code: "InternalError", Message: "Try again.", SenderFault: false };

/** SQS API reference, ChangeMessageVisibility and DeleteMessage, ReceiptHandleIsInvalid; of FIFO queues also when it has expired. */
export const INVALID_RECEIPT: RefusedEntry = {
  Code: "ReceiptHandleIsInvalid",
  Message: "The input receipt handle is invalid.",
  SenderFault: true,
};

type Input = Readonly<Record<string, unknown>>;
type Handle = (args: { readonly input: Input }) => Promise<{ readonly output: object }>;
type Middleware = (next: Handle, context: Readonly<Record<string, unknown>>) => Handle;

async function serve(edge: QueueEdge, next: Handle, args: { readonly input: Input }) {
  if (edge.refuses !== undefined) throw edge.refuses;
  const answer = await serveEntries(edge, next, args);
  if (edge.loses !== undefined) throw edge.loses;
  return answer;
}

/** SNS calls its entries otherwise. A request without entries is none, so it is not made. */
async function serveEntries({ refusesEntry }: QueueEdge, next: Handle, args: { readonly input: Input }) {
  const name = "Entries" in args.input ? "Entries" : "PublishBatchRequestEntries";
  const entries = args.input[name];
  if (refusesEntry === undefined || !Array.isArray(entries)) return next(args);
  const Failed = entries.flatMap(({ Id }) => {
    const why = refusesEntry(String(Id));
    return why === undefined ? [] : [{ Id, ...why }];
  });
  const refused = new Set(Failed.map(({ Id }) => Id));
  const taken = entries.filter(({ Id }) => !refused.has(Id));
  const nothing = { output: { $metadata: { httpStatusCode: 200 }, Successful: [] } };
  const answer = taken.length === 0 ? nothing : await next({ ...args, input: { ...args.input, [name]: taken } });
  return { ...answer, output: { ...answer.output, Failed } };
}
