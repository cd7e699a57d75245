import type { Clock } from "@stackyard/core";
import { DEFAULT_VPC } from "./ec2/resources.ts";
import { balancingFaults, toMarkedPage } from "./load-balancing/target-groups.ts";
import {
  createTargetStates,
  type FindSource,
  type TargetInput,
  type TargetState,
  type TargetStates,
} from "./load-balancing/targets.ts";
import { queryFaults } from "./service-faults.ts";
import {
  isOwn,
  type NamedResource,
  placeOf,
  type SimCall,
  type SimService,
  textOf,
  textsOf,
  toKey,
} from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/** Classic load balancers and how their instances are. */
interface SimClassicLoadBalancing {
  readonly service: SimService;
  addLoadBalancer(input: ClassicInput): void;
  /** Registers an instance, or changes it from an instant on; states as those of targets. */
  setInstance(ref: NamedResource, instance: Omit<TargetInput, "port">): void;
  /** A load balancer as Auto Scaling works with it. */
  readonly findSource: FindSource;
}

/** Creates Elastic Load Balancing of the first generation, without load. Source: API reference (2012-06-01). */
export function createClassicLoadBalancing({ clock }: { readonly clock: Clock }): SimClassicLoadBalancing {
  const all = new Map<string, ClassicLoadBalancer>();
  return {
    service: {
      operations: {
        DescribeInstanceHealth: (call) => describeInstanceHealth(all, call),
        DescribeLoadBalancers: (call) => describeLoadBalancers(all, call),
        DescribeTags: (call) => describeClassicTags(all, call),
      },
      toAction: (operation) => `elasticloadbalancing:${operation}`,
      faults: balancingFaults,
    },
    addLoadBalancer: (input) => void all.set(toKey(input), createClassic(input, clock.now())),
    setInstance: (ref, instance) => all.get(toKey(ref))?.instances.set(instance),
    findSource({ account, region, id }) {
      const found = all.get(toKey({ account, region, name: id }));
      return found && { targets: found.instances, drainMs: found.drainMs, port: undefined };
    },
  };
}

/** "DescribeTags" (2012-06-01), LoadBalancerNames: 1 to 20 items. */
const MAX_NAMES = 20;

/** Implements DescribeLoadBalancers: by names, or all; one that is missing fails the whole request. */
function describeLoadBalancers(all: ClassicLoadBalancers, call: SimCall): unknown {
  const names = textsOf(call.input, "LoadBalancerNames");
  for (const name of names) openClassic(all, name, call);
  const own = [...all.values()].filter((each) => isOwn(each, call));
  const found = own.filter(({ name }) => names.length === 0 || names.includes(name));
  const { page, ...next } = toMarkedPage(found, call);
  return { LoadBalancerDescriptions: page.map((each) => toDescription(each, call.now)), ...next };
}

function toDescription({ name, region, instances, madeAt }: ClassicLoadBalancer, now: number): object {
  return {
    LoadBalancerName: name,
    DNSName: `${name}-1.${region}.elb.amazonaws.com`,
    Scheme: "internet-facing",
    Instances: instances.list(now).map(({ id }) => ({ InstanceId: id })),
    VPCId: DEFAULT_VPC,
    Subnets: [],
    SecurityGroups: [],
    CreatedTime: new Date(madeAt),
  };
}

/** Implements DescribeTags of classic load balancers. */
function describeClassicTags(all: ClassicLoadBalancers, call: SimCall): unknown {
  const names = textsOf(call.input, "LoadBalancerNames");
  if (names.length === 0 || names.length > MAX_NAMES) {
    throw queryFaults.invalid(`The number of load balancer names must be between 1 and ${MAX_NAMES}`);
  }
  return {
    TagDescriptions: names.map((LoadBalancerName) => {
      const { tags } = openClassic(all, LoadBalancerName, call);
      return { LoadBalancerName, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
    }),
  };
}

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
 * Implements DescribeInstanceHealth: of all instances, or of those that are named, "even if they are no longer
 * registered"; one that never was fails the whole request.
 */
function describeInstanceHealth(all: ClassicLoadBalancers, call: SimCall): unknown {
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

/** Returns the instances of a request. */
function idsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(({ InstanceId }) => String(InstanceId)) : [];
}

/** A classic load balancer to make. */
interface ClassicInput extends NamedResource {
  readonly tags?: Readonly<Record<string, string>>;
  /** Connection draining. Default: off, as a load balancer that is made by the API has it. */
  readonly drainSeconds?: number;
}

/** The stored state of a classic load balancer. */
interface ClassicLoadBalancer extends NamedResource {
  readonly tags: Readonly<Record<string, string>>;
  readonly drainMs: number;
  readonly instances: TargetStates;
  readonly madeAt: number;
}

/** By account, region and name. */
type ClassicLoadBalancers = ReadonlyMap<string, ClassicLoadBalancer>;

/** Creates a load balancer. */
function createClassic(input: ClassicInput, madeAt: number): ClassicLoadBalancer {
  const { account, region, name, tags = {}, drainSeconds = 0 } = input;
  return { account, region, name, tags, drainMs: drainSeconds * 1_000, instances: createTargetStates(), madeAt };
}

/** Returns the caller's own, by its name. */
function openClassic(all: ClassicLoadBalancers, name: string, call: SimCall): ClassicLoadBalancer {
  const found = all.get(toKey({ ...placeOf(call), name }));
  if (found === undefined) throw classicFaults.notFound(name);
  return found;
}

/** Errors of classic load balancers. Source: API reference (2012-06-01), "DescribeLoadBalancers", "DescribeInstanceHealth". */
const classicFaults = {
  notFound: (name: string) =>
    new SimFault("AccessPointNotFoundException", 400, `There is no ACTIVE Load Balancer named '${name}'`),
  invalidInstance: (id: string) => new SimFault("InvalidEndPointException", 400, `Could not find EC2 instance ${id}.`),
} as const;
