import { Construct } from "constructs";
import { type AlarmRule, type AlarmTopics, createAlarm } from "../alarms/alarm-rule.ts";
import { FunctionAlarms } from "../alarms/function-alarms.ts";
import type { QueueAddress } from "../queues/queue-address.ts";
import type { ArtifactConsumer } from "./artifact-consumer.ts";

/** Which consumer is watched. */
export interface ConsumerAlarmsProps {
  readonly topicArns?: AlarmTopics;
  readonly consumer: ArtifactConsumer;
}

const FIVE_MINUTES = 300;
/** A copy of the largest file takes several deliveries, each of which may take a quarter of an hour. */
const QUEUE_WAIT_SECONDS = 21_600;

/** Alarms on what needs a person: messages that nobody could work or that were refused, a queue that stands, a function that fails. */
export class ConsumerAlarms extends Construct {
  constructor(scope: Construct, id: string, { topicArns, consumer }: ConsumerAlarmsProps) {
    super(scope, id);
    const rules = { DeadLetters: toAgeRule, Parked: toParkedRule, QueueWaits: toWaitRule };
    const queues = { DeadLetters: consumer.deadLetters, Parked: consumer.parking, QueueWaits: consumer.queue };
    for (const name of ["DeadLetters", "Parked", "QueueWaits"] as const) {
      createAlarm(this, name, rules[name](queues[name]), topicArns);
    }
    new FunctionAlarms(this, "Functions", { topicArns, functions: { Copy: consumer.function } });
  }
}

function toAgeRule({ name }: QueueAddress): AlarmRule {
  return {
    description: `Messages of artifacts lie in ${name}: nobody could work them, and they are kept for 14 days at most. The log says why.`,
    metric: toQueueMetric(name, "ApproximateAgeOfOldestMessage"),
    limit: { above: 0 },
    periodSeconds: FIVE_MINUTES,
    periods: 1,
  };
}

function toParkedRule({ name }: QueueAddress): AlarmRule {
  return {
    description: `Messages were refused and lie in ${name}, each with its reason: somebody sends what is not to be copied.`,
    metric: toQueueMetric(name, "ApproximateNumberOfMessagesVisible"),
    limit: { above: 0 },
    periodSeconds: FIVE_MINUTES,
    periods: 1,
  };
}

function toWaitRule({ name }: QueueAddress): AlarmRule {
  return {
    description: `The oldest message in ${name} waits for more than 6 hours: look whether the function fails or is throttled.`,
    metric: toQueueMetric(name, "ApproximateAgeOfOldestMessage"),
    limit: { above: QUEUE_WAIT_SECONDS },
    periodSeconds: FIVE_MINUTES,
    periods: 3,
  };
}

function toQueueMetric(queueName: string, metricName: string) {
  return { namespace: "AWS/SQS", metricName, dimensions: { QueueName: queueName }, statistic: "Maximum" } as const;
}
