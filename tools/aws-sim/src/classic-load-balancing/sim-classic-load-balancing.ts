import type { Clock } from "@stackyard/core";
import { balancingFaults } from "../load-balancing/balancing-faults.ts";
import type { TargetInput } from "../load-balancing/target-states.ts";
import type { FindSource } from "../load-balancing/traffic-sources.ts";
import type { SimService } from "../sim-call.ts";
import { deregisterInstances, registerInstances } from "./change-instances.ts";
import {
  type ClassicInput,
  type ClassicLoadBalancer,
  type ClassicRef,
  createClassic,
  toClassicKey,
} from "./classic-load-balancer.ts";
import { describeClassicAttributes, describeClassicTags, describeLoadBalancers } from "./describe-classic.ts";
import { describeInstanceHealth } from "./describe-instance-health.ts";

/** Classic load balancers and how their instances are. */
export interface SimClassicLoadBalancing {
  readonly service: SimService;
  addLoadBalancer(input: ClassicInput): void;
  removeLoadBalancer(ref: ClassicRef): void;
  /** Registers an instance, or changes it from an instant on; states as those of targets. */
  setInstance(ref: ClassicRef, instance: Omit<TargetInput, "port">): void;
  /** All of its tags from now on. */
  setTags(ref: ClassicRef, tags: Readonly<Record<string, string>>): void;
  /** A load balancer as Auto Scaling works with it. */
  readonly findSource: FindSource;
}

/** Elastic Load Balancing of the first generation, without load. Source: API reference (2012-06-01). */
export function createClassicLoadBalancing({ clock }: { readonly clock: Clock }): SimClassicLoadBalancing {
  const all = new Map<string, ClassicLoadBalancer>();
  return {
    service: {
      operations: {
        DeregisterInstancesFromLoadBalancer: (call) => deregisterInstances(all, call),
        DescribeInstanceHealth: (call) => describeInstanceHealth(all, call),
        DescribeLoadBalancerAttributes: (call) => describeClassicAttributes(all, call),
        DescribeLoadBalancers: (call) => describeLoadBalancers(all, call),
        DescribeTags: (call) => describeClassicTags(all, call),
        RegisterInstancesWithLoadBalancer: (call) => registerInstances(all, call),
      },
      toAction: (operation) => `elasticloadbalancing:${operation}`,
      faults: balancingFaults,
    },
    addLoadBalancer: (input) => void all.set(toClassicKey(input), createClassic(input, clock.now())),
    removeLoadBalancer: (ref) => void all.delete(toClassicKey(ref)),
    setInstance: (ref, instance) => all.get(toClassicKey(ref))?.instances.set(instance),
    setTags(ref, tags) {
      const found = all.get(toClassicKey(ref));
      if (found !== undefined) found.tags = tags;
    },
    findSource({ account, region, id }) {
      const found = all.get(toClassicKey({ account, region, name: id }));
      return found && { targets: found.instances, drainMs: found.drainMs, port: undefined };
    },
  };
}
