import type {
  CreateAutoScalingGroupCommandInput,
  CustomizedMetricSpecification,
  LaunchTemplateSpecification,
  LifecycleHookSpecification,
  MixedInstancesPolicy,
  PredefinedMetricSpecification,
  PutScalingPolicyCommandInput,
  TargetTrackingConfiguration,
} from "@aws-sdk/client-auto-scaling";
import type { PutMetricAlarmCommandInput } from "@aws-sdk/client-cloudwatch";
import type {
  _InstanceType,
  CreateLaunchTemplateCommandInput,
  CreatePlacementGroupCommandInput,
  LaunchTemplateBlockDeviceMappingRequest,
  LaunchTemplateInstanceMarketOptionsRequest,
  RequestLaunchTemplateData,
  VolumeType,
} from "@aws-sdk/client-ec2";
import { defined, keepStart } from "@stackyard/core";
import type {
  AlarmPolicy,
  LifecycleHook,
  ScalingPolicy,
  Service,
  TargetTrackingPolicy,
  Volume,
} from "../document/release.ts";
import { DEFAULT_DEVICE } from "../document/service-rules.ts";
import type { CapacityPlan } from "../plan/capacity.ts";
import {
  type LaunchFacts,
  toAlarmName,
  toPolicyName,
  toReleaseTags,
  toTagList,
  toTemplateName,
} from "../plan/names.ts";

/**
 * Builds the request for the launch template of a service, of which a release creates one version. `userData`: rendered
 * text. Source: EC2 API reference, "CreateLaunchTemplate" and "RequestLaunchTemplateData".
 */
export function toLaunchTemplate(facts: LaunchFacts, userData: string): CreateLaunchTemplateCommandInput {
  return {
    LaunchTemplateName: toTemplateName(facts.serviceId),
    VersionDescription: keepStart(facts.release.release_id, 255),
    LaunchTemplateData: toData(facts, userData),
    TagSpecifications: [{ ResourceType: "launch-template", Tags: toTagList(toReleaseTags(facts)) }],
  };
}

function toData(facts: LaunchFacts, userData: string): RequestLaunchTemplateData {
  const { service, resources } = facts;
  const devices = toBlockDevices(service);
  const market = toMarket(facts);
  return {
    ImageId: resources.image,
    // EC2 accepts more types than the SDK lists.
    InstanceType: service.instance_type as _InstanceType,
    ...toNetwork(facts),
    ...(resources.profile_arn !== undefined && { IamInstanceProfile: { Arn: resources.profile_arn } }),
    ...(userData !== "" && { UserData: Buffer.from(userData, "utf8").toString("base64") }),
    ...(devices.length > 0 && { BlockDeviceMappings: devices }),
    ...(service.placement_tenancy !== undefined && { Placement: { Tenancy: service.placement_tenancy } }),
    ...(market && { InstanceMarketOptions: market }),
    MetadataOptions: {
      HttpEndpoint: "enabled",
      HttpTokens: service.metadata_tokens,
      HttpPutResponseHopLimit: service.metadata_hop_limit,
    },
    Monitoring: { Enabled: false },
  };
}

/**
 * Returns the network settings. EC2 accepts security groups either on the instance or on its network interface, and a
 * public address only on the latter.
 */
function toNetwork({ service, resources }: LaunchFacts): Partial<RequestLaunchTemplateData> {
  const groups = [...resources.security_groups];
  if (service.associate_public_ip_address === undefined) return { SecurityGroupIds: groups };
  return {
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        AssociatePublicIpAddress: service.associate_public_ip_address,
        DeleteOnTermination: true,
        Groups: groups,
      },
    ],
  };
}

/**
 * Returns the spot options of a group with one instance type. For several types they are in the group's policy: Auto
 * Scaling rejects them in the template.
 */
function toMarket({ service }: LaunchFacts): LaunchTemplateInstanceMarketOptionsRequest | undefined {
  if (service.spot_price === undefined || isMixed(service)) return undefined;
  return { MarketType: "spot", SpotOptions: { MaxPrice: service.spot_price, SpotInstanceType: "one-time" } };
}

const TYPE = "gp3";

/**
 * Returns the block devices of a service: the one of the `ebs_…` keys if a size is given, then the additional volumes.
 */
function toBlockDevices(service: Service): LaunchTemplateBlockDeviceMappingRequest[] {
  const main = toMainVolume(service);
  return [...(main === undefined ? [] : [main]), ...service.volumes].map(toMapping);
}

function toMainVolume(service: Service): Volume | undefined {
  if (service.ebs_volume_size === undefined) return undefined;
  return {
    device: service.ebs_device_name ?? DEFAULT_DEVICE,
    size: service.ebs_volume_size,
    type: service.ebs_volume_type ?? TYPE,
    ...defined({
      iops: service.ebs_iops,
      throughput: service.ebs_throughput,
      encrypted: service.ebs_encrypted,
      kms_key: service.ebs_kms_key,
      delete_on_termination: service.ebs_delete_on_termination,
    }),
  };
}

function toMapping(volume: Volume): LaunchTemplateBlockDeviceMappingRequest {
  // EC2 rejects a key without encryption ("EbsBlockDevice", KmsKeyId).
  const encrypted = volume.encrypted ?? (volume.kms_key === undefined ? undefined : true);
  return {
    DeviceName: volume.device,
    Ebs: {
      VolumeSize: volume.size,
      // EC2 accepts more types than the SDK lists.
      VolumeType: volume.type as VolumeType,
      ...defined({ Iops: volume.iops, Throughput: volume.throughput, Encrypted: encrypted, KmsKeyId: volume.kms_key }),
      // Launch configurations delete all volumes with the instance; templates keep all but the root volume by default.
      DeleteOnTermination: volume.delete_on_termination ?? true,
    },
  };
}

/** Returns whether a group has several instance types, or both Spot and on-demand instances. */
function isMixed(service: Service): boolean {
  const { instance_types, on_demand_base_capacity, on_demand_percentage } = service;
  return instance_types.length > 0 || on_demand_base_capacity !== undefined || on_demand_percentage !== undefined;
}

/**
 * Builds the mixed instances policy. On-demand types are used in the order of the document, Spot types by price and
 * capacity, as recommended by Auto Scaling. A Spot price alone requests only Spot instances, as in a group with one
 * type. Source: Auto Scaling API reference, "InstancesDistribution".
 */
function toMixedInstances(service: Service, template: LaunchTemplateSpecification): MixedInstancesPolicy {
  const types = [...new Set([service.instance_type, ...service.instance_types])];
  const isSpot = service.spot_price !== undefined;
  return {
    LaunchTemplate: {
      LaunchTemplateSpecification: template,
      Overrides: types.map((InstanceType) => ({ InstanceType })),
    },
    InstancesDistribution: {
      OnDemandAllocationStrategy: "prioritized",
      OnDemandBaseCapacity: service.on_demand_base_capacity ?? 0,
      OnDemandPercentageAboveBaseCapacity: service.on_demand_percentage ?? (isSpot ? 0 : 100),
      SpotAllocationStrategy: "price-capacity-optimized",
      ...(isSpot && { SpotMaxPrice: service.spot_price }),
    },
  };
}

/** Default of Auto Scaling ("CreateAutoScalingGroup", DefaultCooldown), set explicitly. */
const COOLDOWN_SECONDS = 300;
/** Servers with the oldest template are terminated first. */
const TERMINATION_POLICIES = ["OldestLaunchTemplate", "Default"];

/** Input of `toGroupRequest` in addition to the service's facts. */
export interface GroupInput {
  /** With a fixed version. */
  readonly template: LaunchTemplateSpecification;
  readonly capacity: CapacityPlan["initial"];
}

/** Builds the request for the group of a service. Source: Auto Scaling API reference, "CreateAutoScalingGroup". */
export function toGroupRequest(
  facts: LaunchFacts,
  { template, capacity }: GroupInput,
): CreateAutoScalingGroupCommandInput {
  const { service, resources, release } = facts;
  const { autoscaling, placement_group_name, capacity_rebalance } = service;
  const hooks = Object.values(service.lifecycle ?? release.lifecycle).map(toHook);
  return {
    AutoScalingGroupName: facts.serviceId,
    ...(isMixed(service)
      ? { MixedInstancesPolicy: toMixedInstances(service, template) }
      : { LaunchTemplate: template }),
    // The first step of a strategy has at least one server, even if max_size is 0.
    MinSize: Math.min(capacity.min, capacity.max),
    DesiredCapacity: Math.min(capacity.desired, capacity.max),
    MaxSize: capacity.max,
    DefaultCooldown: autoscaling.default_cooldown ?? COOLDOWN_SECONDS,
    ...defined({ DefaultInstanceWarmup: autoscaling.default_instance_warmup }),
    ...toHealthCheck(facts),
    VPCZoneIdentifier: resources.subnets.join(","),
    ...(resources.elbs.length > 0 && { LoadBalancerNames: [...resources.elbs] }),
    ...(resources.target_group_arns.length > 0 && { TargetGroupARNs: [...resources.target_group_arns] }),
    ...defined({ PlacementGroup: placement_group_name, CapacityRebalance: capacity_rebalance }),
    TerminationPolicies: [...(service.termination_policies ?? TERMINATION_POLICIES)],
    ...(hooks.length > 0 && { LifecycleHookSpecificationList: hooks }),
    Tags: toGroupTags(facts),
  };
}

function toHealthCheck({ service, resources }: LaunchFacts) {
  const isBalanced = resources.elbs.length + resources.target_group_arns.length > 0;
  return {
    HealthCheckType: isBalanced ? "ELB" : "EC2",
    HealthCheckGracePeriod: service.autoscaling.health_check_grace_period,
  };
}

function toGroupTags(facts: LaunchFacts) {
  const identity = { ResourceId: facts.serviceId, ResourceType: "auto-scaling-group", PropagateAtLaunch: true };
  return Object.entries(toReleaseTags(facts)).map(([Key, Value]) => ({ ...identity, Key, Value }));
}

function toHook(hook: LifecycleHook): LifecycleHookSpecification {
  return {
    LifecycleHookName: hook.name,
    LifecycleTransition: hook.transition,
    ...defined({
      NotificationTargetARN: hook.notification_target_arn,
      RoleARN: hook.role_arn,
      DefaultResult: hook.default_result,
      HeartbeatTimeout: hook.heartbeat_timeout,
    }),
  };
}

/** Builds the request for a scaling policy. Source: Auto Scaling API reference, "PutScalingPolicy". */
export function toPolicyRequest(facts: LaunchFacts, policy: ScalingPolicy): PutScalingPolicyCommandInput {
  const base = {
    AutoScalingGroupName: facts.serviceId,
    PolicyName: toPolicyName(facts.serviceId, policy, facts.constants),
  };
  if (policy.type === "target_tracking") {
    const TargetTrackingConfiguration = toTracking(policy, facts);
    return { ...base, PolicyType: "TargetTrackingScaling", TargetTrackingConfiguration };
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
    ...defined({ DisableScaleIn: policy.disable_scale_in }),
  };
}

function toPredefined(policy: TargetTrackingPolicy, { resources }: LaunchFacts): PredefinedMetricSpecification {
  if (policy.metric === "cpu") return { PredefinedMetricType: "ASGAverageCPUUtilization" };
  const label = resources.request_labels?.[policy.target_group ?? ""];
  return { PredefinedMetricType: "ALBRequestCountPerTarget", ...defined({ ResourceLabel: label }) };
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

/** Builds the request for the alarm of a policy. Source: CloudWatch API reference, "PutMetricAlarm". */
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

/**
 * Builds the request for a new placement group, or returns undefined if the service has none. The group outlives the
 * release, because the next release uses it again. Source: EC2 API reference, "CreatePlacementGroup".
 */
export function toPlacementRequest(facts: LaunchFacts): CreatePlacementGroupCommandInput | undefined {
  const { placement_group_name, placement_group_strategy, placement_group_partition_count } = facts.service;
  if (placement_group_name === undefined || placement_group_strategy === undefined) return undefined;
  return {
    GroupName: placement_group_name,
    Strategy: placement_group_strategy,
    ...defined({ PartitionCount: placement_group_partition_count }),
    TagSpecifications: [{ ResourceType: "placement-group", Tags: toTagList(toReleaseTags(facts)) }],
  };
}
