import { toTags } from "./group-tags.ts";
import type { LaunchSource, SimGroup } from "./sim-group.ts";
import { lifecycleStateOf, type SimMember } from "./sim-member.ts";
import type { TemplateRef } from "./template-ref.ts";

/** API reference, "AutoScalingGroup". */
export function toGroupOutput(group: SimGroup): Readonly<Record<string, unknown>> {
  const { settings, name, arn, createdAt, suspended, metrics } = group;
  const attached = group.sources.filter(({ removedAt }) => removedAt === undefined).map(({ ref }) => ref);
  const idsOf = (kind: string) => attached.filter((ref) => ref.kind === kind).map(({ id }) => id);
  return {
    AutoScalingGroupName: name,
    AutoScalingGroupARN: arn,
    CreatedTime: new Date(createdAt),
    MinSize: settings.min,
    MaxSize: settings.max,
    DesiredCapacity: settings.desired,
    ...settings.others,
    ...toSourceOutput(settings.source),
    AvailabilityZones: settings.availabilityZones,
    VPCZoneIdentifier: settings.subnets.join(","),
    LoadBalancerNames: idsOf("classic"),
    TargetGroupARNs: idsOf("targetGroup"),
    TrafficSources: attached.map(({ kind, id }) => ({ Identifier: id, Type: kind === "classic" ? "elb" : "elbv2" })),
    HealthCheckType: settings.healthCheckType,
    HealthCheckGracePeriod: settings.graceSeconds,
    ...(settings.placementGroup === undefined ? {} : { PlacementGroup: settings.placementGroup }),
    TerminationPolicies: settings.terminationPolicies,
    NewInstancesProtectedFromScaleIn: settings.isProtected,
    SuspendedProcesses: [...suspended].map(([ProcessName, SuspensionReason]) => ({ ProcessName, SuspensionReason })),
    EnabledMetrics: [...metrics].map((Metric) => ({ Metric, Granularity: "1Minute" })),
    Instances: group.members.map(toMemberOutput),
    Tags: toTags(group),
    // "AutoScalingGroup", Status: "The current state of the group when the DeleteAutoScalingGroup operation is in progress."
    ...(group.isDeleting ? { Status: "Delete in progress" } : {}),
  };
}

/** API reference, "Instance". */
export function toMemberOutput(member: SimMember): Readonly<Record<string, unknown>> {
  const { instanceId, instanceType, availabilityZone, healthStatus, template, configuration, isProtected } = member;
  return {
    InstanceId: instanceId,
    InstanceType: instanceType,
    AvailabilityZone: availabilityZone,
    LifecycleState: lifecycleStateOf(member),
    HealthStatus: healthStatus,
    ProtectedFromScaleIn: isProtected,
    ...(template === undefined ? {} : { LaunchTemplate: toSpecification(template) }),
    ...(configuration === undefined ? {} : { LaunchConfigurationName: configuration }),
  };
}

function toSourceOutput(source: LaunchSource): Readonly<Record<string, unknown>> {
  if (source.kind === "configuration") return { LaunchConfigurationName: source.name };
  if (source.kind === "template") return { LaunchTemplate: toSpecification(source.template) };
  const { LaunchTemplate, InstancesDistribution } = source.policy;
  const launch = { ...Object(LaunchTemplate), LaunchTemplateSpecification: toSpecification(source.template) };
  // "InstancesDistribution", the default of each property.
  const usual = {
    OnDemandAllocationStrategy: "prioritized",
    OnDemandBaseCapacity: 0,
    SpotAllocationStrategy: "lowest-price",
    OnDemandPercentageAboveBaseCapacity: 100,
    SpotInstancePools: 2,
  };
  return {
    MixedInstancesPolicy: {
      LaunchTemplate: launch,
      InstancesDistribution: { ...usual, ...Object(InstancesDistribution) },
    },
  };
}

function toSpecification({ id, name, version }: TemplateRef) {
  return { LaunchTemplateId: id, LaunchTemplateName: name, Version: version };
}
