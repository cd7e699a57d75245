import type { Logger, TaskMessage } from "@stackyard/core";
import type { QueuedEvent } from "@stackyard/core/engine";
import type { IncomingMessage } from "../messages.ts";
import type { FailedReceipt, QueueReader } from "../queue-reader.ts";

/** Returns a message of the first delivery. */
export function anIncoming(body: string, overrides: Partial<IncomingMessage> = {}): IncomingMessage {
  return { messageId: "m-1", receiptHandle: "r-1", body, attributes: {}, deliveries: 1, ...overrides };
}

/** Returns a task message of the stack `pr-12` as the engine sends it. */
export function aTask(name = "db", overrides: Partial<TaskMessage> = {}): TaskMessage {
  return {
    task: { executor: "lambda", config: { name: "make-db" }, name },
    stack: {
      id: "pr-12",
      previousState: "INIT",
      machine: "review-app",
      _state: "BUILD",
      tasks: [{ name, status: "PENDING" }],
      metadata: { sha: "9f1c" },
    },
    dispatch: { id: `pr-12/e1/1/${name}/1`, attempt: 1, deadline: "2099-01-01T00:00:00.000Z" },
    ...overrides,
  };
}

/** Returns an event of the stack `s1`, accepted on the first day of 2026. */
export function anEvent(overrides: Partial<QueuedEvent> = {}): QueuedEvent {
  const stackId = overrides.stackId ?? "s1";
  const message = { event: "PUSH", stackId, metadata: { sha: "9f1c" } };
  return { id: "e1", stackId, origin: "external", message, receivedAt: Date.UTC(2026, 0, 1), ...overrides };
}

/** The values of a record that a test sets; the rest is as from Lambda. */
export interface RecordSketch {
  readonly id?: string;
  readonly body: unknown;
  readonly deliveries?: number;
  readonly group?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

/**
 * Returns an event as in https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, whose bodies are written as JSON
 * unless they are text.
 */
export function anSqsEvent(records: readonly RecordSketch[], queue = "stack-events") {
  return {
    Records: records.map(({ id, body, deliveries = 1, group, attributes = {} }, index) => ({
      messageId: id ?? `m-${index + 1}`,
      receiptHandle: `r-${index + 1}`,
      body: typeof body === "string" ? body : JSON.stringify(body),
      attributes: {
        ApproximateReceiveCount: String(deliveries),
        SentTimestamp: "1767225600000",
        SenderId: "AIDAIENQZJOLO23YVJ4VO",
        ApproximateFirstReceiveTimestamp: "1767225600001",
        ...(group === undefined ? {} : { MessageGroupId: group }),
      },
      messageAttributes: Object.fromEntries(
        Object.entries(attributes).map(([name, stringValue]) => {
          return [name, { stringValue, stringListValues: [], binaryListValues: [], dataType: "String" }];
        }),
      ),
      md5OfBody: "e4e68fb7bd0e697a0ae8f1bb342846b3",
      eventSource: "aws:sqs",
      eventSourceARN: `arn:aws:sqs:eu-west-1:111122223333:${queue}`,
      awsRegion: "eu-west-1",
    })),
  };
}

/** A queue with responses chosen by a test, which records its requests. */
interface FakeReader extends QueueReader {
  /** Delivers these to the next receive that has room for them. */
  deliver(...messages: readonly IncomingMessage[]): void;
  /** Deleted receipts, in order. */
  readonly removed: string[];
  /** The hidden receipts, as `receipt for milliseconds`. */
  readonly hidden: string[];
  /** How many messages each receive requested. */
  readonly asked: number[];
  /** Sets the responses of the next deletions and changes of visibility. */
  failNext(...answers: readonly (readonly FailedReceipt[] | Error)[]): void;
}

/** Creates an empty queue. Its receives wait until a message is delivered or they are aborted. */
export function createFakeReader(): FakeReader {
  const waiting: IncomingMessage[] = [];
  const failures: (readonly FailedReceipt[] | Error)[] = [];
  const removed: string[] = [];
  const hidden: string[] = [];
  const asked: number[] = [];
  let wake = () => {};

  function answer(): readonly FailedReceipt[] {
    const next = failures.shift() ?? [];
    if (next instanceof Error) throw next;
    return next;
  }

  return {
    queueUrl: "http://127.0.0.1/000000000000/queue",
    removed,
    hidden,
    asked,
    deliver(...messages) {
      waiting.push(...messages);
      wake();
    },
    failNext(...answers) {
      failures.push(...answers);
    },
    async receive(maxMessages, signal) {
      asked.push(maxMessages);
      if (waiting.length === 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
      return signal.aborted ? [] : waiting.splice(0, maxMessages);
    },
    async remove(receiptHandles) {
      removed.push(...receiptHandles);
      return answer();
    },
    async hide(receipts) {
      hidden.push(...receipts.map(({ receiptHandle, forMs }) => `${receiptHandle} for ${forMs}`));
      return answer();
    },
  };
}

/** Returns a message whose id, receipt and body are that text. */
export function aNamed(name: string, overrides: Partial<IncomingMessage> = {}): IncomingMessage {
  return anIncoming(name, { messageId: name, receiptHandle: name, ...overrides });
}

/** Returns a receipt that SQS does not accept. */
export function aFailedReceipt(receiptHandle: string, lasting: boolean): FailedReceipt {
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessageBatch.html, Failed
  const code = lasting ? "ReceiptHandleIsInvalid" : "InternalError";
  return { receiptHandle, code, reason: "The receipt handle has expired.", lasting };
}

/** A logger that keeps its lines for a test. */
interface RecordingLogger extends Logger {
  /** As `level message`. */
  readonly lines: readonly string[];
}

/** Makes one without lines. */
export function createRecordingLogger(): RecordingLogger {
  const lines: string[] = [];
  const add = (level: keyof Logger) => (message: string) => {
    lines.push(`${level} ${message}`);
  };
  return { debug: add("debug"), info: add("info"), warn: add("warn"), error: add("error"), lines };
}
