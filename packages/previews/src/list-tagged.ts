import { GetResourcesCommand, type ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api";
import { defined, listPages } from "@stackyard/core";
import type { StackTags } from "@stackyard/core/services";

/** A resource and its tags. */
export interface TaggedResource {
  readonly arn: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** "GetResources", ResourcesPerPage: at most 100. */
const PAGE = 100;

/** Yields the resources of a region that have all of these tags. Deleted ones are listed for a while. */
export async function* listTagged(
  client: ResourceGroupsTaggingAPIClient,
  tags: Partial<StackTags>,
  signal: AbortSignal,
): AsyncGenerator<TaggedResource> {
  const TagFilters = Object.entries(tags).map(([Key, value]) => ({ Key, Values: [value] }));
  const load = async ({ cursor }: { readonly cursor?: string }) => {
    const command = new GetResourcesCommand({
      TagFilters,
      ResourcesPerPage: PAGE,
      ...defined({ PaginationToken: cursor }),
    });
    const { ResourceTagMappingList = [], PaginationToken } = await client.send(command, { abortSignal: signal });
    // The last answer has an empty token.
    return { items: ResourceTagMappingList, ...defined({ cursor: PaginationToken || undefined }) };
  };
  for await (const { items } of listPages(load)) {
    for (const { ResourceARN: arn, Tags = [] } of items) {
      if (arn === undefined) continue;
      yield { arn, tags: Object.fromEntries(Tags.map(({ Key = "", Value = "" }) => [Key, Value])) };
    }
  }
}

/** Where services that have no region list their resources, by partition. Other partitions have one region. */
const GLOBAL_REGIONS: Readonly<Record<string, string>> = {
  aws: "us-east-1",
  "aws-cn": "cn-north-1",
  "aws-us-gov": "us-gov-west-1",
};

/** Adds the region in which resources of global services, such as IAM and CloudFront, are listed. */
export function withGlobalRegion(regions: readonly string[], partition: string): readonly string[] {
  return [...new Set([...regions, ...[GLOBAL_REGIONS[partition]].filter((region) => region !== undefined)])];
}
