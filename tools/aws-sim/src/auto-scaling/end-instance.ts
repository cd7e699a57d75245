import { randomUUID } from "node:crypto";
import { endActivity, type SimActivity, toCauseTime } from "./activity.ts";
import type { AutoScalingState } from "./auto-scaling-state.ts";
import { beginAction, hooksOf } from "./lifecycle-hooks.ts";
import { activeSources, type SimGroup } from "./sim-group.ts";
import { isAlive, type SimMember } from "./sim-member.ts";
import { tellOfHook } from "./tell-of-hook.ts";

/** Why an instance goes, in the words of activities. */
export interface EndInput {
  readonly at: number;
  readonly cause: string;
}

/**
 * An instance begins to go: it is deregistered and drained, waits at terminating hooks, and is terminated then. Source: user
 * guide, "Amazon EC2 Auto Scaling instance lifecycle" and "Detach or attach a load balancer": draining comes first.
 */
export function endInstance(state: AutoScalingState, group: SimGroup, member: SimMember, input: EndInput): void {
  const { at } = input;
  const wasServing = member.stage === "serving";
  if (member.activity.endedAt === undefined) endActivity(member.activity, at, { status: "Cancelled" });
  member.activity = toActivity(member, input);
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

/** Its connections are gone: it waits at the hooks, if there are any. */
export function leaveService(state: AutoScalingState, group: SimGroup, member: SimMember, at: number): void {
  const hooks = hooksOf(state.lifecycle, group, "autoscaling:EC2_INSTANCE_TERMINATING");
  if (hooks.length === 0) {
    shutDown(state, member, at);
    return;
  }
  member.stage = "terminateHook";
  member.activity.status = "MidLifecycleAction";
  member.actions = hooks.map((hook) => beginAction(state.lifecycle, { hook, instanceId: member.instanceId, now: at }));
  for (const action of member.actions) state.onEvent(tellOfHook(group, action));
  member.nextAt = Math.min(...member.actions.map(({ endsAt }) => endsAt));
}

/** EC2 terminates it. */
export function shutDown({ ec2, settings }: AutoScalingState, member: SimMember, at: number): void {
  member.stage = "shuttingDown";
  member.activity.status = "InProgress";
  member.nextAt = at + settings.terminateMs;
  ec2.changeState(member.instanceId, "shutting-down", at);
  ec2.changeState(member.instanceId, "terminated", member.nextAt);
}

/** It is gone, and the group does not know it any more. */
export function forgetInstance(state: AutoScalingState, group: SimGroup, member: SimMember, at: number): void {
  endActivity(member.activity, at, { status: "Successful" });
  group.members = group.members.filter((each) => each !== member);
  group.scaleAt = Math.min(group.scaleAt, at + state.settings.reactionMs);
}

/** All at once, without draining and without hooks. Source: "DeleteAutoScalingGroup", ForceDelete; "Lifecycle hooks". */
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

function toActivity({ instanceId, availabilityZone, subnetId }: SimMember, { at, cause }: EndInput): SimActivity {
  return {
    id: randomUUID(),
    cause,
    startedAt: at,
    description: `Terminating EC2 instance: ${instanceId}`,
    details: JSON.stringify({ "Subnet ID": subnetId, "Availability Zone": availabilityZone }),
    status: "InProgress",
    message: undefined,
    endedAt: undefined,
  };
}
