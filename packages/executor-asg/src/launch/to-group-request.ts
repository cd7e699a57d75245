import type {
  CreateAutoScalingGroupCommandInput,
  LaunchTemplateSpecification,
  LifecycleHookSpecification,
} from "@aws-sdk/client-auto-scaling";
import type { LifecycleHook } from "../document/release.ts";
import type { LaunchFacts } from "./launch-facts.ts";
import { toReleaseTags } from "./release-tags.ts";
import { isMixed, toMixedInstances } from "./to-mixed-instances.ts";

/** Capacity at the creation, by the strategy. */
export interface InitialCapacity {
  readonly min: number;
  readonly desired: number;
  readonly max: number;
}

/** Auto Scaling's own default ("CreateAutoScalingGroup", DefaultCooldown), said so that it is seen. */
const COOLDOWN_SECONDS = 300;
/** A release ends before old servers stand beside new ones in a group; what is older by its template goes first. */
const TERMINATION_POLICIES = ["OldestLaunchTemplate", "Default"];

/** What belongs to the group beside the facts of its service. */
export interface GroupInput {
  /** With a fixed version. */
  readonly template: LaunchTemplateSpecification;
  readonly capacity: InitialCapacity;
}

/** The request for the group of a service. Source: Auto Scaling API reference, "CreateAutoScalingGroup". */
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
    // The first step of a strategy has at least one server, also of a service that may have none.
    MinSize: Math.min(capacity.min, capacity.max),
    DesiredCapacity: Math.min(capacity.desired, capacity.max),
    MaxSize: capacity.max,
    DefaultCooldown: autoscaling.default_cooldown ?? COOLDOWN_SECONDS,
    ...(autoscaling.default_instance_warmup !== undefined && {
      DefaultInstanceWarmup: autoscaling.default_instance_warmup,
    }),
    ...toHealthCheck(facts),
    VPCZoneIdentifier: resources.subnets.join(","),
    ...(resources.elbs.length > 0 && { LoadBalancerNames: [...resources.elbs] }),
    ...(resources.target_group_arns.length > 0 && { TargetGroupARNs: [...resources.target_group_arns] }),
    ...(placement_group_name !== undefined && { PlacementGroup: placement_group_name }),
    ...(capacity_rebalance !== undefined && { CapacityRebalance: capacity_rebalance }),
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
    ...(hook.notification_target_arn !== undefined && { NotificationTargetARN: hook.notification_target_arn }),
    ...(hook.role_arn !== undefined && { RoleARN: hook.role_arn }),
    ...(hook.default_result !== undefined && { DefaultResult: hook.default_result }),
    ...(hook.heartbeat_timeout !== undefined && { HeartbeatTimeout: hook.heartbeat_timeout }),
  };
}
