import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import type { GroupFacts } from "../resources/sort-groups.ts";
import { toTagMap } from "./tag-map.ts";

/** A group as the rules look at it. */
export function toGroupFacts(group: AutoScalingGroup): GroupFacts {
  const { AutoScalingGroupName: name = "", DesiredCapacity: desired = 0, Status, Tags } = group;
  return { name, desired, tags: toTagMap(Tags), ...(Status !== undefined && { status: Status }) };
}
