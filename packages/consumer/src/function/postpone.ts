import { ChangeMessageVisibilityCommand } from "@aws-sdk/client-sqs";
import type { ConsumerDeps } from "./record-context.ts";
import { type SqsRecord, toAttempt } from "./sqs-event.ts";

const SOON_SECONDS = 1;
/** As long as those before it in the batch may need. */
const UNBEGUN_SECONDS = 60;
const FIRST_SECONDS = 15;
const LONGEST_SECONDS = 900;

/**
 * When the queue delivers the message once more. Its own visibility is a multiple of the function's time, far too long for a
 * copy that only ran out of it. A failure changes nothing: then that visibility holds.
 */
export async function postpone(
  { clients, queueUrl, logger }: ConsumerDeps,
  record: SqsRecord,
  why: "again" | "soon" | "unbegun",
): Promise<void> {
  if (queueUrl === undefined || record.receiptHandle === undefined) return;
  const request = { QueueUrl: queueUrl, ReceiptHandle: record.receiptHandle };
  try {
    const VisibilityTimeout = toSeconds(why, toAttempt(record));
    await clients.sqs.send(new ChangeMessageVisibilityCommand({ ...request, VisibilityTimeout }));
  } catch (error) {
    logger.warn("A message could not be postponed.", { messageId: record.messageId, error });
  }
}

/** Twice as long with each attempt that has failed. */
function toSeconds(why: "again" | "soon" | "unbegun", attempt: number): number {
  if (why === "soon") return SOON_SECONDS;
  if (why === "unbegun") return UNBEGUN_SECONDS;
  return Math.min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** Math.min(attempt - 1, 10));
}
