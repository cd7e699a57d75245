export {
  createQueuePublisher,
  createTopicPublisher,
  type QueuePublisherOptions,
  type SenderOptions,
  type TopicPublisherOptions,
  type TraceContext,
} from "./publishers.ts";
