import { DEFAULT_VPC } from "../ec2/subnets.ts";
import { textsOf } from "../input-lists.ts";
import { toMarkedPage } from "../load-balancing/to-marked-page.ts";
import { queryFaults } from "../query-faults.ts";
import { type SimCall, textOf } from "../sim-call.ts";
import { type ClassicLoadBalancer, type ClassicLoadBalancers, openClassic } from "./classic-load-balancer.ts";

/** "DescribeTags" (2012-06-01), LoadBalancerNames: 1 to 20 items. */
const MAX_NAMES = 20;

/** DescribeLoadBalancers: by names, or all; one that is missing fails the whole request. */
export function describeLoadBalancers(all: ClassicLoadBalancers, call: SimCall): unknown {
  const { identity, region, input, now } = call;
  const names = textsOf(input, "LoadBalancerNames");
  for (const name of names) openClassic(all, name, call);
  const own = [...all.values()].filter((each) => each.account === identity.account && each.region === region);
  const found = own.filter(({ name }) => names.length === 0 || names.includes(name));
  const { page, ...next } = toMarkedPage(found, call);
  return { LoadBalancerDescriptions: page.map((each) => toDescription(each, now)), ...next };
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

/** DescribeTags of classic load balancers. */
export function describeClassicTags(all: ClassicLoadBalancers, call: SimCall): unknown {
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

/** DescribeLoadBalancerAttributes ("ConnectionDraining", Timeout: only told where it is enabled). */
export function describeClassicAttributes(all: ClassicLoadBalancers, call: SimCall): unknown {
  const { drainSeconds } = openClassic(all, textOf(call.input, "LoadBalancerName"), call);
  const ConnectionDraining = drainSeconds === undefined ? { Enabled: false } : { Enabled: true, Timeout: drainSeconds };
  return {
    LoadBalancerAttributes: {
      ConnectionDraining,
      AccessLog: { Enabled: false },
      CrossZoneLoadBalancing: { Enabled: false },
      ConnectionSettings: { IdleTimeout: 60 },
    },
  };
}
