import type { CfnCondition } from "aws-cdk-lib";
import { CfnAlarm } from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import { type Given, toCfnList } from "../given.ts";

/** The metric of an alarm. */
export interface AlarmMetric {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: "Maximum" | "Minimum" | "Sum";
}

/** When an alarm goes off: so many periods above a threshold, or below one. */
export interface AlarmRule {
  /** What has happened, and what to do. */
  readonly description: string;
  readonly metric: AlarmMetric;
  readonly limit: { readonly above: number } | { readonly below: number };
  readonly periodSeconds: number;
  readonly periods: number;
  readonly condition?: CfnCondition | undefined;
}

/** Topics that are told when an alarm goes off and when it is over. */
export type AlarmTopics = Given<readonly string[]> | undefined;

/** Creates an alarm. An idle resource has no values and counts as healthy; a rule with a lower limit must change that. */
export function createAlarm(scope: Construct, id: string, rule: AlarmRule, topics: AlarmTopics): void {
  const { description, metric, limit, periodSeconds, periods, condition } = rule;
  const { namespace, metricName, dimensions, statistic } = metric;
  const actions = topics === undefined ? undefined : toCfnList(topics);
  const alarm = new CfnAlarm(scope, id, {
    alarmDescription: description,
    namespace,
    metricName,
    statistic,
    ...toComparison(limit),
    dimensions: Object.entries(dimensions).map(([name, value]) => ({ name, value })),
    period: periodSeconds,
    evaluationPeriods: periods,
    ...(actions === undefined ? {} : { alarmActions: actions, okActions: actions }),
  });
  if (condition !== undefined) alarm.cfnOptions.condition = condition;
}

function toComparison(limit: AlarmRule["limit"]) {
  if ("above" in limit) {
    const comparisonOperator = "GreaterThanThreshold";
    return { comparisonOperator, threshold: limit.above, treatMissingData: "notBreaching" };
  }
  return { comparisonOperator: "LessThanThreshold", threshold: limit.below, treatMissingData: "breaching" };
}
