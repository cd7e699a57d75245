import {
  AutoScalingClient,
  type AutoScalingGroup,
  DetachLoadBalancersCommand,
  DetachLoadBalancerTargetGroupsCommand,
} from "@aws-sdk/client-auto-scaling";
import { chunk } from "../chunk.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { isGone } from "../teardown/is-gone.ts";

/** API reference, "DetachLoadBalancers" and "DetachLoadBalancerTargetGroups": up to 10 at a time. */
const MAX_SOURCES = 10;

/** Begins to take a group from its load balancers: from all that it still lists. Without any there is no call. */
export async function detachTraffic(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  { AutoScalingGroupName, LoadBalancerNames = [], TargetGroupARNs = [] }: AutoScalingGroup,
): Promise<void> {
  const client = target.client(AutoScalingClient);
  const options = { abortSignal: signal };
  for (const part of chunk(LoadBalancerNames, MAX_SOURCES)) {
    const command = new DetachLoadBalancersCommand({ AutoScalingGroupName, LoadBalancerNames: part });
    await unlessDetached(() => client.send(command, options));
  }
  for (const part of chunk(TargetGroupARNs, MAX_SOURCES)) {
    const command = new DetachLoadBalancerTargetGroupsCommand({ AutoScalingGroupName, TargetGroupARNs: part });
    await unlessDetached(() => client.send(command, options));
  }
}

/** What Auto Scaling lists may lag behind what it does, and a repeat then asks for what is done. */
async function unlessDetached(detach: () => Promise<unknown>): Promise<void> {
  try {
    await detach();
  } catch (error) {
    const isDone = error instanceof Error && /not (part of|attached)/i.test(error.message);
    if (!isDone && !isGone(error)) throw error;
  }
}
