import { DescribeInstanceHealthCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { HealthSource } from "../health/classify-instances.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import type { ServiceResources } from "../release-state.ts";

/** What the load balancers of a service say of the instances of its group, classic ones first, each by its own words. */
export async function loadHealthSources(
  deps: Pick<ReleaseDeps, "target" | "signal">,
  { elbs, target_group_arns }: Pick<ServiceResources, "elbs" | "target_group_arns">,
  instanceIds: readonly string[],
): Promise<readonly HealthSource[]> {
  const sources: HealthSource[] = [];
  for (const name of elbs) {
    sources.push({ kind: "classic", name, states: await loadInstanceHealth(deps, name, instanceIds) });
  }
  for (const arn of target_group_arns) {
    sources.push({ kind: "target-group", name: arn, states: await loadTargetHealth(deps, arn, instanceIds) });
  }
  return sources;
}

type States = Readonly<Record<string, string>>;

async function loadInstanceHealth(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  name: string,
  instanceIds: readonly string[],
): Promise<States> {
  // Without instances in the request it would answer for all that are registered.
  if (instanceIds.length === 0) return {};
  const input = { LoadBalancerName: name, Instances: instanceIds.map((InstanceId) => ({ InstanceId })) };
  try {
    const client = target.client(ElasticLoadBalancingClient);
    const { InstanceStates = [] } = await client.send(new DescribeInstanceHealthCommand(input), {
      abortSignal: signal,
    });
    return toStates(InstanceStates.map(({ InstanceId, State }) => [InstanceId, State]));
  } catch (error) {
    if (isUnregistered(error)) return {};
    throw error;
  }
}

/**
 * Every error is thrown. For an instance that is not registered the answer is the state `unused`; `InvalidTarget` says that the
 * instance cannot be a target of this group at all, for example because it is in another VPC (API reference 2015-12-01,
 * "DescribeTargetHealth" and "TargetHealth").
 */
async function loadTargetHealth(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  arn: string,
  instanceIds: readonly string[],
): Promise<States> {
  if (instanceIds.length === 0) return {};
  const input = { TargetGroupArn: arn, Targets: instanceIds.map((Id) => ({ Id })) };
  const client = target.client(ElasticLoadBalancingV2Client);
  const { TargetHealthDescriptions = [] } = await client.send(new DescribeTargetHealthCommand(input), {
    abortSignal: signal,
  });
  return toStates(TargetHealthDescriptions.map(({ Target, TargetHealth }) => [Target?.Id, TargetHealth?.State]));
}

/** An instance that is registered with several ports is as healthy as the worst of them. */
function toStates(pairs: readonly (readonly [id: string | undefined, state: string | undefined])[]): States {
  const states = new Map<string, string>();
  for (const [id, state = "unknown"] of pairs) {
    if (id === undefined) continue;
    const known = states.get(id);
    if (known === undefined || known === "healthy") states.set(id, state);
  }
  return Object.fromEntries(states);
}

/**
 * A classic load balancer does not know one of the instances (yet, or any more). API reference 2012-06-01,
 * "DescribeInstanceHealth": `InvalidInstance`, which the SDK calls InvalidEndPointException.
 */
function isUnregistered(error: unknown): boolean {
  return error instanceof Error && /^(InvalidInstance|InvalidEndPoint)(Exception)?$/.test(error.name);
}
