export type { ClaimCheckOptions } from "./claim-check.ts";
export { createSqsTransport } from "./create-sqs-transport.ts";
export type { LongTaskOptions, QueueOptions, SqsTransportOptions, TopicOptions } from "./sqs-transport-options.ts";
export type { TraceCarrier, Tracing } from "./tracing.ts";
