export type { ClaimCheckOptions } from "./claim-check.ts";
export {
  createDeadLetterQueue,
  createDeadLetterSender,
  type DeadLetterQueue,
  type DeadLetterQueueOptions,
  type DeadLetterSender,
  type DeadLetterSenderInput,
  type QueuedDeadLetter,
} from "./dead-letters.ts";
export type { BatchOptions } from "./lambda-batches.ts";
export {
  type BatchItem,
  createEventBatchHandler,
  createTaskBatchHandler,
  type Invocation,
  parseSqsBatch,
  type SqsBatch,
  type SqsBatchResponse,
  toBatchResponse,
} from "./lambda-batches.ts";
export type { FindSender } from "./message-codec.ts";
export type { IncomingMessage, OutgoingMessage, TraceCarrier, Tracing } from "./messages.ts";
export type { FailedReceipt } from "./queue-reader.ts";
export { deleteMessages } from "./queue-reader.ts";
export type { Sender } from "./senders.ts";
export { createQueueSender, type QueueSenderInput } from "./senders.ts";
export type { LongTaskOptions, QueueOptions, SqsTransportOptions, TopicOptions } from "./sqs-transport.ts";
export { createSqsTransport } from "./sqs-transport.ts";
