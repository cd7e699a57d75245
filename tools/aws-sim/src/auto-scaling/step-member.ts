import { endActivity, toCauseTime } from "./activity.ts";
import type { AutoScalingState } from "./auto-scaling-state.ts";
import { endInstance, forgetInstance, leaveService, shutDown } from "./end-instance.ts";
import { judgeMember, nextLookAt } from "./judge-member.ts";
import { beginAction, hooksOf, outcomeOf } from "./lifecycle-hooks.ts";
import { activeSources, type SimGroup } from "./sim-group.ts";
import { bootedAt, diesAt, type SimMember, type Stage, toCourse } from "./sim-member.ts";
import { tellOfHook } from "./tell-of-hook.ts";

type Step = (state: AutoScalingState, group: SimGroup, member: SimMember, at: number) => void;

/** What an instance does when its stage has to be looked at. Each step sets when to look again. */
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
      for (const action of member.actions) state.onEvent(tellOfHook(group, action));
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
      judgeMember(state, group, member, at);
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

/** It comes into service: load balancers get to know it. */
export function enterService(state: AutoScalingState, group: SimGroup, member: SimMember, at: number): void {
  member.stage = "serving";
  member.actions = [];
  member.inServiceAt = at;
  member.course = toCourse(member, at);
  endActivity(member.activity, at, { status: "Successful" });
  if (!group.suspended.has("AddToLoadBalancer")) {
    for (const source of activeSources(group)) state.traffic.register(source, member.instanceId, member.course);
  }
  member.nextAt = nextLookAt(group, member, at);
}

function failInstance(state: AutoScalingState, group: SimGroup, member: SimMember, at: number): void {
  member.nextAt = Number.POSITIVE_INFINITY;
  if (group.suspended.has("HealthCheck")) return;
  member.healthStatus = "Unhealthy";
  if (group.suspended.has("ReplaceUnhealthy") || group.suspended.has("Terminate")) return;
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
