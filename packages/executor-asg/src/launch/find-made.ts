import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { EC2Client, type LaunchTemplate, paginateDescribeLaunchTemplates } from "@aws-sdk/client-ec2";
import { escapeFilterValue } from "../lookups/escape-filter-value.ts";
import { loadGroupsNamed } from "../lookups/load-groups.ts";
import { toTagMap } from "../lookups/tag-map.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { RELEASE_TAGS } from "./release-tags.ts";
import { toTemplateName } from "./template-name.ts";

/** What stands under the names that a release will use. */
export interface Made {
  /** By name. */
  readonly groups: ReadonlyMap<string, AutoScalingGroup>;
  /** By name. */
  readonly templates: ReadonlyMap<string, LaunchTemplate>;
}

/** EC2 API reference, "DescribeLaunchTemplates": values of a filter. */
const MAX_FILTER_VALUES = 200;

/** Looks for groups and templates of these services, whoever made them. */
export async function findMade(deps: ReleaseDeps, serviceIds: readonly string[]): Promise<Made> {
  const groups = await loadGroupsNamed(deps, serviceIds);
  const templates = await loadTemplates(deps, serviceIds.map(toTemplateName));
  return {
    groups: new Map(groups.map((each) => [each.AutoScalingGroupName ?? "", each])),
    templates: new Map(templates.map((each) => [each.LaunchTemplateName ?? "", each])),
  };
}

/** True for what an earlier try of this very execution has made. */
export function isOwn(made: AutoScalingGroup | LaunchTemplate | undefined, uuid: string): boolean {
  return toTagMap(made?.Tags)[RELEASE_TAGS.uuid] === uuid;
}

/** By a filter: a name that does not stand is no error then. */
export async function loadTemplates(
  { target, signal }: ReleaseDeps,
  names: readonly string[],
): Promise<readonly LaunchTemplate[]> {
  const client = target.client(EC2Client);
  const templates: LaunchTemplate[] = [];
  for (let at = 0; at < names.length; at += MAX_FILTER_VALUES) {
    const Values = names.slice(at, at + MAX_FILTER_VALUES).map(escapeFilterValue);
    const input = { Filters: [{ Name: "launch-template-name", Values }] };
    const pages = paginateDescribeLaunchTemplates({ client }, input, { abortSignal: signal });
    for await (const { LaunchTemplates = [] } of pages) templates.push(...LaunchTemplates);
  }
  return templates.filter(({ LaunchTemplateName = "" }) => names.includes(LaunchTemplateName));
}
