import { deleteMessages, type SqsTransportOptions } from "@stackyard/transport-sqs";
import type { DeleteWorked } from "./answer-batch.ts";
import type { Environment } from "./environment/parse-environment.ts";

/**
 * How a function deletes what it has worked of a batch. Undefined with `stack-ticks`: a yard that has it was set up for this
 * app, with mappings that read answers.
 */
export function toDeleteWorked(
  { queues }: Pick<Environment, "queues">,
  { sqs }: Pick<SqsTransportOptions, "sqs">,
): DeleteWorked | undefined {
  if (queues.ticks !== undefined) return undefined;
  return (queueArn, receiptHandles) => deleteMessages(sqs, queueArn, receiptHandles);
}
