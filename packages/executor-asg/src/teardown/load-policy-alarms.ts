import { AutoScalingClient, paginateDescribePolicies } from "@aws-sdk/client-auto-scaling";
import type { ReleaseDeps } from "../release-deps.ts";

/** User guide, "Target tracking scaling policies": Auto Scaling makes alarms of such names, and deletes them with the policy. */
const MANAGED = /^TargetTracking-/;

/** Names of the alarms that work the policies of a group, over all pages, without those that Auto Scaling keeps itself. */
export async function loadPolicyAlarms(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  AutoScalingGroupName: string,
): Promise<readonly string[]> {
  const client = target.client(AutoScalingClient);
  const names: string[] = [];
  const pages = paginateDescribePolicies({ client }, { AutoScalingGroupName }, { abortSignal: signal });
  for await (const { ScalingPolicies = [] } of pages) {
    names.push(...ScalingPolicies.flatMap(({ Alarms = [] }) => Alarms.flatMap(({ AlarmName }) => AlarmName ?? [])));
  }
  return names.filter((name) => !MANAGED.test(name));
}
