export { createCollector } from "../copy/collect-garbage.ts";
export type { CopyInput, CopyOutcome } from "../copy/copy-outcome.ts";
export { type Copier, type CopierDeps, createCopier } from "../copy/create-copier.ts";
export { createCopyMemory } from "../copy/create-copy-memory.ts";
export { createSourceFetch, type SourceFetchOptions } from "../fetch/create-source-fetch.ts";
export type { SourceFetch } from "../fetch/source-answer.ts";
export type { Capabilities } from "./consumer-events.ts";
export type { ConsumerOptions, MessagesContext } from "./consumer-options.ts";
export { type Consumer, createConsumer } from "./create-consumer.ts";
export { createJsonLogger, type JsonLoggerOptions, type LogLevel } from "./json-logger.ts";
export type { ConsumerResourcesOptions, InitialSetOptions } from "./resources/consumer-resources-options.ts";
export {
  type ConsumerResources,
  createConsumerResources,
  type ResourceContext,
} from "./resources/create-consumer-resources.ts";
export type { SqsBatchResponse, SqsEvent, SqsRecord } from "./sqs-event.ts";
