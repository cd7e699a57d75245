import { findFlag, isOwn, type SimCall, type SimService, textOf, textsOf, toKey } from "../sim-call.ts";
import { type AutoScalingState, groupOf, standingGroupOf } from "./auto-scaling-state.ts";
import { checkPermissions, readSettings } from "./create-group.ts";
import { toActivityOutput } from "./describe-activities.ts";
import { endAll, endInstance, nextLookAt, replaceIfUnhealthy, STEPS } from "./instances.ts";
import { hooksOf, toHookKey } from "./lifecycle-hooks.ts";
import { removeAlarms } from "./policies.ts";
import { scaleGroup } from "./scale-group.ts";
import {
  autoScalingFaults as faults,
  type GroupSettings,
  isAlive,
  type SimGroup,
  type SimMember,
  toCauseTime,
} from "./sim-group.ts";

/** Implements UpdateAutoScalingGroup: other settings are unchanged. Source: API reference. */
export function updateGroup(state: AutoScalingState, call: SimCall): unknown {
  const group = standingGroupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  const settings = readSettings(state, call, group.settings);
  checkPermissions(state, call, settings.source === group.settings.source ? undefined : settings.source);
  const { min, max, desired } = settings;
  const words = `a user request update of AutoScalingGroup constraints to min: ${min}, max: ${max}, desired: ${desired}`;
  applySettings(state, group, { settings, words, now: call.now });
  return {};
}

/** Sets another desired capacity, within the bounds. */
export function setDesired(
  state: AutoScalingState,
  group: SimGroup,
  { desired, words, now }: { readonly desired: number; readonly words: string; readonly now: number },
): void {
  const { min, max } = group.settings;
  if (desired > max) {
    throw faults.invalid(`New SetDesiredCapacity value ${desired} is above max value ${max} for the AutoScalingGroup.`);
  }
  if (desired < min) {
    throw faults.invalid(`New SetDesiredCapacity value ${desired} is below min value ${min} for the AutoScalingGroup.`);
  }
  applySettings(state, group, { settings: { ...group.settings, desired }, words, now });
}

/** Implements DeleteAutoScalingGroup: by force with its instances, else only an empty one. Source: API reference. */
export function deleteGroup(state: AutoScalingState, call: SimCall): unknown {
  const group = groupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  if (findFlag(call.input, "ForceDelete") === true) {
    if (group.isDeleting) return {};
    endAll(state, group, call.now);
    group.settings = { ...group.settings, min: 0, max: 0, desired: 0 };
    group.isDeleting = true;
    if (group.members.length === 0) removeGroup(state, group);
    return {};
  }
  if (group.members.some(isAlive) || group.settings.desired > 0) {
    throw faults.inUse(
      "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.",
    );
  }
  if (group.members.length > 0) throw faults.active();
  removeGroup(state, group);
  return {};
}

function applySettings(
  state: AutoScalingState,
  group: SimGroup,
  { settings, words, now }: { readonly settings: GroupSettings; readonly words: string; readonly now: number },
): void {
  const before = group.settings;
  group.settings = settings;
  for (const member of group.members) {
    if (member.stage === "serving") member.nextAt = nextLookAt(group, member, now);
  }
  if (before.desired === settings.desired) return;
  const change = `changing the desired capacity from ${before.desired} to ${settings.desired}`;
  group.changes = [...group.changes, `At ${toCauseTime(now)} ${words} ${change}.`];
  group.scaleAt = Math.min(group.scaleAt, now + state.settings.reactionMs);
}

/**
 * Implements TerminateInstanceInAutoScalingGroup: it is replaced, unless the desired capacity shrinks with it. Source:
 * API reference.
 */
export function terminateInstance(state: AutoScalingState, call: SimCall): unknown {
  const { group, member } = memberOf(state, textOf(call.input, "InstanceId"), call);
  const at = call.now;
  const { min, desired } = group.settings;
  if (findFlag(call.input, "ShouldDecrementDesiredCapacity") === true) {
    if (desired - 1 < min) {
      throw faults.invalid(
        `Currently, desiredSize equals minSize (${min}). Terminating instance without replacement will violate group's min size constraint.`,
      );
    }
    group.settings = { ...group.settings, desired: desired - 1 };
  }
  if (isAlive(member)) {
    const cause = `At ${toCauseTime(at)} instance ${member.instanceId} was taken out of service in response to a user request.`;
    endInstance(state, group, member, { at, cause });
  }
  return { Activity: toActivityOutput(group, member.activity) };
}

function memberOf(
  { groups }: AutoScalingState,
  id: string,
  call: SimCall,
): { readonly group: SimGroup; readonly member: SimMember } {
  for (const group of groups.values()) {
    if (!isOwn(group, call)) continue;
    const member = group.members.find(({ instanceId }) => instanceId === id);
    if (member !== undefined) return { group, member };
  }
  throw faults.invalid(`Instance Id not found - No managed instance found for instance ID: ${id}`);
}

/** "EnableMetricsCollection", Metrics. */
const METRICS = [
  ...["GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances", "GroupPendingInstances"],
  ...["GroupStandbyInstances", "GroupTerminatingInstances", "GroupTotalInstances", "GroupInServiceCapacity"],
  ...["GroupPendingCapacity", "GroupStandbyCapacity", "GroupTerminatingCapacity", "GroupTotalCapacity"],
  ...["WarmPoolDesiredCapacity", "WarmPoolWarmedCapacity", "WarmPoolPendingCapacity", "WarmPoolTerminatingCapacity"],
  ...["WarmPoolTotalCapacity", "GroupAndWarmPoolDesiredCapacity", "GroupAndWarmPoolTotalCapacity"],
];

/** Implements EnableMetricsCollection: every minute, those that are named, or all. Source: API reference. */
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

/** Plays all groups up to an instant: nothing happens between calls, and everything has happened when one looks. */
export function catchUp(state: AutoScalingState, now: number): void {
  for (const group of state.groups.values()) {
    playGroup(state, group, now);
    // The health at load balancers may have been changed meanwhile.
    for (const member of group.members) replaceIfUnhealthy(state, group, member, now);
    playGroup(state, group, now);
    forgetSources(state, group, now);
    if (group.isDeleting && group.members.length === 0) removeGroup(state, group);
  }
}

/** Removes a group, with its hooks and its own alarms. */
function removeGroup(state: AutoScalingState, group: SimGroup): void {
  const { groups, gone, lifecycle } = state;
  for (const policy of group.policies.values()) removeAlarms(state, group, policy);
  groups.delete(toKey(group));
  gone.push(group);
  for (const hook of hooksOf(lifecycle, group)) lifecycle.hooks.delete(toHookKey(hook));
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

/** Wraps a service so that it sees the instances of groups: each call sees all that groups have done until then. */
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
