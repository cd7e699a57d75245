import type { CreatePlacementGroupCommandInput } from "@aws-sdk/client-ec2";
import type { LaunchFacts } from "./launch-facts.ts";
import { toReleaseTags, toTagList } from "./release-tags.ts";

/**
 * The request for a placement group that does not stand yet; `undefined`: the service has none. It outlives the release, since the
 * next one uses it again. Source: EC2 API reference, "CreatePlacementGroup".
 */
export function toPlacementRequest(facts: LaunchFacts): CreatePlacementGroupCommandInput | undefined {
  const { placement_group_name, placement_group_strategy, placement_group_partition_count } = facts.service;
  if (placement_group_name === undefined || placement_group_strategy === undefined) return undefined;
  return {
    GroupName: placement_group_name,
    Strategy: placement_group_strategy,
    ...(placement_group_partition_count !== undefined && { PartitionCount: placement_group_partition_count }),
    TagSpecifications: [{ ResourceType: "placement-group", Tags: toTagList(toReleaseTags(facts)) }],
  };
}
