export { createCollector } from "../copy/artifact-source.ts";
export { type Copier, type CopierDeps, type CopyInput, type CopyOutcome, createCopier } from "../copy/copier.ts";
export { createCopyMemory } from "../copy/copy-memory.ts";
export { createSourceFetch, type SourceFetch, type SourceFetchOptions } from "../copy/source-fetch.ts";
export type { Capabilities } from "../messages.ts";
export { type Consumer, createConsumer } from "./consumer.ts";
export { createJsonLogger, type JsonLoggerOptions, type LogLevel } from "./json-logger.ts";
export type { ConsumerOptions, MessagesContext, SqsBatchResponse, SqsEvent, SqsRecord } from "./record-context.ts";
export {
  type ConsumerResources,
  createConsumerResources,
  type ResourceContext,
} from "./resources/consumer-resources.ts";
export type { ConsumerResourcesOptions, InitialSetOptions } from "./resources/resource-answer.ts";
