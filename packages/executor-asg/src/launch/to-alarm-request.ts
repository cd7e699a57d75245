import type { PutMetricAlarmCommandInput } from "@aws-sdk/client-cloudwatch";
import type { AlarmPolicy } from "../document/release.ts";
import type { LaunchFacts } from "./launch-facts.ts";
import { toAlarmName } from "./policy-name.ts";
import { toReleaseTags, toTagList } from "./release-tags.ts";

/** The request for the alarm that works a policy. Source: CloudWatch API reference, "PutMetricAlarm". */
export function toAlarmRequest(facts: LaunchFacts, policy: AlarmPolicy, policyArn: string): PutMetricAlarmCommandInput {
  const name = toAlarmName(facts.serviceId, policy);
  const comparison = policy.type === "cpu_scale_up" ? "GreaterThanThreshold" : "LessThanThreshold";
  return {
    AlarmName: name,
    AlarmDescription: [
      name,
      "Average of CPUUtilization",
      `${comparison} ${policy.threshold} %`,
      `${policy.period} s × ${policy.evaluation_periods}`,
    ].join("\n"),
    Namespace: "AWS/EC2",
    MetricName: "CPUUtilization",
    Statistic: "Average",
    Dimensions: [{ Name: "AutoScalingGroupName", Value: facts.serviceId }],
    ComparisonOperator: comparison,
    Threshold: policy.threshold,
    Period: policy.period,
    EvaluationPeriods: policy.evaluation_periods,
    ActionsEnabled: true,
    AlarmActions: [policyArn],
    Tags: toTagList(toReleaseTags(facts)),
  };
}
