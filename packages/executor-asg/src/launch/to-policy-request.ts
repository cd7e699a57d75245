import type {
  CustomizedMetricSpecification,
  PredefinedMetricSpecification,
  PutScalingPolicyCommandInput,
  TargetTrackingConfiguration,
} from "@aws-sdk/client-auto-scaling";
import type { ScalingPolicy, TargetTrackingPolicy } from "../document/release.ts";
import type { LaunchFacts } from "./launch-facts.ts";
import { toPolicyName } from "./policy-name.ts";

/** The request for one policy of a group. Source: Auto Scaling API reference, "PutScalingPolicy". */
export function toPolicyRequest(facts: LaunchFacts, policy: ScalingPolicy): PutScalingPolicyCommandInput {
  const base = {
    AutoScalingGroupName: facts.serviceId,
    PolicyName: toPolicyName(facts.serviceId, policy, facts.constants),
  };
  if (policy.type === "target_tracking") {
    return {
      ...base,
      PolicyType: "TargetTrackingScaling",
      TargetTrackingConfiguration: toTracking(policy, facts),
    };
  }
  return {
    ...base,
    PolicyType: "SimpleScaling",
    AdjustmentType: "ChangeInCapacity",
    ScalingAdjustment: policy.scaling_adjustment,
    Cooldown: policy.cooldown,
  };
}

function toTracking(policy: TargetTrackingPolicy, facts: LaunchFacts): TargetTrackingConfiguration {
  const custom = toCustomMetric(policy);
  return {
    TargetValue: policy.target_value,
    ...(custom === undefined
      ? { PredefinedMetricSpecification: toPredefined(policy, facts) }
      : { CustomizedMetricSpecification: custom }),
    ...(policy.disable_scale_in !== undefined && { DisableScaleIn: policy.disable_scale_in }),
  };
}

function toPredefined(policy: TargetTrackingPolicy, { resources }: LaunchFacts): PredefinedMetricSpecification {
  if (policy.metric === "cpu") return { PredefinedMetricType: "ASGAverageCPUUtilization" };
  const label = resources.request_labels?.[policy.target_group ?? ""];
  return { PredefinedMetricType: "ALBRequestCountPerTarget", ...(label !== undefined && { ResourceLabel: label }) };
}

function toCustomMetric({ metric, custom_metric }: TargetTrackingPolicy): CustomizedMetricSpecification | undefined {
  if (metric !== "custom" || custom_metric === undefined) return undefined;
  return {
    Namespace: custom_metric.namespace,
    MetricName: custom_metric.name,
    Statistic: custom_metric.statistic,
    Dimensions: Object.entries(custom_metric.dimensions).map(([Name, Value]) => ({ Name, Value })),
  };
}
