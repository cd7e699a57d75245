import { StackyardError } from "@stackyard/core";
import type { SqsBatchResponse } from "@stackyard/transport-sqs";

/**
 * What a function answers to a batch. Where nothing could be worked it throws, which means the same to Lambda, and is also
 * understood by an event source mapping without `ReportBatchItemFailures`: that one would take any answer for success and
 * delete the messages. So batches of one, as CloudSeam's users have them, need no other mapping.
 */
export function answerBatch(response: SqsBatchResponse, messages: number): SqsBatchResponse {
  const failed = response.batchItemFailures.length;
  if (failed === 0 || failed < messages) return response;
  const what = failed === 1 ? "The message could not be worked" : `None of the ${failed} messages could be worked`;
  throw new StackyardError("SERVER_ERROR", `${what}; the log says why. It comes again.`);
}
