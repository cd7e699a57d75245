import { createSteps, PLACE, type ReleaseStep } from "./release-step.ts";

const asg = createSteps("AutoScaling");
const group = { AutoScalingGroupName: "shop-web" };
const targetGroup = `arn:aws:elasticloadbalancing:eu-west-1:${PLACE.account}:targetgroup/web/0000000000000001`;
const hook = { ...group, LifecycleHookName: "ready" };
const tag = { ResourceId: "shop-web", ResourceType: "auto-scaling-group", Key: "a", Value: "b" };
const action = { ...hook, InstanceId: "i-000000000000000ff" };
const refused = { gives: { name: "ValidationError", status: 400 } };

const created = {
  ...group,
  MinSize: 0,
  MaxSize: 3,
  DesiredCapacity: 2,
  DefaultCooldown: 300,
  HealthCheckGracePeriod: 60,
  HealthCheckType: "ELB",
  VPCZoneIdentifier: "subnet-00000000000000001",
  NewInstancesProtectedFromScaleIn: false,
  LoadBalancerNames: ["web"],
  TargetGroupARNs: [targetGroup],
  TerminationPolicies: ["OldestLaunchTemplate"],
  MixedInstancesPolicy: {
    LaunchTemplate: {
      LaunchTemplateSpecification: { LaunchTemplateName: "shop-web", Version: "2" },
      Overrides: [{ InstanceType: "t3.micro" }, { InstanceType: "t3.small", WeightedCapacity: "1" }],
    },
    InstancesDistribution: { OnDemandBaseCapacity: 1, OnDemandPercentageAboveBaseCapacity: 50 },
  },
  LifecycleHookSpecificationList: [
    { LifecycleHookName: "done", LifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING", HeartbeatTimeout: 60 },
  ],
  Tags: [{ Key: "Name", Value: "<web & co>", PropagateAtLaunch: true }],
};

const policy = {
  ...group,
  PolicyName: "up",
  PolicyType: "StepScaling",
  AdjustmentType: "ChangeInCapacity",
  StepAdjustments: [{ MetricIntervalLowerBound: 0.5, ScalingAdjustment: 1 }],
};
const tracking = {
  ...group,
  PolicyName: "track",
  PolicyType: "TargetTrackingScaling",
  EstimatedInstanceWarmup: 60,
  TargetTrackingConfiguration: {
    TargetValue: 42.5,
    DisableScaleIn: true,
    PredefinedMetricSpecification: { PredefinedMetricType: "ASGAverageCPUUtilization" },
  },
};

/** Every operation of Auto Scaling that is served. */
export const autoScalingSteps: readonly ReleaseStep[] = [
  asg("DescribeLaunchConfigurations", { LaunchConfigurationNames: ["old"] }),
  asg("DeleteLaunchConfiguration", { LaunchConfigurationName: "old" }),
  asg("DescribeAccountLimits"),
  asg("CreateAutoScalingGroup", created),
  asg("CreateAutoScalingGroup", created, { gives: { name: "AlreadyExistsFault", status: 400 } }),
  asg(
    "DescribeAutoScalingGroups",
    { Filters: [{ Name: "tag:Name", Values: ["<web & co>"] }], MaxRecords: 5 },
    {
      afterMs: 120_000,
      gives: { AutoScalingGroups: [{ DesiredCapacity: 2 }] },
    },
  ),
  asg("DescribeScalingActivities", { ...group, MaxRecords: 1 }),
  asg("PutScalingPolicy", policy),
  asg("PutScalingPolicy", tracking),
  asg("PutScalingPolicy", { ...policy, PolicyType: "Magic" }, refused),
  asg("DescribePolicies", group, { gives: { ScalingPolicies: [{ PolicyName: "up" }, { PolicyName: "track" }] } }),
  asg("CreateOrUpdateTags", { Tags: [{ ...tag, PropagateAtLaunch: false }] }),
  asg("DeleteTags", { Tags: [tag] }),
  asg("EnableMetricsCollection", { ...group, Granularity: "1Minute", Metrics: ["GroupDesiredCapacity"] }),
  asg("DescribeLifecycleHooks", group),
  asg("CompleteLifecycleAction", { ...action, LifecycleActionResult: "CONTINUE" }, refused),
  asg("RecordLifecycleActionHeartbeat", action, refused),
  asg("UpdateAutoScalingGroup", { ...group, MinSize: 1, MaxSize: 4, DesiredCapacity: 3 }),
  asg("UpdateAutoScalingGroup", { ...group, MinSize: 9 }, refused),
  asg(
    "TerminateInstanceInAutoScalingGroup",
    {
      InstanceId: "i-000000000000000ff",
      ShouldDecrementDesiredCapacity: true,
    },
    refused,
  ),
  asg("DescribeLoadBalancers", group),
  asg("DescribeLoadBalancerTargetGroups", group, { gives: { LoadBalancerTargetGroups: [{ State: "InService" }] } }),
  asg("DetachLoadBalancers", { ...group, LoadBalancerNames: ["web"] }),
  asg("DetachLoadBalancerTargetGroups", { ...group, TargetGroupARNs: [targetGroup] }),
  asg("DescribeLoadBalancerTargetGroups", group, { gives: { LoadBalancerTargetGroups: [{ State: "Removing" }] } }),
  asg("AttachLoadBalancers", { ...group, LoadBalancerNames: ["web"] }, { afterMs: 120_000 }),
  asg("AttachLoadBalancerTargetGroups", { ...group, TargetGroupARNs: [targetGroup] }),
  asg("DeleteAutoScalingGroup", group, { gives: { name: "ResourceInUseFault", status: 400 } }),
  asg("DeleteAutoScalingGroup", { ...group, ForceDelete: true }),
  asg("DescribeAutoScalingGroups", { AutoScalingGroupNames: ["shop-web"] }, { gives: { AutoScalingGroups: [{}] } }),
];
