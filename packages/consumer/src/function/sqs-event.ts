import type { MessageRecord } from "../message-record.ts";

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

/** How often a message was handed over, this time included. */
export function toAttempt({ attributes }: SqsRecord): number {
  const count = Number(attributes?.ApproximateReceiveCount ?? 1);
  return Number.isSafeInteger(count) && count > 0 ? count : 1;
}
