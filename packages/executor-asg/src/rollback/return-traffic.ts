import {
  AttachLoadBalancersCommand,
  AttachLoadBalancerTargetGroupsCommand,
  AutoScalingClient,
} from "@aws-sdk/client-auto-scaling";
import { chunk } from "../chunk.ts";
import { setCapacity } from "../drain/set-capacity.ts";
import { loadGroupsNamed } from "../lookups/load-groups.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import type { KeptGroup } from "./find-rollback.ts";

/** API reference, "AttachLoadBalancers" and "AttachLoadBalancerTargetGroups": up to 10 at a time. */
const MAX_SOURCES = 10;

/** Gives a kept group its capacity and its load balancers again. Attaching what is attached changes nothing. */
export async function returnTraffic(deps: Pick<ReleaseDeps, "target" | "signal">, kept: KeptGroup): Promise<void> {
  const { target, signal } = deps;
  const [group] = await loadGroupsNamed(deps, [kept.name]);
  if (group === undefined) throw new Error(`The kept group "${kept.name}" is not there any more.`);
  const desired = Math.max(kept.desired, group.DesiredCapacity ?? 0);
  await setCapacity(deps, group, { min: kept.min, desired });
  const client = target.client(AutoScalingClient);
  const AutoScalingGroupName = kept.name;
  for (const LoadBalancerNames of chunk(kept.elbs, MAX_SOURCES)) {
    const command = new AttachLoadBalancersCommand({ AutoScalingGroupName, LoadBalancerNames });
    await client.send(command, { abortSignal: signal });
  }
  for (const TargetGroupARNs of chunk(kept.targetGroupArns, MAX_SOURCES)) {
    const command = new AttachLoadBalancerTargetGroupsCommand({ AutoScalingGroupName, TargetGroupARNs });
    await client.send(command, { abortSignal: signal });
  }
}
