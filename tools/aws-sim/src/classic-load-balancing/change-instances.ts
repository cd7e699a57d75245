import { type SimCall, textOf } from "../sim-call.ts";
import { classicFaults } from "./classic-faults.ts";
import { type ClassicLoadBalancers, openClassic } from "./classic-load-balancer.ts";
import { idsOf } from "./describe-instance-health.ts";

/** "Configure health checks": ten checks, one each 30 seconds, are the defaults before an instance is in service. */
const FIRST_CHECKS_MS = 300_000;

/** RegisterInstancesWithLoadBalancer: answers with all that are registered. */
export function registerInstances(all: ClassicLoadBalancers, call: SimCall): unknown {
  const { instances } = openClassic(all, textOf(call.input, "LoadBalancerName"), call);
  for (const id of idsOf(call.input["Instances"])) {
    instances.register({ id }, { healthyAt: call.now + FIRST_CHECKS_MS });
  }
  return { Instances: instances.list(call.now).map(({ id }) => ({ InstanceId: id })) };
}

/** DeregisterInstancesFromLoadBalancer: answers with those that stay. */
export function deregisterInstances(all: ClassicLoadBalancers, call: SimCall): unknown {
  const { instances, drainMs } = openClassic(all, textOf(call.input, "LoadBalancerName"), call);
  const ids = idsOf(call.input["Instances"]);
  const stranger = ids.find((id) => !instances.knows(id));
  if (stranger !== undefined) throw classicFaults.invalidInstance(stranger);
  for (const id of ids) instances.deregister({ id }, { now: call.now, drainMs });
  const staying = instances.list(call.now).filter(({ state }) => state !== "draining");
  return { Instances: staying.map(({ id }) => ({ InstanceId: id })) };
}
