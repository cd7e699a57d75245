import { findFlag, type SimCall, textOf, textsOf } from "../sim-call.ts";
import { type AutoScalingState, standingGroupOf } from "./auto-scaling-state.ts";
import { autoScalingFaults as faults, isAlive, type SimGroup } from "./sim-group.ts";

/** User guide, "Suspend and resume Amazon EC2 Auto Scaling processes": the types of processes. */
const PROCESSES = [
  ...["Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck"],
  ...["InstanceRefresh", "ReplaceUnhealthy", "ScheduledActions"],
] as const;

/** A type of process of a group. */
type ProcessName = (typeof PROCESSES)[number];

/**
 * Returns true if a process of the group works. User guide, "How suspended processes affect other processes": unhealthy
 * instances are not replaced while any of the three processes is suspended that this needs.
 */
export function works({ suspended }: SimGroup, name: ProcessName): boolean {
  if (name !== "ReplaceUnhealthy") return !suspended.has(name);
  return !(["ReplaceUnhealthy", "HealthCheck", "Terminate"] as const).some((each) => suspended.has(each));
}

/** Implements SuspendProcesses: those that are named, or all. Source: API reference. */
export function suspendProcesses(state: AutoScalingState, call: SimCall): unknown {
  const group = standingGroupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  for (const name of readProcesses(call)) group.suspended.add(name);
  return {};
}

/** Implements ResumeProcesses. Source: API reference; the group then does what it has missed. */
export function resumeProcesses(state: AutoScalingState, call: SimCall): unknown {
  const group = standingGroupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  for (const name of readProcesses(call)) group.suspended.delete(name);
  for (const member of group.members) if (member.healthStatus === "Unhealthy") member.nextAt = call.now;
  group.scaleAt = Math.min(group.scaleAt, call.now + state.settings.reactionMs);
  return {};
}

function readProcesses({ input }: SimCall): readonly string[] {
  const names = textsOf(input, "ScalingProcesses");
  const unknown = names.find((name) => !PROCESSES.some((each) => each === name));
  if (unknown !== undefined) throw faults.invalid(`${unknown} is not a valid ScalingProcess`);
  return names.length === 0 ? PROCESSES : names;
}

/** API reference, "SetInstanceProtection": "You can specify up to 50 instance IDs." */
const MAX_PROTECTED = 50;

/** Implements SetInstanceProtection, which a later scale-in respects. Source: API reference. */
export function setInstanceProtection(state: AutoScalingState, call: SimCall): unknown {
  const group = standingGroupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  const ids = textsOf(call.input, "InstanceIds");
  const isProtected = findFlag(call.input, "ProtectedFromScaleIn");
  if (isProtected === undefined) throw faults.invalid("ProtectedFromScaleIn is required.");
  if (ids.length > MAX_PROTECTED) throw faults.limit(`At most ${MAX_PROTECTED} instance IDs can be specified.`);
  const unknown = ids.find((id) => !group.members.some(({ instanceId }) => instanceId === id));
  if (unknown !== undefined)
    throw faults.invalid(`The instance ${unknown} is not part of Auto Scaling group ${group.name}.`);
  for (const member of group.members) {
    if (!ids.includes(member.instanceId)) continue;
    if (!isAlive(member)) throw faults.invalid(`The instance ${member.instanceId} is not in InService or Standby.`);
    member.isProtected = isProtected;
  }
  group.scaleAt = Math.min(group.scaleAt, call.now + state.settings.reactionMs);
  return {};
}
