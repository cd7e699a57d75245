import { randomUUID } from "node:crypto";
import { defined } from "@stackyard/core";
import { DEFAULT_VPC } from "../ec2/resources.ts";
import { type AwsEvent, toAwsEvent } from "../event-bridge.ts";
import type { AutoScalingState } from "./auto-scaling-state.ts";
import { type LaunchFault, type LaunchOrder, resolveLaunch } from "./launch-configurations.ts";
import { beginAction, hooksOf, type LifecycleAction, outcomeOf, transitionOf } from "./lifecycle-hooks.ts";
import {
  activeSources,
  bootedAt,
  diesAt,
  endActivity,
  isAlive,
  type LaunchScript,
  type SimActivity,
  type SimGroup,
  type SimMember,
  type Stage,
  toCauseTime,
  toCourse,
  toLaunchError,
} from "./sim-group.ts";
import { works } from "./suspended-processes.ts";
import { takeScript } from "./take-script.ts";

type Step = (state: AutoScalingState, group: SimGroup, member: SimMember, at: number) => void;

/** What an instance does when its stage is due. Each step sets when the next one is due. */
export const STEPS: Readonly<Record<Stage, Step>> = {
  booting(state, group, member, at) {
    if (at >= bootedAt(member)) state.ec2.changeState(member.instanceId, "running", at);
    const hooks = hooksOf(state.lifecycle, group, "autoscaling:EC2_INSTANCE_LAUNCHING");
    if (at >= diesAt(member)) failInstance(state, group, member, at);
    else if (hooks.length === 0) enterService(state, group, member, at);
    else {
      member.stage = "launchHook";
      member.activity.status = "MidLifecycleAction";
      const { instanceId } = member;
      member.actions = hooks.map((hook) => beginAction(state.lifecycle, { hook, instanceId, now: at }));
      for (const action of member.actions) state.onEvent(toHookEvent(group.arn, action));
      member.nextAt = Math.min(diesAt(member), ...member.actions.map(({ endsAt }) => endsAt));
    }
  },

  launchHook(state, group, member, at) {
    if (at >= diesAt(member)) {
      failInstance(state, group, member, at);
      return;
    }
    const abandoned = member.actions.find((action) => outcomeOf(action, at) === "ABANDON");
    if (abandoned !== undefined) {
      abandonLaunch(state, group, member, { at, token: abandoned.token, isLate: abandoned.result === undefined });
      return;
    }
    const waiting = member.actions.filter((action) => outcomeOf(action, at) === "waiting");
    if (waiting.length === 0) enterService(state, group, member, at);
    else member.nextAt = Math.min(diesAt(member), ...waiting.map(({ endsAt }) => endsAt));
  },

  serving(state, group, member, at) {
    if (at >= diesAt(member)) failInstance(state, group, member, at);
    else {
      member.nextAt = nextLookAt(group, member, at);
      replaceIfUnhealthy(state, group, member, at);
    }
  },

  draining: leaveService,

  terminateHook(state, _group, member, at) {
    const waiting = member.actions.filter((action) => outcomeOf(action, at) === "waiting");
    if (waiting.length === 0) shutDown(state, member, at);
    else member.nextAt = Math.min(...waiting.map(({ endsAt }) => endsAt));
  },

  shuttingDown: forgetInstance,
};

/** Puts an instance into service: load balancers register it. */
export function enterService(state: AutoScalingState, group: SimGroup, member: SimMember, at: number): void {
  member.stage = "serving";
  member.actions = [];
  member.inServiceAt = at;
  member.course = toCourse(member, at);
  endActivity(member.activity, at, { status: "Successful" });
  // "AddToLoadBalancer is suspended": they are not added later either.
  const sources = works(group, "AddToLoadBalancer") ? activeSources(group) : [];
  for (const source of sources) state.traffic.register(source, member.instanceId, member.course);
  member.nextAt = nextLookAt(group, member, at);
}

function failInstance(state: AutoScalingState, group: SimGroup, member: SimMember, at: number): void {
  member.nextAt = Number.POSITIVE_INFINITY;
  member.healthStatus = "Unhealthy";
  if (!works(group, "ReplaceUnhealthy")) return;
  const why = "an instance was taken out of service in response to an EC2 instance status checks failure";
  endInstance(state, group, member, { at, cause: `At ${toCauseTime(at)} ${why}.` });
}

function abandonLaunch(
  state: AutoScalingState,
  group: SimGroup,
  member: SimMember,
  { at, token, isLate }: { readonly at: number; readonly token: string; readonly isLate: boolean },
): void {
  const why = isLate ? "Heartbeat Timeout" : "Lifecycle Action Completed with ABANDON Result";
  const message = `Instance failed to complete user's Lifecycle Action: Lifecycle Action with token ${token} was abandoned: ${why}`;
  endActivity(member.activity, at, { status: "Cancelled", message });
  const cause = "an instance was taken out of service in response to a launch failure";
  endInstance(state, group, member, { at, cause: `At ${toCauseTime(at)} ${cause}.` });
}

/**
 * What has never been healthy fails its checks this long after it was registered: two checks, 30 seconds apart. Source: Elastic
 * Load Balancing, "Health checks for your target groups", HealthCheckIntervalSeconds and UnhealthyThresholdCount.
 */
const FIRST_VERDICT_MS = 60_000;

/**
 * Replaces an instance that a load balancer reports unhealthy, if the group uses load balancer checks, once the grace period is
 * over. Source: user guide, "Health checks for instances in an Auto Scaling group".
 */
export function replaceIfUnhealthy(state: AutoScalingState, group: SimGroup, member: SimMember, at: number): void {
  if (member.stage !== "serving" || at < verdictAt(group, member)) return;
  if (!group.settings.healthCheckType.includes("ELB") || !works(group, "ReplaceUnhealthy")) return;
  const failing = activeSources(group).find((source) => !state.traffic.isHealthy(source, member.instanceId, at));
  if (failing === undefined) return;
  member.healthStatus = "Unhealthy";
  const why = "an instance was taken out of service in response to an ELB system health check failure";
  endInstance(state, group, member, { at, cause: `At ${toCauseTime(at)} ${why}.` });
}

/** Returns the next instant at which an instance in service can turn out to be unhealthy. */
export function nextLookAt(group: SimGroup, member: SimMember, at: number): number {
  const verdict = verdictAt(group, member);
  const failing = Math.max(verdict, member.course?.unhealthyAt ?? 0);
  return Math.min(...[diesAt(member), verdict, failing].filter((instant) => instant > at), Number.POSITIVE_INFINITY);
}

function verdictAt({ settings }: SimGroup, { inServiceAt = 0 }: SimMember): number {
  return inServiceAt + Math.max(settings.graceSeconds * 1_000, FIRST_VERDICT_MS);
}

/** Where an instance comes to be. */
interface LaunchPlace {
  readonly subnetId: string;
  readonly vpcId: string;
  readonly availabilityZone: string;
}

/** Launches one instance into a group. Undefined: it failed, and an activity says why. */
export function launchInstance(
  state: AutoScalingState,
  group: SimGroup,
  { at, cause, script = takeScript(state.scripts, group) }: LaunchInput,
): SimMember | undefined {
  const place = toPlace(state, group);
  const count = group.members.filter(isAlive).length;
  const order = resolveLaunch(state, group, { source: group.settings.source, count });
  const activity = toActivity(place, {
    at,
    cause: `${cause}At ${toCauseTime(at)} an instance was started in response to a difference between desired and actual capacity`,
    description: "Launching a new EC2 instance",
  });
  group.activities.push(activity);
  const fault = findFault(state, order, { script, place });
  if (fault !== undefined || "fault" in order) {
    endActivity(activity, at, { status: "Failed", message: fault ?? "" });
    return;
  }
  const instanceId = addInstance(state, group, { order, place, at });
  activity.description = `Launching a new EC2 instance: ${instanceId}`;
  const member: SimMember = {
    instanceId,
    instanceType: order.instanceType,
    availabilityZone: place.availabilityZone,
    subnetId: place.subnetId,
    launchedAt: at,
    script,
    template: order.template,
    configuration: order.configuration,
    isProtected: group.settings.isProtected,
    stage: "booting",
    nextAt: at,
    healthStatus: "Healthy",
    course: undefined,
    inServiceAt: undefined,
    actions: [],
    activity,
  };
  member.nextAt = Math.min(bootedAt(member), diesAt(member));
  group.members = [...group.members, member];
  return member;
}

/** When, why and how. */
interface LaunchInput {
  readonly at: number;
  readonly cause: string;
  /** Default: the next one that tests wrote for the group. */
  readonly script?: LaunchScript;
}

/** Returns the subnet with the fewest instances ("AZRebalance": groups are spread evenly over their zones). */
function toPlace({ ec2 }: AutoScalingState, { settings, members, region }: SimGroup): LaunchPlace {
  const alive = members.filter(isAlive);
  const countOf = (id: string) => alive.filter(({ subnetId }) => subnetId === id).length;
  const [subnetId = "subnet-00000000000000000"] = settings.subnets.toSorted((a, b) => countOf(a) - countOf(b));
  const { vpcId = DEFAULT_VPC, availabilityZone = `${region}a` } = ec2.state.subnets.get(subnetId) ?? {};
  return { subnetId, vpcId, availabilityZone };
}

function findFault(
  { ec2 }: AutoScalingState,
  order: LaunchOrder | LaunchFault,
  { script, place }: { readonly script: LaunchScript; readonly place: LaunchPlace },
): string | undefined {
  const fail = (why: string) => `${why.replace(/\.$/, "")}. Launching EC2 instance failed.`;
  if ("fault" in order) return fail(order.fault);
  const { subnets, securityGroups } = ec2.state;
  const isFar = (id: string) => securityGroups.get(id)?.vpcId !== place.vpcId;
  const far =
    subnets.has(place.subnetId) && order.template !== undefined ? order.securityGroupIds.find(isFar) : undefined;
  if (far !== undefined) return fail(`The security group '${far}' does not exist in VPC '${place.vpcId}'`);
  if (script.launchError === undefined) return;
  return toLaunchError(script.launchError, { ...order, availabilityZone: place.availabilityZone });
}

/** Begins the activity that launches or terminates an instance. */
function toActivity(
  { subnetId, availabilityZone }: Pick<LaunchPlace, "subnetId" | "availabilityZone">,
  { at, cause, description }: EndInput & { readonly description: string },
): SimActivity {
  return {
    id: randomUUID(),
    startedAt: at,
    description,
    cause,
    details: JSON.stringify({ "Subnet ID": subnetId, "Availability Zone": availabilityZone }),
    status: "InProgress",
    message: undefined,
    endedAt: undefined,
  };
}

function addInstance(
  { ec2 }: AutoScalingState,
  group: SimGroup,
  { order, place, at }: { readonly order: LaunchOrder; readonly place: LaunchPlace; readonly at: number },
): string {
  const { account, region, name, tags } = group;
  const propagated = tags.filter(({ propagates }) => propagates).map(({ key, value }) => [key, value]);
  const { imageId, instanceType, securityGroupIds, isSpot, template } = order;
  const placementGroup = group.settings.placementGroup ?? order.placementGroup;
  return ec2.addInstance({
    account,
    region,
    instanceType,
    launchedAt: at,
    state: "pending",
    visibleAt: ec2.state.seenAt(at),
    launch: { ...place, imageId, securityGroupIds, placementGroup, isSpot },
    tags: {
      ...order.tags,
      ...Object.fromEntries(propagated),
      // User guide, "Tag Auto Scaling groups and instances": it adds these by itself.
      "aws:autoscaling:groupName": name,
      ...(template && { "aws:ec2launchtemplate:id": template.id, "aws:ec2launchtemplate:version": template.version }),
    },
  });
}

/** Why an instance goes, in the words of activities. */
interface EndInput {
  readonly at: number;
  readonly cause: string;
}

/**
 * Starts to remove an instance: it is deregistered and drained, waits at terminating hooks, and is then terminated.
 * Source: user guide, "Amazon EC2 Auto Scaling instance lifecycle" and "Detach or attach a load balancer": draining
 * comes first.
 */
export function endInstance(state: AutoScalingState, group: SimGroup, member: SimMember, input: EndInput): void {
  const { at } = input;
  const wasServing = member.stage === "serving";
  if (member.activity.endedAt === undefined) endActivity(member.activity, at, { status: "Cancelled" });
  member.activity = toActivity(member, { ...input, description: `Terminating EC2 instance: ${member.instanceId}` });
  group.activities.push(member.activity);
  const drained = wasServing
    ? activeSources(group).map((source) => state.traffic.deregister(source, member.instanceId, at))
    : [];
  member.stage = "draining";
  member.actions = [];
  member.nextAt = Math.max(at, ...drained);
  if (member.nextAt > at) member.activity.status = "WaitingForELBConnectionDraining";
  group.scaleAt = Math.min(group.scaleAt, at + state.settings.reactionMs);
}

/** Ends the draining: waits at the hooks, if there are any. */
function leaveService(state: AutoScalingState, group: SimGroup, member: SimMember, at: number): void {
  const hooks = hooksOf(state.lifecycle, group, "autoscaling:EC2_INSTANCE_TERMINATING");
  if (hooks.length === 0) {
    shutDown(state, member, at);
    return;
  }
  member.stage = "terminateHook";
  member.activity.status = "MidLifecycleAction";
  member.actions = hooks.map((hook) => beginAction(state.lifecycle, { hook, instanceId: member.instanceId, now: at }));
  for (const action of member.actions) state.onEvent(toHookEvent(group.arn, action));
  member.nextAt = Math.min(...member.actions.map(({ endsAt }) => endsAt));
}

/** Terminates it, as EC2 does. */
function shutDown({ ec2, settings }: AutoScalingState, member: SimMember, at: number): void {
  member.stage = "shuttingDown";
  member.activity.status = "InProgress";
  member.nextAt = at + settings.terminateMs;
  ec2.changeState(member.instanceId, "shutting-down", at);
  ec2.changeState(member.instanceId, "terminated", member.nextAt);
}

/** Removes it from the group. */
function forgetInstance(state: AutoScalingState, group: SimGroup, member: SimMember, at: number): void {
  endActivity(member.activity, at, { status: "Successful" });
  group.members = group.members.filter((each) => each !== member);
  group.scaleAt = Math.min(group.scaleAt, at + state.settings.reactionMs);
}

/**
 * Terminates all at once, without draining and without hooks. Source: "DeleteAutoScalingGroup", ForceDelete; "Lifecycle
 * hooks".
 */
export function endAll(state: AutoScalingState, group: SimGroup, at: number): void {
  const cause = `At ${toCauseTime(at)} a user request force deleted the AutoScalingGroup changing the desired capacity from ${group.settings.desired} to 0.  `;
  for (const member of group.members) {
    if (member.stage === "shuttingDown") continue;
    if (isAlive(member)) {
      endInstance(state, group, member, { at, cause: `${cause}At ${toCauseTime(at)} ${OUT}.` });
    }
    member.actions = [];
    shutDown(state, member, at);
  }
}

const OUT = "an instance was taken out of service in response to a difference between desired and actual capacity";

/**
 * Returns the event of an instance that comes to a hook. Source: user guide, "Amazon EC2 Auto Scaling events",
 * lifecycle actions.
 */
export function toHookEvent(groupArn: string, { hook, token, instanceId, beganAt }: LifecycleAction): AwsEvent {
  const isLaunch = transitionOf(hook) === "autoscaling:EC2_INSTANCE_LAUNCHING";
  const ends = isLaunch ? ["EC2", "AutoScalingGroup"] : ["AutoScalingGroup", "EC2"];
  return toAwsEvent({
    account: hook.account,
    region: hook.region,
    at: beganAt,
    source: "aws.autoscaling",
    resources: [groupArn],
    detailType: `EC2 Instance-${isLaunch ? "launch" : "terminate"} Lifecycle Action`,
    detail: {
      LifecycleActionToken: token,
      AutoScalingGroupName: hook.group,
      LifecycleHookName: hook.name,
      EC2InstanceId: instanceId,
      LifecycleTransition: transitionOf(hook),
      Origin: ends[0],
      Destination: ends[1],
      ...defined({ NotificationMetadata: hook.notificationMetadata }),
    },
  });
}
