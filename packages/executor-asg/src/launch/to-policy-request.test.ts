import { describe, expect, it } from "vitest";
import type { TargetTrackingPolicy } from "../document/release.ts";
import { PRESETS } from "../release-constants.ts";
import { anAlarmPolicy } from "../testing/a-release.ts";
import { someLaunchFacts, someResources } from "../testing/launch-facts.ts";
import { toAlarmRequest } from "./to-alarm-request.ts";
import { toPolicyRequest } from "./to-policy-request.ts";

const GROUP = "org/shop-production-2026-01-01T00-00-00Z-web";

function tracking(over: Partial<TargetTrackingPolicy>): TargetTrackingPolicy {
  return { type: "target_tracking", metric: "cpu", target_value: 60, ...over };
}

describe("toPolicyRequest", () => {
  it("changes the capacity by a number", () => {
    expect(toPolicyRequest(someLaunchFacts(), anAlarmPolicy({ scaling_adjustment: 2, cooldown: 90 }))).toEqual({
      AutoScalingGroupName: GROUP,
      PolicyName: `${GROUP}-cpu_scale_up`,
      PolicyType: "SimpleScaling",
      AdjustmentType: "ChangeInCapacity",
      ScalingAdjustment: 2,
      Cooldown: 90,
    });
  });

  it("holds the CPU at a value", () => {
    expect(toPolicyRequest(someLaunchFacts(), tracking({ name: "cpu", disable_scale_in: true }))).toEqual({
      AutoScalingGroupName: GROUP,
      PolicyName: `${GROUP}-target_tracking-cpu`,
      PolicyType: "TargetTrackingScaling",
      TargetTrackingConfiguration: {
        TargetValue: 60,
        PredefinedMetricSpecification: { PredefinedMetricType: "ASGAverageCPUUtilization" },
        DisableScaleIn: true,
      },
    });
  });

  it("holds the requests of each target of one of the service's target groups", () => {
    const resources = someResources({ request_labels: { web: "app/shop/1/targetgroup/web/2" } });
    const policy = tracking({ metric: "alb_requests_per_target", target_group: "web", target_value: 500 });

    expect(toPolicyRequest(someLaunchFacts({ resources }), policy).TargetTrackingConfiguration).toEqual({
      TargetValue: 500,
      PredefinedMetricSpecification: {
        PredefinedMetricType: "ALBRequestCountPerTarget",
        ResourceLabel: "app/shop/1/targetgroup/web/2",
      },
    });
  });

  it("holds a metric of one's own", () => {
    const custom_metric = {
      namespace: "Shop",
      name: "Depth",
      statistic: "Average",
      dimensions: { Queue: "a" },
    } as const;

    const request = toPolicyRequest(someLaunchFacts(), tracking({ metric: "custom", custom_metric }));

    expect(request.TargetTrackingConfiguration).toEqual({
      TargetValue: 60,
      CustomizedMetricSpecification: {
        Namespace: "Shop",
        MetricName: "Depth",
        Statistic: "Average",
        Dimensions: [{ Name: "Queue", Value: "a" }],
      },
    });
  });

  it("is called by its type alone in the first generation", () => {
    const facts = someLaunchFacts({ constants: PRESETS["step-asg-deployer"] });

    expect(toPolicyRequest(facts, anAlarmPolicy()).PolicyName).toBe("cpu_scale_up");
  });
});

describe("toAlarmRequest", () => {
  it("rings above the threshold of a policy that scales up", () => {
    const { Tags, ...request } = toAlarmRequest(someLaunchFacts(), anAlarmPolicy({ name: "fast" }), "arn:policy");

    expect(request).toEqual({
      AlarmName: `${GROUP}-cpu_scale_up-fast`,
      AlarmDescription: `${GROUP}-cpu_scale_up-fast\nAverage of CPUUtilization\nGreaterThanThreshold 50 %\n300 s × 2`,
      Namespace: "AWS/EC2",
      MetricName: "CPUUtilization",
      Statistic: "Average",
      Dimensions: [{ Name: "AutoScalingGroupName", Value: GROUP }],
      ComparisonOperator: "GreaterThanThreshold",
      Threshold: 50,
      Period: 300,
      EvaluationPeriods: 2,
      ActionsEnabled: true,
      AlarmActions: ["arn:policy"],
    });
    expect(Tags).toContainEqual({ Key: "ReleaseID", Value: "release-2" });
  });

  it("rings below the threshold of a policy that scales down", () => {
    const policy = anAlarmPolicy({ type: "cpu_scale_down", threshold: 20 });

    expect(toAlarmRequest(someLaunchFacts(), policy, "arn:policy")).toMatchObject({
      AlarmName: `${GROUP}-cpu_scale_down`,
      ComparisonOperator: "LessThanThreshold",
      Threshold: 20,
    });
  });
});
