import { findVersion } from "../ec2/launch-templates.ts";
import { allows } from "../identities.ts";
import { recordsOf, type SimCall, type SimService, textOf, textsOf } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import { type AutoScalingState, standingGroupOf } from "./auto-scaling-state.ts";
import { toGroupKey } from "./group-key.ts";
import { judgeMember, STEPS } from "./instances.ts";
import { scaleGroup } from "./scale-group.ts";
import { autoScalingFaults as faults, type LaunchSource, type SimGroup } from "./sim-group.ts";
import { removeAlarms } from "./tracking-alarms.ts";

/** "EnableMetricsCollection", Metrics. */
const METRICS = [
  ...["GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances", "GroupPendingInstances"],
  ...["GroupStandbyInstances", "GroupTerminatingInstances", "GroupTotalInstances", "GroupInServiceCapacity"],
  ...["GroupPendingCapacity", "GroupStandbyCapacity", "GroupTerminatingCapacity", "GroupTotalCapacity"],
  ...["WarmPoolDesiredCapacity", "WarmPoolWarmedCapacity", "WarmPoolPendingCapacity", "WarmPoolTerminatingCapacity"],
  ...["WarmPoolTotalCapacity", "GroupAndWarmPoolDesiredCapacity", "GroupAndWarmPoolTotalCapacity"],
];

/** EnableMetricsCollection: every minute, those that are named, or all. Source: API reference. */
export function enableMetrics(state: AutoScalingState, call: SimCall): unknown {
  const group = standingGroupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  if (call.input["Granularity"] !== "1Minute") {
    throw faults.invalid("The only valid value for Granularity is 1Minute.");
  }
  for (const metric of readNames(call, "Metrics", METRICS)) group.metrics.add(metric);
  return {};
}

function readNames({ input }: SimCall, field: string, all: readonly string[]): readonly string[] {
  const names = textsOf(input, field);
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) throw faults.invalid(`${unknown} is not a valid value of ${field}`);
  return names.length === 0 ? all : names;
}

/**
 * What else a caller must be allowed who makes or changes a group. Source: user guide, "Control Amazon EC2 launch template usage
 * in Auto Scaling groups" (RunInstances, PassRole), "Identity-based policy examples" (CreateOrUpdateTags).
 */
export function checkPermissions(state: AutoScalingState, call: SimCall, source: LaunchSource | undefined): void {
  const { input } = call;
  if (recordsOf(input, "Tags").length > 0) needs(call, "autoscaling:CreateOrUpdateTags");
  const hooks = recordsOf(input, "LifecycleHookSpecificationList");
  if (hooks.some((hook) => hook["RoleARN"] !== undefined)) needs(call, "iam:PassRole");
  if (source === undefined || source.kind === "configuration") return;
  const { id, version } = source.template;
  if (!allows(call.identity.allow, "ec2:RunInstances")) {
    throw new SimFault("AccessDenied", 403, `You are not authorized to use launch template: ${id}`);
  }
  const template = state.ec2.state.launchTemplates.get(id);
  const data = template === undefined ? undefined : findVersion(template, version)?.data;
  if (data?.["IamInstanceProfile"] !== undefined) needs(call, "iam:PassRole");
}

function needs({ identity }: SimCall, action: string): void {
  if (!allows(identity.allow, action)) throw faults.denied(identity.arn, action);
}

/** Plays all groups up to an instant: nothing happens between calls, and everything has happened when one looks. */
export function catchUp(state: AutoScalingState, now: number): void {
  for (const group of state.groups.values()) {
    playGroup(state, group, now);
    // The health at load balancers may have been changed meanwhile.
    for (const member of group.members) judgeMember(state, group, member, now);
    playGroup(state, group, now);
    forgetSources(state, group, now);
    if (group.isDeleting && group.members.length === 0) removeGroup(state, group);
  }
}

/** Removes a group, with its hooks and its own alarms. */
export function removeGroup(state: AutoScalingState, group: SimGroup): void {
  const { groups, gone, lifecycle } = state;
  for (const policy of group.policies.values()) removeAlarms(state, group, policy);
  groups.delete(toGroupKey(group));
  gone.push(group);
  for (const [key, hook] of lifecycle.hooks) {
    const { account, region, group: name } = hook;
    if (toGroupKey({ account, region, name }) === toGroupKey(group)) lifecycle.hooks.delete(key);
  }
}

function playGroup(state: AutoScalingState, group: SimGroup, now: number): void {
  for (let at = nextAt(group); at <= now; at = nextAt(group)) {
    for (const member of group.members) if (member.nextAt <= at) STEPS[member.stage](state, group, member, at);
    if (group.scaleAt <= at) scaleGroup(state, group, at);
  }
}

function nextAt({ members, scaleAt }: SimGroup): number {
  return members.reduce((earliest, member) => Math.min(earliest, member.nextAt), scaleAt);
}

function forgetSources({ settings }: AutoScalingState, group: SimGroup, now: number): void {
  group.sources = group.sources.filter(
    ({ removedAt = Number.POSITIVE_INFINITY }) => now < removedAt + settings.removedVisibleMs,
  );
}

/** A service that sees the instances of groups: each call sees all that groups have done until then. */
export function afterCatchUp(service: SimService, catchUp: (now: number) => void): SimService {
  const operations = Object.entries(service.operations).map(([name, serve]) => {
    const operation = (call: SimCall) => {
      catchUp(call.now);
      return serve(call);
    };
    return [name, operation] as const;
  });
  return { ...service, operations: Object.fromEntries(operations) };
}
