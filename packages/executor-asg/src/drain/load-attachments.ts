import {
  AutoScalingClient,
  paginateDescribeLoadBalancers,
  paginateDescribeLoadBalancerTargetGroups,
} from "@aws-sdk/client-auto-scaling";
import type { ReleaseDeps } from "../release-deps.ts";

/** A load balancer or target group of a group, and how far it is attached. */
export interface Attachment {
  readonly group: string;
  readonly kind: "classic" | "target-group";
  /** Name of a load balancer, ARN of a target group. */
  readonly id: string;
  /** API reference, "LoadBalancerState": Adding, Added, InService, Removing; Removed when the last connection is gone. */
  readonly state: string;
}

type Deps = Pick<ReleaseDeps, "target" | "signal">;

/** What a group is attached to, or is being detached from, over all pages. */
export async function loadAttachments(deps: Deps, group: string): Promise<readonly Attachment[]> {
  return [...(await loadClassic(deps, group)), ...(await loadTargetGroups(deps, group))];
}

async function loadClassic({ target, signal }: Deps, group: string): Promise<readonly Attachment[]> {
  const client = target.client(AutoScalingClient);
  const found: Attachment[] = [];
  const input = { AutoScalingGroupName: group };
  for await (const { LoadBalancers = [] } of paginateDescribeLoadBalancers({ client }, input, {
    abortSignal: signal,
  })) {
    for (const { LoadBalancerName: id = "", State: state = "unknown" } of LoadBalancers) {
      found.push({ group, kind: "classic", id, state });
    }
  }
  return found;
}

async function loadTargetGroups({ target, signal }: Deps, group: string): Promise<readonly Attachment[]> {
  const client = target.client(AutoScalingClient);
  const found: Attachment[] = [];
  const input = { AutoScalingGroupName: group };
  const pages = paginateDescribeLoadBalancerTargetGroups({ client }, input, { abortSignal: signal });
  for await (const { LoadBalancerTargetGroups = [] } of pages) {
    for (const { LoadBalancerTargetGroupARN: id = "", State: state = "unknown" } of LoadBalancerTargetGroups) {
      found.push({ group, kind: "target-group", id, state });
    }
  }
  return found;
}
