import { findFlag, textsOf } from "../input-lists.ts";
import { findText, type SimCall, textOf } from "../sim-call.ts";
import { toCauseTime } from "./activity.ts";
import { autoScalingFaults as faults } from "./auto-scaling-faults.ts";
import { type AutoScalingState, standingGroupOf } from "./auto-scaling-state.ts";
import { toActivityOutput } from "./describe-activities.ts";
import { endInstance } from "./end-instance.ts";
import type { SimGroup } from "./sim-group.ts";
import { isAlive, type SimMember } from "./sim-member.ts";

/** TerminateInstanceInAutoScalingGroup: it is replaced, unless the desired capacity shrinks with it. Source: API reference. */
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

/** SetInstanceHealth: an unhealthy instance is replaced, whatever its checks say. Source: API reference. */
export function setInstanceHealth(state: AutoScalingState, call: SimCall): unknown {
  const { group, member } = memberOf(state, textOf(call.input, "InstanceId"), call);
  const health = findText(call.input, "HealthStatus");
  if (health !== "Healthy" && health !== "Unhealthy") {
    throw faults.invalid(`Invalid HealthStatus: ${health}. Valid values are Healthy and Unhealthy.`);
  }
  const at = call.now;
  const inGrace = at < (member.inServiceAt ?? at) + group.settings.graceSeconds * 1_000;
  // "ShouldRespectGracePeriod": by default a call has no effect on an instance in its grace period.
  if (inGrace && findFlag(call.input, "ShouldRespectGracePeriod") !== false) return {};
  member.healthStatus = health;
  if (health === "Healthy" || !isAlive(member) || group.suspended.has("ReplaceUnhealthy")) return {};
  const why = "an instance was taken out of service in response to a user health-check";
  endInstance(state, group, member, { at, cause: `At ${toCauseTime(at)} ${why}.` });
  return {};
}

/** SetInstanceProtection: what is protected stays when the group shrinks. Source: API reference. */
export function setInstanceProtection(state: AutoScalingState, call: SimCall): unknown {
  const group = standingGroupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  const members = textsOf(call.input, "InstanceIds").map((id) => {
    const member = group.members.find(({ instanceId }) => instanceId === id);
    if (member === undefined)
      throw faults.invalid(`The instance ${id} is not part of Auto Scaling group ${group.name}.`);
    return member;
  });
  for (const member of members) member.isProtected = findFlag(call.input, "ProtectedFromScaleIn") === true;
  return {};
}

function memberOf(
  { groups }: AutoScalingState,
  id: string,
  { identity, region }: SimCall,
): { readonly group: SimGroup; readonly member: SimMember } {
  for (const group of groups.values()) {
    if (group.account !== identity.account || group.region !== region) continue;
    const member = group.members.find(({ instanceId }) => instanceId === id);
    if (member !== undefined) return { group, member };
  }
  throw faults.invalid(`Instance Id not found - No managed instance found for instance ID: ${id}`);
}
