import { textsOf } from "../input-lists.ts";
import { queryFaults } from "../query-faults.ts";
import type { SimCall } from "../sim-call.ts";
import { openTargetGroup, type TargetGroups } from "./target-groups.ts";

/** "DescribeTags": up to 20 resources in a single call. */
const MAX_RESOURCES = 20;

/** DescribeTags of target groups: one that is missing fails the whole request. */
export function describeTags(groups: TargetGroups, call: SimCall): unknown {
  const arns = textsOf(call.input, "ResourceArns");
  if (arns.length === 0) throw queryFaults.invalid("At least one resource must be specified");
  if (arns.length > MAX_RESOURCES) {
    throw queryFaults.invalid(`The maximum number of resources that can be described at once is ${MAX_RESOURCES}`);
  }
  return {
    TagDescriptions: arns.map((ResourceArn) => {
      const { tags } = openTargetGroup(groups, ResourceArn, call);
      return { ResourceArn, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
    }),
  };
}
