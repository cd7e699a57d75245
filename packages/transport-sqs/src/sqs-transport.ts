import type { SNSClient } from "@aws-sdk/client-sns";
import type { SQSClient } from "@aws-sdk/client-sqs";
import {
  type Clock,
  type ConsumeOptions,
  type DeliveryOutcome,
  type EventDelivery,
  isFifo,
  type Logger,
  type Random,
  StackyardError,
  type Subscription,
  silentLogger,
  type TaskDelivery,
  type TaskMessage,
  type Transport,
} from "@stackyard/core";
import { systemClock } from "@stackyard/core/yard";
import { type ClaimCheckOptions, type ClaimChecks, createClaimChecks, noClaimChecks } from "./claim-check.ts";
import { encodeEvent, encodeTask, type FindSender, readEvent, readTask } from "./message-codec.ts";
import {
  findCarrier,
  MAX_DELAY_MS,
  MAX_WAIT_MS,
  noTracing,
  type OutgoingMessage,
  type Tracing,
  toTraceAttributes,
} from "./messages.ts";
import { createQueueConsumer } from "./queue-consumer.ts";
import { createQueueReader } from "./queue-reader.ts";
import { createQueueSender, createTopicSender, type Sender } from "./senders.ts";
import {
  createFailurePolicy,
  type FailurePolicy,
  NO_OUTCOME,
  retryDelayMs,
  toPoisonSettlement,
  toSettlement,
} from "./settlement.ts";

/** A queue, and the treatment of messages that cannot be processed. */
export interface QueueOptions {
  /** Ends in `.fifo` for a FIFO queue. */
  readonly url: string;
  /**
   * Where messages are sent that are given up, with the reason. Without it the queue's own redrive policy does it,
   * without.
   */
  readonly deadLetterUrl?: string;
  /**
   * The delivery after whose failure a message is given up; not more than the queue's `maxReceiveCount`, or SQS is
   * first. Default: 5.
   */
  readonly maxDeliveries?: number;
  /** The time for which a delivery is hidden from other consumers; extended while it is worked. Default: one minute. */
  readonly visibilityMs?: number;
}

/** The topic that events are published to; their queue is subscribed to it. */
export interface TopicOptions {
  readonly sns: SNSClient;
  readonly arn: string;
}

/** A separate queue for tasks that exceed a function's time. */
export interface LongTaskOptions extends QueueOptions {
  /** Names of the executors whose tasks go there: those with `resumable: false`. */
  readonly executors: ReadonlySet<string>;
}

/** Options of the transport. A part without its queue cannot be used. */
export interface SqsTransportOptions {
  readonly sqs: SQSClient;
  readonly eventQueue?: QueueOptions;
  readonly taskQueue?: QueueOptions;
  readonly longTaskQueue?: LongTaskOptions;
  /** Publishes events there instead of into the queue. */
  readonly eventTopic?: TopicOptions;
  /** For messages that are larger than a queue or a topic takes. */
  readonly claimChecks?: ClaimCheckOptions;
  /** As the queues' `MaximumMessageSize`. Default: 1 MiB, the most that SQS takes. Topics: 256 KiB. */
  readonly maxMessageBytes?: number;
  /** True when every runner that reads the task queues has the store and claims its attempts. Default: false. */
  readonly everyRunnerClaims?: boolean;
  /**
   * A secret that all processes with the yard's store share, and no sender: at least 32 random bytes as text. With it
   * results of runners and senders of events are proven when they are sent, and accepted when they arrive. Without it
   * every event is external, and of an unknown sender.
   */
  readonly resultKey?: string;
  /**
   * Returns the sender with the `SenderId` of a message. Called only for events that came directly to the event queue.
   * Default: no sender is known.
   */
  readonly findSender?: FindSender;
  /** The time for which a receive waits for messages, at most 20 s. Default: 20 s. */
  readonly waitMs?: number;
  readonly tracing?: Tracing;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

/** The defaults of the options. */
export const SQS_DEFAULTS = { visibilityMs: 60_000, waitMs: 20_000 } as const;

/**
 * Creates the transport of yards on AWS: events and tasks on SQS queues, events perhaps through a topic. It makes no
 * calls before a message is sent or consumed. Errors of sending: `UNREACHABLE` and `RATE_LIMITED` are transient;
 * `PAYLOAD_TOO_LARGE`, `FORBIDDEN` and `CONFIG_INVALID` explain what to do.
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
      for (const [queue, tasks] of Map.groupBy(messages, (message) => findTaskQueue(message, options))) {
        await toQueueSender(deps, queue).send(withTrace(deps, tasks.map(encodeTask)), sending);
      }
    },
    consumeEvents: (handler, consuming) => consumeEvents(deps, handler, consuming),
    consumeTasks: (handler, consuming) => consumeTasks(deps, handler, consuming),
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

/** Adds the present trace context, except to messages that have one: a stored message may be sent in another trace. */
function withTrace({ tracing }: TransportDeps, messages: readonly OutgoingMessage[]): readonly OutgoingMessage[] {
  const carrier = toTraceAttributes(tracing);
  return messages.map((message) => {
    const isOwn = Object.hasOwn(message.attributes, "traceparent");
    return isOwn ? message : { ...message, attributes: { ...message.attributes, ...carrier } };
  });
}

function findTaskQueue({ task }: TaskMessage, { taskQueue, longTaskQueue }: SqsTransportOptions): QueueOptions {
  const name = task["executor"];
  const isLong = typeof name === "string" && longTaskQueue?.executors.has(name) === true;
  return isLong ? longTaskQueue : requireQueue(taskQueue, "taskQueue");
}

type EventHandler = (deliveries: readonly EventDelivery[]) => Promise<readonly DeliveryOutcome[]>;
type TaskHandler = (delivery: TaskDelivery) => Promise<DeliveryOutcome>;

/** Consumes the event queue. The events of one stack are in one call at a time. */
function consumeEvents(
  deps: TransportDeps,
  handler: EventHandler,
  { batchSize, concurrency }: ConsumeOptions,
): Subscription {
  const { clock, tracing, claimChecks = noClaimChecks } = deps;
  const { eventQueue, resultKey, findSender } = deps.options;
  const queue = requireQueue(eventQueue, "eventQueue");
  const policy = toQueuePolicy(deps, queue);
  return createQueueConsumer<EventDelivery>({
    ...toReaderInput(deps, queue),
    batchSize,
    concurrency,
    // While one call commits, the events of the next one arrive.
    prefetch: batchSize,
    ordered: isFifo(queue.url),
    async read(incoming) {
      const value = await readEvent(incoming, { claimChecks, resultKey, findSender, now: clock.now() });
      // A message without a stack waits for no other message.
      return { lane: value.event.stackId || incoming.receiptHandle, incoming, value };
    },
    async handle(messages) {
      const carriers = messages.map(({ incoming }) => findCarrier(incoming.attributes));
      const outcomes = await tracing.run(carriers, () => handler(messages.map(({ value }) => value)));
      return Promise.all(
        messages.map(({ incoming }, index) => toSettlement(incoming, outcomes[index] ?? NO_OUTCOME, policy)),
      );
    },
  });
}

/** Consumes the task queues. A runner with both queues has the same concurrency for each. */
function consumeTasks(deps: TransportDeps, handler: TaskHandler, { concurrency }: ConsumeOptions): Subscription {
  const { taskQueue, longTaskQueue } = deps.options;
  const queues = longTaskQueue === undefined ? [requireQueue(taskQueue, "taskQueue")] : [taskQueue, longTaskQueue];
  const named = queues.filter((queue) => queue !== undefined);
  const consumers = named.map((queue) => consumeTaskQueue(deps, queue, handler, concurrency));
  return {
    stop: async () => void (await Promise.all(consumers.map((consumer) => consumer.stop()))),
  };
}

function consumeTaskQueue(
  deps: TransportDeps,
  queue: QueueOptions,
  handler: TaskHandler,
  concurrency: number,
): Subscription {
  const { clock, tracing, claimChecks = noClaimChecks } = deps;
  const policy = toQueuePolicy(deps, queue);
  return createQueueConsumer<TaskDelivery>({
    ...toReaderInput(deps, queue),
    batchSize: 1,
    concurrency,
    // A task that waits here is hidden from idle runners.
    prefetch: 0,
    ordered: false,
    async read(incoming) {
      const read = await readTask(incoming, { claimChecks, now: clock.now() });
      if (read.kind === "invalid") return toPoisonSettlement(incoming, read.reason, policy);
      return { lane: incoming.receiptHandle, incoming, value: read.delivery };
    },
    handle: (messages) =>
      Promise.all(
        messages.map(async ({ incoming, value }) => {
          const outcome = await tracing.run([findCarrier(incoming.attributes)], () => handler(value));
          return toSettlement(incoming, outcome, policy);
        }),
      ),
  });
}

/** Pause between receives of a queue that returns at once. */
const IDLE_MS = 1_000;

/** Returns the part of the input that all consumers of a queue have in common. */
function toReaderInput({ clock, logger, options }: TransportDeps, queue: QueueOptions) {
  const { visibilityMs = SQS_DEFAULTS.visibilityMs } = queue;
  const { sqs, waitMs = SQS_DEFAULTS.waitMs } = options;
  return {
    reader: createQueueReader({ sqs, queueUrl: queue.url, visibilityMs, waitMs: Math.min(waitMs, MAX_WAIT_MS) }),
    clock,
    logger,
    visibilityMs,
    retryDelayMs,
    idleMs: waitMs > 0 ? 0 : IDLE_MS,
  };
}

/** The options with their defaults. */
interface TransportDeps {
  readonly options: SqsTransportOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly claimChecks: ClaimChecks | undefined;
}

function toTransportDeps(options: SqsTransportOptions): TransportDeps {
  const { clock = systemClock, random = Math.random, logger = silentLogger, tracing = noTracing } = options;
  const claimChecks = options.claimChecks === undefined ? undefined : createClaimChecks(options.claimChecks);
  return { options, clock, random, logger, tracing, claimChecks };
}

/** Throws `CONFIG_INVALID` when the queue is missing. */
function requireQueue(queue: QueueOptions | undefined, option: string): QueueOptions {
  if (queue !== undefined) return queue;
  throw new StackyardError("CONFIG_INVALID", `This transport has no queue for that. Set the option ${option}.`);
}

function toQueuePolicy({ clock, random, logger, options }: TransportDeps, queue: QueueOptions): FailurePolicy {
  const { deadLetterUrl, maxDeliveries, url: source } = queue;
  const { sqs } = options;
  return createFailurePolicy({ sqs, deadLetterUrl, maxDeliveries, source, clock, random, logger });
}
