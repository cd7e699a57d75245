import type { SQSClient } from "@aws-sdk/client-sqs";
import { StackyardError } from "@stackyard/core";
import { createQueueReader, type FailedReceipt } from "./queue-reader.ts";

/**
 * Deletes messages of a batch from the queue with that ARN, as functions do whose event source mapping does not read what they
 * answer. Gives those that were not deleted. Throws errors of ours, and `EVENT_INVALID` for an ARN that is none of a queue.
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
