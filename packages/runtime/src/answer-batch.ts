import { defined, type Logger, StackyardError } from "@stackyard/core";
import {
  type BatchOptions,
  deleteMessages,
  type FailedReceipt,
  type SqsBatch,
  type SqsBatchResponse,
  type SqsTransportOptions,
} from "@stackyard/transport-sqs";
import type { Environment } from "./environment.ts";
import { MAX_DELIVERIES } from "./transport-options.ts";

/** Dependencies of responding to a batch. */
interface AnswerDeps {
  /**
   * Deletes messages from the queue with that ARN. Undefined: the event source mapping reads the response, because the
   * yard was set up for this app.
   */
  readonly deleteWorked: DeleteWorked | undefined;
  readonly logger: Logger;
}

/** Deletes messages. Returns those that were not deleted. */
export type DeleteWorked = (queueArn: string, receiptHandles: readonly string[]) => Promise<readonly FailedReceipt[]>;

/**
 * Returns the response of a function to a batch. A mapping without `ReportBatchItemFailures` treats any response as
 * success and deletes all messages, and a function cannot detect which kind called it. With both kinds an error makes
 * the whole batch come again. So if no message could be processed it throws; if a part could, it deletes that part and
 * then throws, as the predecessor's did.
 */
export async function answerBatch(
  deps: AnswerDeps,
  batch: SqsBatch,
  response: SqsBatchResponse,
): Promise<SqsBatchResponse> {
  const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  if (failed.size === 0) return response;
  const worked = batch.messages.filter(({ messageId }) => !failed.has(messageId));
  if (worked.length > 0) {
    if (deps.deleteWorked === undefined) return response;
    // A message made by hand is in no queue.
    const receiptHandles = worked.map(({ receiptHandle }) => receiptHandle).filter((handle) => handle !== "");
    if (receiptHandles.length > 0)
      await attemptToDelete(deps.logger, batch.queueArn, receiptHandles, deps.deleteWorked);
  }
  throw new StackyardError("SERVER_ERROR", formatFailed(failed.size, batch.messages.length));
}

async function attemptToDelete(
  logger: Logger,
  queueArn: string,
  receiptHandles: readonly string[],
  deleteWorked: DeleteWorked,
): Promise<void> {
  const text = "Messages that were worked could not be deleted from the queue; they come again with the failed ones.";
  try {
    const kept = await deleteWorked(queueArn, receiptHandles);
    if (kept.length > 0) logger.error(text, { queueArn, count: kept.length, reason: kept[0]?.reason });
  } catch (error) {
    logger.error(text, { error, queueArn, count: receiptHandles.length });
  }
}

function formatFailed(failed: number, messages: number): string {
  if (messages === 1) return "The message could not be processed; see the log. It is delivered again.";
  const what = failed === messages ? `None of the ${messages}` : `${failed} of ${messages}`;
  return `${what} messages could ${failed === messages ? "" : "not "}be processed; see the log. They are delivered again.`;
}

/**
 * Returns the function that deletes processed messages of a batch. Undefined with `stack-ticks`: a yard that has it was
 * set up for this app, with mappings that read responses.
 */
export function toDeleteWorked(
  { queues }: Pick<Environment, "queues">,
  { sqs }: Pick<SqsTransportOptions, "sqs">,
): DeleteWorked | undefined {
  if (queues.ticks !== undefined) return undefined;
  return (queueArn, receiptHandles) => deleteMessages(sqs, queueArn, receiptHandles);
}

/** Returns the options of a function's batches, from the transport's options and the dead-letter queue. */
export function toBatchOptions(queues: SqsTransportOptions, deadLetterUrl: string | undefined): BatchOptions {
  const { sqs, claimChecks, resultKey, findSender, tracing, clock, random, logger } = queues;
  const { eventQueue, taskQueue, longTaskQueue } = queues;
  return defined({
    maxDeliveries: MAX_DELIVERIES,
    queues: { sqs, urls: [eventQueue, taskQueue, longTaskQueue].flatMap((queue) => queue?.url ?? []) },
    deadLetters: deadLetterUrl === undefined ? undefined : { sqs, url: deadLetterUrl },
    claimChecks,
    resultKey,
    findSender,
    tracing,
    clock,
    random,
    logger,
  });
}
