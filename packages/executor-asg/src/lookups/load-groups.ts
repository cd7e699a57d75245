import {
  AutoScalingClient,
  type AutoScalingGroup,
  type DescribeAutoScalingGroupsCommandInput,
  paginateDescribeAutoScalingGroups,
} from "@aws-sdk/client-auto-scaling";
import type { Release } from "../document/release.ts";
import { RELEASE_TAGS } from "../launch/release-tags.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { toTagMap } from "./tag-map.ts";

type Deps = Pick<ReleaseDeps, "target" | "signal">;

/** A page's most ("DescribeAutoScalingGroups", MaxRecords). */
const PAGE = 100;

/**
 * All groups of a project-config, of whatever release, by name; those that are being deleted, too. The tags are compared again,
 * exactly, since a filter of Auto Scaling is for finding and not for deciding.
 */
export async function loadGroups(
  deps: Deps,
  { project_name, config_name }: Pick<Release, "project_name" | "config_name">,
): Promise<readonly AutoScalingGroup[]> {
  const groups = await loadAll(deps, {
    Filters: [
      { Name: `tag:${RELEASE_TAGS.project}`, Values: [project_name] },
      { Name: `tag:${RELEASE_TAGS.config}`, Values: [config_name] },
    ],
  });
  return groups.filter(({ Tags }) => {
    const tags = toTagMap(Tags);
    return tags[RELEASE_TAGS.project] === project_name && tags[RELEASE_TAGS.config] === config_name;
  });
}

/** Those of these groups that stand. */
export async function loadGroupsNamed(deps: Deps, names: readonly string[]): Promise<readonly AutoScalingGroup[]> {
  // Without names Auto Scaling lists all groups of the account.
  if (names.length === 0) return [];
  const groups = await loadAll(deps, { AutoScalingGroupNames: [...names] });
  return groups.filter(({ AutoScalingGroupName = "" }) => names.includes(AutoScalingGroupName));
}

async function loadAll(
  { target, signal }: Deps,
  input: DescribeAutoScalingGroupsCommandInput,
): Promise<AutoScalingGroup[]> {
  const client = target.client(AutoScalingClient);
  const groups: AutoScalingGroup[] = [];
  const pages = paginateDescribeAutoScalingGroups({ client, pageSize: PAGE }, input, { abortSignal: signal });
  for await (const { AutoScalingGroups = [] } of pages) groups.push(...AutoScalingGroups);
  return groups.toSorted((left, right) => compare(left.AutoScalingGroupName, right.AutoScalingGroupName));
}

function compare(left = "", right = ""): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
