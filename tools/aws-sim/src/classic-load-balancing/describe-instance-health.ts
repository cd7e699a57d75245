import type { TargetState } from "../load-balancing/targets.ts";
import { type SimCall, textOf } from "../sim-call.ts";
import { classicFaults } from "./classic-faults.ts";
import { type ClassicLoadBalancers, openClassic } from "./classic-load-balancer.ts";

interface Health {
  readonly State: "InService" | "OutOfService" | "Unknown";
  readonly ReasonCode: string;
  readonly Description: string;
}

/** API reference (2012-06-01), "InstanceState": State, ReasonCode and the descriptions that it lists. */
const HEALTH: Readonly<Record<TargetState, Health>> = {
  initial: { State: "OutOfService", ReasonCode: "ELB", Description: "Instance registration is still in progress." },
  healthy: { State: "InService", ReasonCode: "N/A", Description: "N/A" },
  unhealthy: {
    State: "OutOfService",
    ReasonCode: "Instance",
    Description: "Instance has failed at least the UnhealthyThreshold number of health checks consecutively.",
  },
  draining: {
    State: "InService",
    ReasonCode: "N/A",
    Description: "Instance deregistration currently in progress.",
  },
  unused: {
    State: "OutOfService",
    ReasonCode: "Instance",
    Description: "Instance is not currently registered with the LoadBalancer.",
  },
  unavailable: {
    State: "Unknown",
    ReasonCode: "ELB",
    Description: "A transient error occurred. Please try again later.",
  },
};

/**
 * DescribeInstanceHealth: of all instances, or of those that are named, "even if they are no longer registered"; one that never
 * was fails the whole request.
 */
export function describeInstanceHealth(all: ClassicLoadBalancers, call: SimCall): unknown {
  const { input, now } = call;
  const { instances } = openClassic(all, textOf(input, "LoadBalancerName"), call);
  const asked = idsOf(input["Instances"]);
  const stranger = asked.find((id) => !instances.knows(id));
  if (stranger !== undefined) throw classicFaults.invalidInstance(stranger);
  const ids = asked.length > 0 ? asked : instances.list(now).map(({ id }) => id);
  return {
    InstanceStates: ids.map((InstanceId) => ({
      InstanceId,
      ...HEALTH[instances.find(InstanceId, now)?.state ?? "unused"],
    })),
  };
}

/** The instances of a request. */
export function idsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(({ InstanceId }) => String(InstanceId)) : [];
}
