import { AutoScalingClient, type AutoScalingGroup, UpdateAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import type { Capacity } from "../capacity/next-capacity.ts";
import type { ReleaseDeps } from "../release-deps.ts";

/** Gives a group another minimum and desired capacity. Where it has them there is no call. */
export async function setCapacity(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  { AutoScalingGroupName, MinSize, DesiredCapacity }: AutoScalingGroup,
  { min, desired }: Capacity,
): Promise<void> {
  if (MinSize === min && DesiredCapacity === desired) return;
  const command = new UpdateAutoScalingGroupCommand({ AutoScalingGroupName, MinSize: min, DesiredCapacity: desired });
  await target.client(AutoScalingClient).send(command, { abortSignal: signal });
}
