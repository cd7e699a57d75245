import { StackyardError } from "@stackyard/core";
import type { MessageRecord } from "../message-record.ts";
import { isObject } from "../parse-json.ts";

/** A batch of a queue, as Lambda hands it over ("Using Lambda with Amazon SQS"). */
export interface SqsEvent {
  readonly Records: readonly SqsRecord[];
}

/** One message of it. */
export interface SqsRecord extends MessageRecord {
  readonly messageId: string;
  readonly receiptHandle?: string;
  readonly attributes?: { readonly ApproximateReceiveCount?: string };
}

/** Which messages come again ("Implementing partial batch responses"). */
export interface SqsBatchResponse {
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/** The records of a batch. Throws `EVENT_INVALID` for an event that no queue has sent; what records hold is judged one by one. */
export function parseRecords(event: unknown): readonly SqsRecord[] {
  const records = isObject(event) ? event["Records"] : undefined;
  if (Array.isArray(records) && records.every(isOfQueue)) return records as readonly SqsRecord[];
  throw new StackyardError("EVENT_INVALID", "The event is no batch of a queue.");
}

/** Whoever calls the function by hand may leave out who sends. */
function isOfQueue(record: unknown): boolean {
  return isObject(record) && (record["eventSource"] ?? "aws:sqs") === "aws:sqs";
}

/** How often a message was handed over, this time included. */
export function toAttempt({ attributes }: SqsRecord): number {
  const count = Number(attributes?.ApproximateReceiveCount ?? 1);
  return Number.isSafeInteger(count) && count > 0 ? count : 1;
}
