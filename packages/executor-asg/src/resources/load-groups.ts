import {
  AutoScalingClient,
  type AutoScalingGroup,
  type DescribeAutoScalingGroupsCommandInput,
  paginateDescribeAutoScalingGroups,
} from "@aws-sdk/client-auto-scaling";
import { lookUntilComplete } from "@stackyard/aws";
import type { Release } from "../document/release.ts";
import { RELEASE_TAGS } from "../plan/names.ts";
import type { AwsDeps, ReleaseDeps } from "../release-state.ts";

/** Maximum page size ("DescribeAutoScalingGroups", MaxRecords). */
const PAGE = 100;

/**
 * Returns all groups of a project and config, sorted by name, including those being deleted. Compares the tags again,
 * because filters of Auto Scaling are not exact.
 */
export async function loadGroups(
  deps: AwsDeps,
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

/** Returns the groups with these names that exist. */
export async function loadGroupsNamed(deps: AwsDeps, names: readonly string[]): Promise<readonly AutoScalingGroup[]> {
  // Without names, Auto Scaling returns all groups of the account.
  if (names.length === 0) return [];
  const groups = await loadAll(deps, { AutoScalingGroupNames: [...names] });
  return groups.filter((group) => names.includes(nameOfGroup(group)));
}

/** The dependencies of a call that may look again. */
export type ClockedDeps = AwsDeps & Pick<ReleaseDeps, "clock">;

/**
 * Returns the groups with these names, which have existed. A group that an answer does not show is looked for again before
 * it counts as deleted: else it would keep serving next to its successor.
 */
export function loadKnownGroups(deps: ClockedDeps, names: readonly string[]): Promise<readonly AutoScalingGroup[]> {
  return lookUntilComplete(
    deps,
    () => loadGroupsNamed(deps, names),
    (found) => found.length >= new Set(names).size,
  );
}

/** Returns the groups of a project and config, with those of these names, which have existed. */
export async function loadGroupsWith(
  deps: ClockedDeps,
  of: Pick<Release, "project_name" | "config_name">,
  names: readonly string[],
): Promise<readonly AutoScalingGroup[]> {
  const groups = await loadGroups(deps, of);
  const listed = groups.map(nameOfGroup);
  const others = await loadKnownGroups(
    deps,
    names.filter((name) => !listed.includes(name)),
  );
  return [...groups, ...others];
}

async function loadAll(
  { target, signal }: AwsDeps,
  input: DescribeAutoScalingGroupsCommandInput,
): Promise<readonly AutoScalingGroup[]> {
  const client = target.client(AutoScalingClient);
  const pages = paginateDescribeAutoScalingGroups({ client, pageSize: PAGE }, input, { abortSignal: signal });
  const groups = await collect(pages, ({ AutoScalingGroups }) => AutoScalingGroups);
  return groups.toSorted((one, other) => compare(nameOfGroup(one), nameOfGroup(other)));
}

/** Returns the items of all pages. */
export async function collect<Page, Item>(
  pages: AsyncIterable<Page>,
  toItems: (page: Page) => readonly Item[] | undefined,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const page of pages) items.push(...(toItems(page) ?? []));
  return items;
}

/** Returns the name of a group. */
export function nameOfGroup({ AutoScalingGroupName = "" }: AutoScalingGroup): string {
  return AutoScalingGroupName;
}

/** Converts a list of tags to a map. Skips tags without a key; a missing value becomes an empty string. */
export function toTagMap(
  tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] = [],
): Readonly<Record<string, string>> {
  const named = tags.filter(({ Key }) => Key !== undefined).map(({ Key = "", Value = "" }) => [Key, Value] as const);
  return Object.fromEntries(named);
}

export const compare = (one: string, other: string) => (one < other ? -1 : Number(one > other));
