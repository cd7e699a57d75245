import {
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  ElasticLoadBalancingClient,
} from "@aws-sdk/client-elastic-load-balancing";
import type { ReleaseDeps } from "../release-deps.ts";
import { type LookUp, lookUp } from "./look-up.ts";
import { toTagMap } from "./tag-map.ts";

/** A classic load balancer as the rules look at it. */
export interface ClassicBalancerFacts {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly vpc?: string;
}

/** The SDK's class and the code on the wire ("DescribeLoadBalancers", version 2012-06-01). */
const MISSING = ["AccessPointNotFoundException", "AccessPointNotFound", "LoadBalancerNotFound"];

/** The classic load balancer of that name. */
export async function loadClassicBalancer(deps: ReleaseDeps, name: string): Promise<LookUp<ClassicBalancerFacts>> {
  const message = `ELB: there is no classic load balancer "${name}" in this account and region.`;
  const problem = { code: "release-load-balancer-missing", message };
  const input = { what: `classic load balancer "${name}"`, missing: { errors: MISSING, problem } };
  const found = await lookUp(deps, input, () => findBalancer(deps, name));
  if (found.kind === "refused") return found;
  return found.value === undefined ? { kind: "refused", problems: [problem] } : { kind: "found", value: found.value };
}

/** `undefined`: none of exactly that name. Names of classic load balancers are unique in an account and region. */
async function findBalancer({ target, signal }: ReleaseDeps, name: string): Promise<ClassicBalancerFacts | undefined> {
  const client = target.client(ElasticLoadBalancingClient);
  const asked = { LoadBalancerNames: [name] };
  const { LoadBalancerDescriptions = [] } = await client.send(new DescribeLoadBalancersCommand(asked), {
    abortSignal: signal,
  });
  const balancer = LoadBalancerDescriptions.find(({ LoadBalancerName }) => LoadBalancerName === name);
  if (balancer === undefined) return undefined;
  const { TagDescriptions = [] } = await client.send(new DescribeTagsCommand(asked), { abortSignal: signal });
  const described = TagDescriptions.find(({ LoadBalancerName }) => LoadBalancerName === name);
  return { name, tags: toTagMap(described?.Tags), ...(balancer.VPCId !== undefined && { vpc: balancer.VPCId }) };
}
