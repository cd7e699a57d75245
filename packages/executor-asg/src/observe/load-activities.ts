import { type Activity, AutoScalingClient, paginateDescribeScalingActivities } from "@aws-sdk/client-auto-scaling";
import type { ReleaseDeps } from "../release-deps.ts";

/** API reference, "DescribeScalingActivities", MaxRecords: "the maximum value is 100". */
const PAGE = 100;

/** All that happened to a group since it was created, newest first: Auto Scaling keeps six weeks. */
export async function loadActivities(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  AutoScalingGroupName: string,
): Promise<readonly Activity[]> {
  const client = target.client(AutoScalingClient);
  const activities: Activity[] = [];
  const input = { AutoScalingGroupName };
  const pages = paginateDescribeScalingActivities({ client, pageSize: PAGE }, input, { abortSignal: signal });
  for await (const { Activities = [] } of pages) activities.push(...Activities);
  return activities;
}
