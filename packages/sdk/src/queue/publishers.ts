import { hash } from "node:crypto";
import type { SNSClient } from "@aws-sdk/client-sns";
import type { SQSClient } from "@aws-sdk/client-sqs";
import {
  type BatchLimits,
  type ErrorCode,
  findRoundedFault,
  isFifo,
  isGroupId,
  isStackyardError,
  StackyardError,
  toBatches,
  toQueueText,
} from "@stackyard/core";
import type { EventOf } from "@stackyard/core/machine";
import { backoffMs, type CallOptions, createEventId, sleep } from "../http-client.ts";
import type { MachineEvents, NewEvent, Publisher, PublishResult } from "../publisher.ts";

/** W3C trace context: https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** The options that publishers over queues and topics share. */
export interface SenderOptions {
  /** Returns the current trace context; it is sent with the events. */
  readonly trace?: () => TraceContext | undefined;
  /** Further tries for entries of a batch that were not taken. Default 3. Whole requests are tried again by the SDK client. */
  readonly retries?: number;
}

/** The event queue of a yard. */
export interface QueuePublisherOptions extends SenderOptions {
  readonly sqs: SQSClient;
  /** Ends in `.fifo` for a FIFO queue. */
  readonly queueUrl: string;
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html: of a message and of a batch. */
const MAX_BYTES = 1_048_576;
/** Left for the trace context of ten entries. */
const TRACE_BYTES = 10_240;

/**
 * Creates a publisher to a yard's event queue, without a server; the caller needs `sqs:SendMessage`. Events are sent in
 * batches of ten; a missing id is generated before the first try, so a retry is applied once. Errors: `UNREACHABLE`,
 * `RATE_LIMITED` (publish again), `FORBIDDEN`, `CONFIG_INVALID`, `INTERRUPTED`.
 */
export function createQueuePublisher<Machine extends MachineEvents = MachineEvents>(
  options: QueuePublisherOptions,
): Publisher<EventOf<Machine>> {
  const { sqs, queueUrl } = options;
  const ordered = isFifo(queueUrl);
  return createSender(
    {
      name: `the queue ${queueUrl}`,
      limits: { maxBytes: MAX_BYTES - TRACE_BYTES, ordered },
      async send(entries, { abortSignal, trace }) {
        const { SendMessageBatchCommand } = await import("@aws-sdk/client-sqs");
        const Entries = entries.map((entry) => ({
          Id: entry.Id,
          MessageBody: entry.body,
          ...toAttributes(trace),
          ...(ordered ? toFifoIds(entry) : {}),
        }));
        const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }), {
          abortSignal,
        });
        return Failed;
      },
    },
    options,
  );
}

/** A topic that the event queues of yards are subscribed to. */
export interface TopicPublisherOptions extends SenderOptions {
  readonly sns: SNSClient;
  /** Ends in `.fifo` for a FIFO topic. */
  readonly topicArn: string;
}

/** https://docs.aws.amazon.com/general/latest/gr/sns.html: of a message and of a batch. */
const MAX_TOPIC_BYTES = 262_144;
/** Reserve for the trace context of ten entries. */

/** Creates a publisher as `createQueuePublisher` does, through a topic; the caller needs `sns:Publish`. */
export function createTopicPublisher<Machine extends MachineEvents = MachineEvents>(
  options: TopicPublisherOptions,
): Publisher<EventOf<Machine>> {
  const { sns, topicArn } = options;
  const ordered = isFifo(topicArn);
  return createSender(
    {
      name: `the topic ${topicArn}`,
      limits: { maxBytes: MAX_TOPIC_BYTES - TRACE_BYTES, ordered },
      async send(entries, { abortSignal, trace }) {
        const { PublishBatchCommand } = await import("@aws-sdk/client-sns");
        const PublishBatchRequestEntries = entries.map((entry) => ({
          Id: entry.Id,
          Message: entry.body,
          ...toAttributes(trace),
          ...(ordered ? toFifoIds(entry) : {}),
        }));
        const request = new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries });
        const { Failed = [] } = await sns.send(request, { abortSignal });
        return Failed;
      },
    },
    options,
  );
}

/** An entry with the id that answers name it by. */
interface BatchEntry extends EventEntry {
  readonly Id: string;
}

/** A rejected entry, as SQS and SNS report it. */
interface FailedEntry {
  readonly Id?: string | undefined;
  readonly Code?: string | undefined;
  readonly Message?: string | undefined;
  readonly SenderFault?: boolean | undefined;
}

/** The medium of a publisher: it sends batches. */
interface Medium {
  /** For errors, such as `the queue https://…`. */
  readonly name: string;
  readonly limits: Pick<BatchLimits<EventEntry>, "maxBytes" | "ordered">;
  send(
    entries: readonly BatchEntry[],
    options: { readonly abortSignal: AbortSignal; readonly trace: TraceContext | undefined },
  ): Promise<readonly FailedEntry[]>;
}

const DEFAULT_RETRIES = 3;

/** Creates a publisher over a transport of batches. */
function createSender(medium: Medium, { trace, retries = DEFAULT_RETRIES }: SenderOptions): Publisher {
  const publishMany = async (
    events: readonly NewEvent[],
    { signal }: CallOptions = {},
  ): Promise<readonly PublishResult[]> => {
    const abortSignal = signal ?? new AbortController().signal;
    const prepared = events.map((event, index) => ({
      ...toEventEntry(event, medium.limits.maxBytes),
      Id: String(index),
    }));
    const ready = prepared.flatMap((entry) => (entry.kind === "ready" ? [entry] : []));
    const refused = new Map<string, FailedEntry>();
    const limits = {
      ...medium.limits,
      bytesOf: ({ bytes }: EventEntry) => bytes,
      groupOf: ({ stackId }: EventEntry) => stackId,
    };
    for (const batch of toBatches(ready, limits)) {
      const context = { medium, retries, abortSignal, trace: trace?.() };
      for (const failed of await sendBatch(context, batch)) refused.set(failed.Id ?? "", failed);
    }
    return prepared.map((entry) => toResult(entry, refused.get(entry.Id)));
  };
  return {
    publishMany,
    async publish(event, options) {
      const [result] = await publishMany([event], options);
      if (result?.kind === "accepted") return { eventId: result.eventId, stackId: result.stackId };
      const reason = result?.reason ?? "It was not sent.";
      throw new StackyardError("EVENT_INVALID", reason, { details: { code: result?.code } });
    },
  };
}

interface SendContext {
  readonly medium: Medium;
  readonly retries: number;
  readonly abortSignal: AbortSignal;
  readonly trace: TraceContext | undefined;
}

/** Sends until all entries are accepted or permanently rejected; returns the rejected ones. */
async function sendBatch(context: SendContext, batch: readonly BatchEntry[]): Promise<readonly FailedEntry[]> {
  const { medium, retries, abortSignal } = context;
  const refused: FailedEntry[] = [];
  let left = batch;
  for (let tries = 1; left.length > 0; tries += 1) {
    const failed = await sendOnce(context, left);
    refused.push(...failed.filter(({ SenderFault }) => SenderFault === true));
    const passing = failed.filter(({ SenderFault }) => SenderFault !== true);
    const ids = new Set(passing.map(({ Id }) => Id));
    left = left.filter(({ Id }) => ids.has(Id));
    if (left.length > 0 && (tries > retries || abortSignal.aborted)) {
      const [first] = passing;
      const text = `${medium.name} did not take ${left.length} events: ${first?.Code ?? "no code"}. Publish them again.`;
      throw new StackyardError("UNREACHABLE", text);
    }
    if (left.length > 0) await sleep(backoffMs(tries), abortSignal);
  }
  return refused;
}

async function sendOnce(
  { medium, abortSignal, trace }: SendContext,
  entries: readonly BatchEntry[],
): Promise<readonly FailedEntry[]> {
  try {
    return await medium.send(entries, { abortSignal, trace });
  } catch (error) {
    if (abortSignal.aborted) throw new StackyardError("INTERRUPTED", "The call was stopped.", { cause: error });
    throw toSendError(error, medium.name);
  }
}

function toResult(
  entry: (EventEntry | Extract<PublishResult, { kind: "invalid" }>) & { readonly Id: string },
  refused: FailedEntry | undefined,
): PublishResult {
  if (entry.kind === "invalid") return { kind: "invalid", code: entry.code, reason: entry.reason };
  if (refused === undefined) return { kind: "accepted", eventId: entry.eventId, stackId: entry.stackId };
  const { Code = "REFUSED", Message = "It was refused." } = refused;
  // The queue's own MaximumMessageSize may be less than the maximum of SQS.
  const code = /shorter than|too long/i.test(Message) ? "PAYLOAD_TOO_LARGE" : "EVENT_INVALID";
  return { kind: "invalid", code, reason: `${Code}: ${Message}` };
}

type Refusal = Extract<PublishResult, { kind: "invalid" }>;

/**
 * Returns the error that the yard's API would report for the names of an event. A queue accepts any text, so they are
 * checked here; the whole parser would bring expressions and schemas into every program that publishes.
 */
export function findEventFault(event: NewEvent): Refusal | undefined {
  const named = { ...NAMES, ...event };
  if (RESERVED.has(named.event)) {
    return { kind: "invalid", code: "EVENT_RESERVED", reason: `"${named.event}" is sent by the engine only.` };
  }
  const rounded = findRoundedFault(event.metadata);
  if (rounded !== undefined) {
    return { kind: "invalid", code: "EVENT_INVALID", reason: `The message is refused for its "metadata": ${rounded}.` };
  }
  const key = (Object.keys(NAMES) as (keyof typeof NAMES)[]).find((name) => !isName(named[name]));
  if (key === undefined) return undefined;
  const reason = `"${key}" must be a text of 1 to 255 characters without control characters.`;
  return { kind: "invalid", code: "EVENT_INVALID", reason };
}

/** Valid values for the names of an event: a part that is left out is in order. */
const NAMES = { stackId: "", event: "", id: "-", machine: "-" };

/** Sent by the engine only. */
const RESERVED: ReadonlySet<string> = new Set(["NEXT", "TASK_CANCELLED", "TASK_TIMED_OUT", "TASK_RETRY_DUE"]);

function isName(value: unknown): boolean {
  return (
    typeof value === "string" && value !== "" && value.length <= 255 && value.isWellFormed() && !CONTROL.test(value)
  );
}

const CONTROL = /\p{Cc}/u;

/** An event as an entry of a batch. */
interface EventEntry {
  readonly kind: "ready";
  readonly eventId: string;
  readonly stackId: string;
  readonly body: string;
  readonly bytes: number;
}

/**
 * Builds the body of an event's message with its id, or the reason why it is invalid: its names or its size. The yard
 * checks the rest when it reads the message.
 */
export function toEventEntry(event: NewEvent, maxBytes: number): EventEntry | Refusal {
  const fault = findEventFault(event);
  if (fault !== undefined) return fault;
  const { stackId } = event;
  const eventId = event.id ?? createEventId();
  const body = findQueueText({ ...event, id: eventId });
  if (body === undefined)
    return { kind: "invalid", code: "EVENT_INVALID", reason: "The metadata cannot be represented as JSON." };
  // Escaped text is ASCII; the rest counts as UTF-8.
  const bytes = new TextEncoder().encode(body).length;
  if (bytes > maxBytes) {
    const reason = `The event is ${bytes} bytes; ${maxBytes} fit into a message. Give large values as a file's address.`;
    return { kind: "invalid", code: "PAYLOAD_TOO_LARGE", reason };
  }
  return { kind: "ready", eventId, stackId, body, bytes };
}

/** Returns undefined for an event that cannot be JSON. */
function findQueueText(message: NewEvent): string | undefined {
  try {
    return toQueueText(message);
  } catch {
    return undefined;
  }
}

/**
 * Returns the ids of FIFO queues and topics: the stack's events stay in order, and a repeat within five minutes is
 * dropped. They are those of the yard's own transport, so that events from both stay in one order.
 */
function toFifoIds({ stackId, eventId }: Pick<EventEntry, "stackId" | "eventId">) {
  return {
    MessageGroupId: isGroupId(stackId) ? stackId : hashOf([stackId]),
    MessageDeduplicationId: hashOf([stackId, eventId]),
  };
}

function hashOf(parts: readonly string[]): string {
  return hash("sha256", parts.join("\u0000"));
}

/** Returns the trace context as attributes of an entry; none without tracing. */
function toAttributes(trace: TraceContext | undefined): {
  readonly MessageAttributes?: Record<string, { DataType: "String"; StringValue: string }>;
} {
  if (trace === undefined) return {};
  const { traceparent, tracestate } = trace;
  const attributes = { traceparent, ...(tracestate === undefined || tracestate === "" ? {} : { tracestate }) };
  const entries = Object.entries(attributes).map(([name, StringValue]) => {
    return [name, { DataType: "String" as const, StringValue }] as const;
  });
  return { MessageAttributes: Object.fromEntries(entries) };
}

/** Converts an error of an SDK client to one of ours. */
function toSendError(error: unknown, target: string): StackyardError {
  if (isStackyardError(error)) return error;
  const name = error instanceof Error ? error.name : "";
  const text = error instanceof Error ? error.message : String(error);
  return new StackyardError(codeOf(name), `Publishing to ${target} failed with ${name || "an error"}: ${text}`, {
    cause: error,
  });
}

function codeOf(name: string): ErrorCode {
  return CODES.find(([pattern]) => pattern.test(name))?.[1] ?? "UNREACHABLE";
}

// Names of both services, short and as older endpoints write them:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html
const CODES: readonly (readonly [RegExp, ErrorCode])[] = [
  [/AccessDenied|AuthorizationError|UnrecognizedClient|InvalidClientTokenId|ExpiredToken/, "FORBIDDEN"],
  [
    /CredentialsProvider|InvalidParameter|InvalidAddress|NonExistentQueue|QueueDoesNotExist|^NotFound/,
    "CONFIG_INVALID",
  ],
  [/BatchRequestTooLong/, "PAYLOAD_TOO_LARGE"],
  [/Throttl|TooManyRequests|OverLimit|RequestLimitExceeded/, "RATE_LIMITED"],
];
