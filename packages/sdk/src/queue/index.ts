export { createQueuePublisher, type QueuePublisherOptions } from "./create-queue-publisher.ts";
export { createTopicPublisher, type TopicPublisherOptions } from "./create-topic-publisher.ts";
export type { SenderOptions, TraceContext } from "./sender-options.ts";
