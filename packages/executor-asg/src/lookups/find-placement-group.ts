import { DescribePlacementGroupsCommand, EC2Client } from "@aws-sdk/client-ec2";
import type { ReleaseDeps } from "../release-deps.ts";
import { escapeFilterValue } from "./escape-filter-value.ts";
import { type LookUp, lookUp } from "./look-up.ts";
import { toTagMap } from "./tag-map.ts";

/** A placement group as the rules look at it. */
export interface PlacementGroupFacts {
  readonly state: string;
  readonly strategy: string;
  readonly partition_count?: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** The placement group of that name; `undefined`: the release will make it. */
export async function findPlacementGroup(
  deps: ReleaseDeps,
  name: string,
): Promise<LookUp<PlacementGroupFacts | undefined>> {
  return lookUp(deps, { what: `placement group "${name}"` }, async () => {
    const Filters = [{ Name: "group-name", Values: [escapeFilterValue(name)] }];
    const command = new DescribePlacementGroupsCommand({ Filters });
    const { PlacementGroups = [] } = await deps.target.client(EC2Client).send(command, { abortSignal: deps.signal });
    const group = PlacementGroups.find(({ GroupName }) => GroupName === name);
    if (group === undefined) return undefined;
    const { State = "", Strategy = "", PartitionCount } = group;
    const facts = { state: State, strategy: Strategy, tags: toTagMap(group.Tags) };
    return PartitionCount === undefined ? facts : { ...facts, partition_count: PartitionCount };
  });
}
