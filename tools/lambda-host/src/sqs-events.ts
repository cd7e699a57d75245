import type { Message, MessageAttributeValue } from "@aws-sdk/client-sqs";
import { defined } from "@stackyard/core";

/** The event of a batch, as in "Using Lambda with Amazon SQS", example events of standard and FIFO queues. */
export interface SqsEvent {
  readonly Records: readonly SqsRecord[];
}

/** One message of it. */
export interface SqsRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<Record<string, SqsRecordAttribute>>;
  readonly md5OfBody: string;
  readonly eventSource: "aws:sqs";
  readonly eventSourceARN: string;
  readonly awsRegion: string;
}

/** The message attributes of the sender. */
interface SqsRecordAttribute {
  readonly dataType: string;
  readonly stringValue?: string;
  readonly binaryValue?: string;
  readonly stringListValues: readonly string[];
  readonly binaryListValues: readonly string[];
}

/** Returns the function's event for these messages. */
export function toSqsEvent(messages: readonly Message[], queueArn: string): SqsEvent {
  return { Records: messages.map((message) => toRecord(message, queueArn)) };
}

function toRecord(message: Message, eventSourceARN: string): SqsRecord {
  const { MessageId = "", ReceiptHandle = "", Body = "", MD5OfBody = "", Attributes = {} } = message;
  const messageAttributes = Object.entries(message.MessageAttributes ?? {}).map(
    ([name, value]) => [name, toAttribute(value)] as const,
  );
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    md5OfBody: MD5OfBody,
    attributes: { ...Attributes },
    messageAttributes: Object.fromEntries(messageAttributes),
    eventSource: "aws:sqs",
    eventSourceARN,
    awsRegion: eventSourceARN.split(":")[3] ?? "",
  };
}

function toAttribute({ DataType = "String", StringValue, BinaryValue }: MessageAttributeValue): SqsRecordAttribute {
  return defined({
    dataType: DataType,
    stringValue: StringValue,
    binaryValue: BinaryValue && Buffer.from(BinaryValue).toString("base64"),
    stringListValues: [],
    binaryListValues: [],
  });
}

/** What a mapping does with the messages of a batch: those are hidden until their visibility timeout ends, the rest is deleted. */
type BatchAnswer =
  | { readonly kind: "partly"; readonly failed: ReadonlySet<string> }
  | { readonly kind: "all-failed"; readonly why: string };

/**
 * Reads what a function answered to a batch as Lambda does. Source: "Handling errors for an SQS event source in Lambda",
 * success and failure conditions: an empty list, null, an empty object or no answer are a complete success; an empty or null
 * `itemIdentifier`, one that is not of the batch, or a wrong key is a complete failure. Without `ReportBatchItemFailures` an
 * answer is not read at all.
 */
export function toBatchAnswer(answer: unknown, messageIds: readonly string[], reportsFailures: boolean): BatchAnswer {
  const none: BatchAnswer = { kind: "partly", failed: new Set() };
  if (!reportsFailures || typeof answer !== "object" || answer === null) return none;
  const failures: unknown = Reflect.get(answer, "batchItemFailures");
  if (failures === undefined || failures === null) return none;
  if (!Array.isArray(failures)) return { kind: "all-failed", why: "batchItemFailures is not a list." };
  const known = new Set(messageIds);
  const failed = failures.map((failure: unknown) => Reflect.get(Object(failure), "itemIdentifier"));
  const wrong = failed.find((id) => !known.has(id));
  if (failed.some((id) => !known.has(id))) {
    return { kind: "all-failed", why: `${JSON.stringify(wrong)} is not a message of the batch.` };
  }
  return { kind: "partly", failed: new Set(failed) };
}
