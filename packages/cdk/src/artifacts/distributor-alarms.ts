import { Construct } from "constructs";
import { type AlarmMetric, type AlarmRule, type AlarmTopics, createAlarm } from "../alarms/alarm-rule.ts";
import { FunctionAlarms } from "../alarms/function-alarms.ts";
import type { ArtifactDistributor } from "./artifact-distributor.ts";

/** Which distributor is watched. */
export interface DistributorAlarmsProps {
  readonly topicArns?: AlarmTopics;
  readonly distributor: ArtifactDistributor;
}

const FIVE_MINUTES = 300;

/** Alarms on what needs a person: events that were given up, queues that take no messages, initial sets that fail. */
export class DistributorAlarms extends Construct {
  constructor(scope: Construct, id: string, { topicArns, distributor }: DistributorAlarmsProps) {
    super(scope, id);
    createAlarm(this, "Failures", toFailureRule(distributor.failures.name), topicArns);
    createAlarm(this, "Undelivered", toDeliveryRule(distributor.topicName), topicArns);
    createAlarm(this, "InitialSetFails", toMachineRule(distributor.initialSetMachineArn), topicArns);
    createAlarm(this, "Missing", MISSING, topicArns);
    new FunctionAlarms(this, "Functions", { topicArns, functions: { Distributor: distributor.function } });
  }
}

/** The sweep logs the count every five minutes in the embedded metric format. */
const MISSING: AlarmRule = {
  description: "Artifacts are missing at consumers although they were announced again and again: see their coverage.",
  metric: { namespace: "Stackyard/Artifacts", metricName: "AlarmedCells", dimensions: {}, statistic: "Maximum" },
  limit: { above: 0 },
  periodSeconds: 2 * FIVE_MINUTES,
  periods: 1,
};

function toFailureRule(QueueName: string): AlarmRule {
  return toRule(`The distributor gave up events; they lie in ${QueueName}. Its log says why.`, {
    namespace: "AWS/SQS",
    metricName: "ApproximateNumberOfMessagesVisible",
    statistic: "Maximum",
    dimensions: { QueueName },
  });
}

function toDeliveryRule(TopicName: string): AlarmRule {
  return toRule(`${TopicName} could not deliver to a consumer: is its queue gone, or its key closed to SNS?`, {
    namespace: "AWS/SNS",
    metricName: "NumberOfNotificationsFailed",
    statistic: "Sum",
    dimensions: { TopicName },
  });
}

function toMachineRule(StateMachineArn: string): AlarmRule {
  return toRule("An initial set has failed: the execution says why. An account that is not trusted asks in vain.", {
    namespace: "AWS/States",
    metricName: "ExecutionsFailed",
    statistic: "Sum",
    dimensions: { StateMachineArn },
  });
}

function toRule(description: string, metric: AlarmMetric): AlarmRule {
  return { description, metric, limit: { above: 0 }, periodSeconds: FIVE_MINUTES, periods: 1 };
}
