import type { Transport } from "@stackyard/core";
import { consumeEvents } from "./consume-events.ts";
import { consumeTasks } from "./consume-tasks.ts";
import { encodeEvent } from "./encode-event.ts";
import { encodeTask, type TaskMessage } from "./encode-task.ts";
import { isFifo } from "./fifo-ids.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import { createQueueSender } from "./queue-sender.ts";
import type { Sender } from "./sender.ts";
import { MAX_DELAY_MS } from "./sqs-limits.ts";
import type { LongTaskOptions, QueueOptions, SqsTransportOptions } from "./sqs-transport-options.ts";
import { createTopicSender } from "./topic-sender.ts";
import { toTraceAttributes } from "./tracing.ts";
import { requireQueue, type TransportDeps, toTransportDeps } from "./transport-deps.ts";

/**
 * The transport of yards on AWS: events and tasks on SQS queues, events perhaps through a topic. Nothing is called before
 * something is sent or consumed. Errors of sending: `UNREACHABLE` and `RATE_LIMITED` pass by themselves; `PAYLOAD_TOO_LARGE`,
 * `FORBIDDEN` and `CONFIG_INVALID` say what to do.
 */
export function createSqsTransport(options: SqsTransportOptions): Transport {
  const deps = toTransportDeps(options);
  const { eventQueue, eventTopic, taskQueue, longTaskQueue, everyRunnerClaims = false, resultKey } = options;
  const hasDelays = [taskQueue, longTaskQueue].every((queue) => queue === undefined || !isFifo(queue.url));
  return {
    capabilities: {
      maxDelayMs: hasDelays ? MAX_DELAY_MS : 0,
      everyRunnerClaims,
      // A topic without order in front of the queue takes it away.
      keepsOrder:
        eventQueue !== undefined && isFifo(eventQueue.url) && (eventTopic === undefined || isFifo(eventTopic.arn)),
    },
    async publish(events) {
      const messages = events.map((event) => encodeEvent(event, resultKey));
      await findEventSender(deps).send(withTrace(deps, messages));
    },
    async sendTasks(messages, sending) {
      for (const [queue, tasks] of splitTasks(messages, options)) {
        await toQueueSender(deps, queue).send(withTrace(deps, tasks.map(encodeTask)), sending);
      }
    },
    consumeEvents: (...given) => consumeEvents(deps, ...given),
    consumeTasks: (...given) => consumeTasks(deps, ...given),
  };
}

function findEventSender(deps: TransportDeps): Sender {
  const { eventTopic, eventQueue } = deps.options;
  if (eventTopic === undefined) return toQueueSender(deps, requireQueue(eventQueue, "eventQueue"));
  return createTopicSender({ ...deps, sns: eventTopic.sns, topicArn: eventTopic.arn });
}

function toQueueSender(deps: TransportDeps, { url }: QueueOptions): Sender {
  const { sqs, maxMessageBytes } = deps.options;
  return createQueueSender({ ...deps, sqs, queueUrl: url, maxBytes: maxMessageBytes });
}

/** What was made in one trace and kept is perhaps sent in another: then its own counts. */
function withTrace({ tracing }: TransportDeps, messages: readonly OutgoingMessage[]): readonly OutgoingMessage[] {
  const carrier = toTraceAttributes(tracing);
  return messages.map((message) => {
    const isOwn = Object.hasOwn(message.attributes, "traceparent");
    return isOwn ? message : { ...message, attributes: { ...message.attributes, ...carrier } };
  });
}

function splitTasks(
  messages: readonly TaskMessage[],
  { taskQueue, longTaskQueue }: SqsTransportOptions,
): readonly (readonly [QueueOptions, readonly TaskMessage[]])[] {
  const long = messages.filter((message) => isLongTask(message, longTaskQueue));
  const short = messages.filter((message) => !isLongTask(message, longTaskQueue));
  return [
    ...(short.length === 0 ? [] : [[requireQueue(taskQueue, "taskQueue"), short] as const]),
    ...(longTaskQueue === undefined || long.length === 0 ? [] : [[longTaskQueue, long] as const]),
  ];
}

function isLongTask({ task }: TaskMessage, queue: LongTaskOptions | undefined): boolean {
  const name = task["executor"];
  return typeof name === "string" && queue !== undefined && queue.executors.has(name);
}
