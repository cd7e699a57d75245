import type { CfnCondition } from "aws-cdk-lib";
import { CfnAlarm } from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import { type Given, toCfnList } from "./given.ts";

/** A period of most alarms, in seconds. */
export const FIVE_MINUTES = 300;

/** Returns the maximum of a metric of a queue. */
export function toQueueMetric(QueueName: string, metricName: string): AlarmMetric {
  return { namespace: "AWS/SQS", metricName, dimensions: { QueueName }, statistic: "Maximum" };
}

/** The metric of an alarm. */
export interface AlarmMetric {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: "Maximum" | "Minimum" | "Sum";
}

/** When an alarm starts: a number of periods above a threshold, or below one. */
export interface AlarmRule {
  /** The cause of the alarm, and the remedy. */
  readonly description: string;
  readonly metric: AlarmMetric;
  readonly limit: { readonly above: number } | { readonly below: number };
  readonly periodSeconds: number;
  readonly periods: number;
  readonly condition?: CfnCondition | undefined;
}

/** Returns the rule for a metric that counts faults: a single one within five minutes. */
export function toFaultRule(description: string, metric: AlarmMetric): AlarmRule {
  return { description, metric, limit: { above: 0 }, periodSeconds: FIVE_MINUTES, periods: 1 };
}

/** Topics that are notified when an alarm starts and when it ends. */
export type AlarmTopics = Given<readonly string[]> | undefined;

/** Notifies topics when an alarm starts and when it ends. */
export function notifyTopics(alarm: CfnAlarm, topics: AlarmTopics): void {
  if (topics === undefined) return;
  alarm.alarmActions = toCfnList(topics);
  alarm.okActions = alarm.alarmActions;
}

/** Creates an alarm. An idle resource has no values and counts as healthy; a rule with a lower limit must change that. */
export function createAlarm(scope: Construct, id: string, rule: AlarmRule, topics: AlarmTopics): CfnAlarm {
  const { description, metric, limit, periodSeconds, periods, condition } = rule;
  const { namespace, metricName, dimensions, statistic } = metric;
  const alarm = new CfnAlarm(scope, id, {
    alarmDescription: description,
    namespace,
    metricName,
    statistic,
    ...toComparison(limit),
    dimensions: Object.entries(dimensions).map(([name, value]) => ({ name, value })),
    period: periodSeconds,
    evaluationPeriods: periods,
  });
  notifyTopics(alarm, topics);
  if (condition !== undefined) alarm.cfnOptions.condition = condition;
  return alarm;
}

function toComparison(limit: AlarmRule["limit"]) {
  if ("above" in limit) {
    const comparisonOperator = "GreaterThanThreshold";
    return { comparisonOperator, threshold: limit.above, treatMissingData: "notBreaching" };
  }
  return { comparisonOperator: "LessThanThreshold", threshold: limit.below, treatMissingData: "breaching" };
}
