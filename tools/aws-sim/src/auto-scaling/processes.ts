import { textsOf } from "../input-lists.ts";
import { type SimCall, textOf } from "../sim-call.ts";
import { autoScalingFaults as faults } from "./auto-scaling-faults.ts";
import { type AutoScalingState, standingGroupOf } from "./auto-scaling-state.ts";
import { isAlive } from "./sim-member.ts";

/** User guide, "Suspend and resume Amazon EC2 Auto Scaling processes". */
const PROCESSES = [
  ...["Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck"],
  ...["InstanceRefresh", "ReplaceUnhealthy", "ScheduledActions"],
];
/** "EnableMetricsCollection", Metrics. */
const METRICS = [
  ...["GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances", "GroupPendingInstances"],
  ...["GroupStandbyInstances", "GroupTerminatingInstances", "GroupTotalInstances", "GroupInServiceCapacity"],
  ...["GroupPendingCapacity", "GroupStandbyCapacity", "GroupTerminatingCapacity", "GroupTotalCapacity"],
  ...["WarmPoolDesiredCapacity", "WarmPoolWarmedCapacity", "WarmPoolPendingCapacity", "WarmPoolTerminatingCapacity"],
  ...["WarmPoolTotalCapacity", "GroupAndWarmPoolDesiredCapacity", "GroupAndWarmPoolTotalCapacity"],
];

/** SuspendProcesses: those that are named, or all. Source: API reference. */
export function suspendProcesses(state: AutoScalingState, call: SimCall): unknown {
  const group = standingGroupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  const reason = `User suspended at ${new Date(call.now).toISOString()}`;
  for (const process of readNames(call, "ScalingProcesses", PROCESSES)) group.suspended.set(process, reason);
  return {};
}

/** ResumeProcesses: what has been left undone is done. Source: API reference. */
export function resumeProcesses(state: AutoScalingState, call: SimCall): unknown {
  const group = standingGroupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  for (const process of readNames(call, "ScalingProcesses", PROCESSES)) group.suspended.delete(process);
  group.scaleAt = Math.min(group.scaleAt, call.now + state.settings.reactionMs);
  for (const member of group.members.filter(isAlive)) {
    // What died while nobody looked waits for no instant of its own, also while it boots.
    const isLeft = member.nextAt === Number.POSITIVE_INFINITY;
    if (isLeft || member.stage === "serving") member.nextAt = call.now;
  }
  return {};
}

/** EnableMetricsCollection: every minute, those that are named, or all. Source: API reference. */
export function enableMetrics(state: AutoScalingState, call: SimCall): unknown {
  const group = standingGroupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  if (call.input["Granularity"] !== "1Minute") {
    throw faults.invalid("The only valid value for Granularity is 1Minute.");
  }
  for (const metric of readNames(call, "Metrics", METRICS)) group.metrics.add(metric);
  return {};
}

/** DisableMetricsCollection. Source: API reference. */
export function disableMetrics(state: AutoScalingState, call: SimCall): unknown {
  const group = standingGroupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  for (const metric of readNames(call, "Metrics", METRICS)) group.metrics.delete(metric);
  return {};
}

function readNames({ input }: SimCall, field: string, all: readonly string[]): readonly string[] {
  const names = textsOf(input, field);
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) throw faults.invalid(`${unknown} is not a valid value of ${field}`);
  return names.length === 0 ? all : names;
}
