import { AutoScalingClient, type AutoScalingGroup, DescribeLifecycleHooksCommand } from "@aws-sdk/client-auto-scaling";
import type { ReleaseDeps } from "../release-deps.ts";
import { setCapacity } from "./set-capacity.ts";

const TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING";

/**
 * Where somebody waits for the end of servers, they end by scaling to 0, at whose end their hooks are answered: a group that is
 * deleted by force does not wait for anybody. Gives how many are left; a group without such hooks has none to wait for.
 */
export async function emptyByHooks(
  deps: Pick<ReleaseDeps, "target" | "signal">,
  group: AutoScalingGroup,
): Promise<number> {
  if (!(await hasTerminatingHook(deps, group))) return 0;
  await setCapacity(deps, group, { min: 0, desired: 0 });
  return group.Instances?.length ?? 0;
}

async function hasTerminatingHook(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  { AutoScalingGroupName }: AutoScalingGroup,
): Promise<boolean> {
  const { LifecycleHooks = [] } = await target
    .client(AutoScalingClient)
    .send(new DescribeLifecycleHooksCommand({ AutoScalingGroupName }), { abortSignal: signal });
  return LifecycleHooks.some(({ LifecycleTransition }) => LifecycleTransition === TERMINATING);
}
