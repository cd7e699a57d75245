import { defined } from "@stackyard/core";
import { recordsOf, type SimCall, textsOf } from "../sim-call.ts";
import { type AutoScalingState, ownGroups } from "./auto-scaling-state.ts";
import { toRecordsPage } from "./describe-activities.ts";
import { toTags } from "./group-tags.ts";
import {
  autoScalingFaults as faults,
  type LaunchSource,
  lifecycleStateOf,
  type SimGroup,
  type SimMember,
  type TemplateRef,
} from "./sim-group.ts";

/** "DescribeAutoScalingGroups", MaxRecords: 50 unless asked, at most 100. "DescribeAutoScalingInstances": at most 50. */
const GROUP_PAGES = { usual: 50, max: 100 };

/**
 * Implements DescribeAutoScalingGroups: by names, where unknown ones are ignored, and by tags. Source: API reference.
 */
export function describeGroups(state: AutoScalingState, call: SimCall): unknown {
  const names = textsOf(call.input, "AutoScalingGroupNames");
  const filters = recordsOf(call.input, "Filters").map(toFilter);
  const found = ownGroups(state, call)
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .filter((group) => filters.every((fits) => fits(group)));
  const { rows, next } = toRecordsPage(found, call, GROUP_PAGES);
  return { AutoScalingGroups: rows.map(toGroupOutput), ...next };
}

type Fits = (group: SimGroup) => boolean;

/** Applies the filters `tag:KEY`, `tag-key`, `tag-value`: values are ORed, filters are ANDed ("Filter"). */
function toFilter({ Name, Values }: SimCall["input"]): Fits {
  const name = String(Name);
  const values: readonly unknown[] = Array.isArray(Values) ? Values : [];
  if (name.startsWith("tag:")) {
    return ({ tags }) => tags.some(({ key, value }) => key === name.slice("tag:".length) && values.includes(value));
  }
  if (name === "tag-key") return ({ tags }) => tags.some(({ key }) => values.includes(key));
  if (name === "tag-value") return ({ tags }) => tags.some(({ value }) => values.includes(value));
  throw faults.invalid(`Filter type ${name} is not correct. Allowed Filter types are: tag-key tag-value tag:<key>`);
}

/** Follows the API reference, "AutoScalingGroup". */
function toGroupOutput(group: SimGroup): Readonly<Record<string, unknown>> {
  const { settings, name, arn, createdAt, metrics } = group;
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
    ...defined({ PlacementGroup: settings.placementGroup }),
    TerminationPolicies: settings.terminationPolicies,
    NewInstancesProtectedFromScaleIn: settings.isProtected,
    SuspendedProcesses: [...group.suspended].map((ProcessName) => ({
      ProcessName,
      SuspensionReason: "User suspended",
    })),
    EnabledMetrics: [...metrics].map((Metric) => ({ Metric, Granularity: "1Minute" })),
    Instances: group.members.map(toMemberOutput),
    Tags: toTags(group),
    // "AutoScalingGroup", Status: "The current state of the group when the DeleteAutoScalingGroup operation is in progress."
    ...(group.isDeleting ? { Status: "Delete in progress" } : {}),
  };
}

/** Follows the API reference, "Instance". */
function toMemberOutput(member: SimMember): Readonly<Record<string, unknown>> {
  const { instanceId, instanceType, availabilityZone, healthStatus, template, configuration, isProtected } = member;
  return {
    InstanceId: instanceId,
    InstanceType: instanceType,
    AvailabilityZone: availabilityZone,
    LifecycleState: lifecycleStateOf(member),
    HealthStatus: healthStatus,
    ProtectedFromScaleIn: isProtected,
    ...defined({
      LaunchTemplate: template && toSpecification(template),
      LaunchConfigurationName: configuration,
    }),
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

/** A group as tests look at it. */
export interface GroupView {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly instances: readonly {
    readonly instanceId: string;
    readonly lifecycleState: string;
    readonly healthStatus: string;
  }[];
  readonly isDeleting: boolean;
  /** False: its instances are, or will be, without traffic. */
  readonly isAttached: boolean;
}

/** Returns the view of a group for tests. */
export function toGroupView({ name, settings, tags, members, isDeleting, sources }: SimGroup): GroupView {
  const { min, max, desired } = settings;
  return {
    name,
    min,
    max,
    desired,
    isDeleting,
    isAttached: sources.some(({ removedAt }) => removedAt === undefined),
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    instances: members.map((member) => ({
      instanceId: member.instanceId,
      lifecycleState: lifecycleStateOf(member),
      healthStatus: member.healthStatus,
    })),
  };
}
