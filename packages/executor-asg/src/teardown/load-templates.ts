import { EC2Client, paginateDescribeLaunchTemplates } from "@aws-sdk/client-ec2";
import { RELEASE_TAGS } from "../launch/release-tags.ts";
import { escapeFilterValue } from "../lookups/escape-filter-value.ts";
import { toTagMap } from "../lookups/tag-map.ts";
import type { ReleaseDeps } from "../release-deps.ts";

/** API reference, "DescribeLaunchTemplates", MaxResults: 1–200. */
const PAGE = 200;

/** A launch template by its name, and the tags that its release gave it. */
export interface TaggedTemplate {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** All launch templates of a project-config, or of one of its releases, over all pages. */
export async function loadTemplates(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  of: { readonly project_name: string; readonly config_name: string; readonly release_id?: string },
): Promise<readonly TaggedTemplate[]> {
  const asked: readonly (readonly [key: string, value: string])[] = [
    [RELEASE_TAGS.project, of.project_name],
    [RELEASE_TAGS.config, of.config_name],
    ...(of.release_id === undefined ? [] : [[RELEASE_TAGS.releaseId, of.release_id] as const]),
  ];
  const Filters = asked.map(([key, value]) => ({ Name: `tag:${key}`, Values: [escapeFilterValue(value)] }));
  const client = target.client(EC2Client);
  const found: TaggedTemplate[] = [];
  const pages = paginateDescribeLaunchTemplates({ client, pageSize: PAGE }, { Filters }, { abortSignal: signal });
  for await (const { LaunchTemplates = [] } of pages) {
    found.push(...LaunchTemplates.map(({ LaunchTemplateName: name = "", Tags }) => ({ name, tags: toTagMap(Tags) })));
  }
  return found.filter(({ tags }) => asked.every(([key, value]) => tags[key] === value));
}
