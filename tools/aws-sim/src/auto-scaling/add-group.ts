import type { AutoScalingState } from "./auto-scaling-state.ts";
import { NO_SETTINGS, toGroup } from "./create-group.ts";
import { type GroupKey, toGroupKey } from "./group-key.ts";
import { launchInstance } from "./launch-instance.ts";
import type { LaunchScript } from "./launch-script.ts";
import { type HookInput, toHookKey } from "./lifecycle-hooks.ts";
import type { SimGroup } from "./sim-group.ts";
import { enterService } from "./step-member.ts";
import type { TrafficSourceRef } from "./traffic-source.ts";

/** A group that has been there for a while. */
export interface GroupInput extends GroupKey {
  /** Default: 1. */
  readonly desired?: number;
  /** Default: 0. */
  readonly min?: number;
  /** Default: as many as are desired. */
  readonly max?: number;
  /** All are propagated. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Made where it is not there. Default: the group's name. */
  readonly launchConfiguration?: string;
  /** ARNs. */
  readonly targetGroups?: readonly string[];
  readonly loadBalancers?: readonly string[];
  readonly subnets?: readonly string[];
  readonly healthCheckType?: "EC2" | "ELB";
  readonly hooks?: readonly Omit<HookInput, "account" | "region" | "group">[];
  /** Of its instances, which have booted already. */
  readonly script?: LaunchScript;
  /** Simple policies, with alarms that call them. */
  readonly policies?: readonly { readonly name: string; readonly alarms?: readonly string[] }[];
}

/** Adds it, with instances that are in service; gives its name. */
export function addGroup(state: AutoScalingState, input: GroupInput, now: number): string {
  const { account, region, name, desired = 1, min = 0, max = Math.max(desired, min), tags = {} } = input;
  const key = { account, region, name };
  const configuration = input.launchConfiguration ?? name;
  addConfiguration(state, { account, region, name: configuration }, now);
  const settings = {
    ...NO_SETTINGS,
    min,
    max,
    desired,
    subnets: input.subnets ?? [],
    availabilityZones: [`${region}a`],
    healthCheckType: input.healthCheckType ?? "EC2",
    source: { kind: "configuration", name: configuration } as const,
  };
  const group = { ...toGroup(state, key, { settings, now }), visibleAt: now };
  group.tags = Object.entries(tags).map(([tag, value]) => ({ key: tag, value, propagates: true }));
  const refs: TrafficSourceRef[] = [
    ...(input.targetGroups ?? []).map((id) => ({ account, region, kind: "targetGroup" as const, id })),
    ...(input.loadBalancers ?? []).map((id) => ({ account, region, kind: "classic" as const, id })),
  ];
  group.sources = refs.map((ref) => ({ ref, attachedAt: 0, removedAt: undefined }));
  for (const each of input.hooks ?? []) {
    const hook = { ...each, account, region, group: name };
    state.lifecycle.hooks.set(toHookKey(hook), hook);
  }
  state.groups.set(toGroupKey(key), group);
  addPolicies(state, group, input.policies ?? []);
  fill(state, group, { now, script: { bootMs: 0, healthyAfterMs: 0, ...input.script } });
  return name;
}

/** A launch configuration as old accounts have it. */
export function addConfiguration({ configurations }: AutoScalingState, key: GroupKey, now: number): void {
  if (!configurations.has(toGroupKey(key))) configurations.set(toGroupKey(key), { ...key, createdAt: now, input: {} });
}

function addPolicies(
  { alarms }: AutoScalingState,
  group: SimGroup,
  policies: readonly { readonly name: string; readonly alarms?: readonly string[] }[],
): void {
  const { account, region } = group;
  for (const { name, alarms: names = [] } of policies) {
    const arn = `arn:aws:autoscaling:${region}:${account}:scalingPolicy:00000000-0000-4000-8000-000000000000:autoScalingGroupName/${group.name}:policyName/${name}`;
    const policyInput = { AdjustmentType: "ChangeInCapacity", ScalingAdjustment: 1, Cooldown: 60 };
    group.policies.set(name, { name, arn, type: "SimpleScaling", input: policyInput, ownAlarms: [] });
    for (const alarm of names) alarms.putTrackingAlarm({ account, region, name: alarm, actionArn: arn });
  }
}

function fill(
  state: AutoScalingState,
  group: SimGroup,
  { now, script }: { readonly now: number; readonly script: LaunchScript },
): void {
  for (let index = 0; index < group.settings.desired; index += 1) {
    const member = launchInstance(state, group, { at: now, cause: "", script });
    if (member === undefined) return;
    state.ec2.changeState(member.instanceId, "running", now);
    enterService(state, group, member, now);
  }
}
