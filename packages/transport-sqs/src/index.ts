export type { BatchOptions } from "./batch-options.ts";
export { type BatchItem, type SqsBatchResponse, toBatchResponse } from "./batch-response.ts";
export type { ClaimCheckOptions } from "./claim-check.ts";
export { createSqsTransport } from "./create-sqs-transport.ts";
export {
  createDeadLetterQueue,
  type DeadLetter,
  type DeadLetterQueue,
  type DeadLetterQueueOptions,
} from "./dead-letter-queue.ts";
export { deleteMessages } from "./delete-messages.ts";
export { createEventBatchHandler } from "./event-batch-handler.ts";
export type { IncomingMessage } from "./incoming-message.ts";
export type { OutgoingMessage } from "./outgoing-message.ts";
export type { FailedReceipt } from "./queue-reader.ts";
export { createQueueSender, type QueueSenderInput } from "./queue-sender.ts";
export type { Sender } from "./sender.ts";
export { createSetAsideSender, type SetAsideSender, type SetAsideSenderInput } from "./set-aside-sender.ts";
export { parseSqsBatch, type SqsBatch } from "./sqs-batch.ts";
export type { LongTaskOptions, QueueOptions, SqsTransportOptions, TopicOptions } from "./sqs-transport-options.ts";
export { createTaskBatchHandler, type Invocation } from "./task-batch-handler.ts";
export type { TraceCarrier, Tracing } from "./tracing.ts";
