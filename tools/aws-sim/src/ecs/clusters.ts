import { findText, type SimCall } from "../sim-call.ts";
import {
  type Cluster,
  type ClusterInput,
  type EcsState,
  ecsFaults as faults,
  type Instance,
  type InstanceInput,
} from "./ecs-state.ts";

/** "Amazon ECS service quotas". */
const PROVISIONING_QUOTA = 500;

/** A cluster with its instances. */
export function createCluster({ clusters }: EcsState, input: ClusterInput): Cluster {
  const { account, region, name, instances = [{}] } = input;
  const cluster: Cluster = {
    account,
    region,
    name,
    defaultStrategy: input.defaultStrategy,
    arn: `arn:aws:ecs:${region}:${account}:cluster/${name}`,
    capacityProviders: input.capacityProviders ?? {},
    provisioningQuota: input.provisioningQuota ?? PROVISIONING_QUOTA,
    instances: instances.map((each, index) => toInstance(input, each, index)),
  };
  clusters.set(toKey(input, name), cluster);
  return cluster;
}

function toInstance({ account, region, name }: ClusterInput, input: InstanceInput, index: number): Instance {
  const { id = String(index + 1).padStart(32, "0"), cpu = 65_536, memory = 262_144 } = input;
  const arn = `arn:aws:ecs:${region}:${account}:container-instance/${name}/${id}`;
  return { arn, id, cpu, memory, isAgentConnected: input.isAgentConnected ?? true, status: input.status ?? "ACTIVE" };
}

/**
 * The cluster that a request names, by name or ARN; without one, `default` (API reference, "RunTask", `cluster`). Throws
 * if it does not exist.
 */
export function openCluster({ clusters }: EcsState, { input, identity, region }: SimCall): Cluster {
  const given = findText(input, "cluster") ?? "default";
  const arn = /^arn:[^:]+:ecs:([^:]*):(\d*):cluster\/(.+)$/.exec(given);
  const [at, owner, name] = arn === null ? [region, identity.account, given] : [arn[1], arn[2], arn[3]];
  const cluster = clusters.get(toKey({ account: owner ?? "", region: at ?? "" }, name ?? ""));
  if (cluster === undefined || at !== region || owner !== identity.account) throw faults.clusterMissing();
  return cluster;
}

function toKey({ account, region }: { readonly account: string; readonly region: string }, name: string): string {
  return [account, region, name].join("/");
}
