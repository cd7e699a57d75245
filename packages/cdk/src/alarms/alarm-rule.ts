import type { CfnCondition } from "aws-cdk-lib";
import { CfnAlarm } from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import { type Given, toCfnList } from "../given.ts";

/** What is measured. */
export interface AlarmMetric {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: "Maximum" | "Minimum" | "Sum";
}

/** When an alarm goes off: so many periods over the threshold. */
export interface AlarmRule {
  /** What has happened, and what to do. */
  readonly description: string;
  readonly metric: AlarmMetric;
  readonly above: number;
  readonly periodSeconds: number;
  readonly periods: number;
  readonly condition?: CfnCondition | undefined;
}

/** Topics that are told when an alarm goes off and when it is over. */
export type AlarmTopics = Given<readonly string[]> | undefined;

/** Makes an alarm. What rests has no values, and is well. */
export function createAlarm(scope: Construct, id: string, rule: AlarmRule, topics: AlarmTopics): void {
  const { description, metric, above, periodSeconds, periods, condition } = rule;
  const { namespace, metricName, dimensions, statistic } = metric;
  const actions = topics === undefined ? undefined : toCfnList(topics);
  const alarm = new CfnAlarm(scope, id, {
    alarmDescription: description,
    ...{ namespace, metricName, statistic, threshold: above, comparisonOperator: "GreaterThanThreshold" },
    dimensions: Object.entries(dimensions).map(([name, value]) => ({ name, value })),
    ...{ period: periodSeconds, evaluationPeriods: periods, treatMissingData: "notBreaching" },
    ...(actions === undefined ? {} : { alarmActions: actions, okActions: actions }),
  });
  if (condition !== undefined) alarm.cfnOptions.condition = condition;
}
