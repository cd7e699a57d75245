import { RELEASE_TAGS } from "../launch/release-tags.ts";
import type { ReleaseConstants } from "../release-constants.ts";

/** An Auto Scaling group as far as releases look at it. */
export interface GroupFacts {
  readonly name: string;
  /** `Delete in progress`, or nothing. */
  readonly status?: string | undefined;
  readonly desired: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** Whose groups are looked for. */
export interface GroupOwner {
  readonly project_name: string;
  readonly config_name: string;
  readonly release_id: string;
}

/** The groups of a project-config. None of them is being deleted. */
export interface SortedGroups<Group extends GroupFacts> {
  /** Of this release. */
  readonly own: readonly Group[];
  /** Of other releases. */
  readonly old: readonly Group[];
  /** Of other releases, kept for their rollback window. */
  readonly retired: readonly Group[];
  /** They do not say which release they are of: nobody may delete them on its behalf. */
  readonly unowned: readonly Group[];
}

/**
 * Sorts all groups that a look-up has found. Those of other project-configs, and those that are being deleted, are left
 * out.
 */
export function sortGroups<Group extends GroupFacts>(
  groups: readonly Group[],
  owner: GroupOwner,
  generation: ReleaseConstants["generation"] = "odin",
): SortedGroups<Group> {
  const ours = groups.filter((group) => isOf(group, owner));
  const byRelease = (isIt: (id: string | undefined, group: Group) => boolean) =>
    ours.filter((group) => isIt(findReleaseId(group, generation), group));
  const isOther = (id: string | undefined) => id !== undefined && id !== owner.release_id;
  return {
    own: byRelease((id) => id === owner.release_id),
    old: byRelease((id, group) => isOther(id) && !isRetired(group)),
    retired: byRelease((id, group) => id !== owner.release_id && isRetired(group)),
    unowned: byRelease((id, group) => id === undefined && !isRetired(group)),
  };
}

/** The release that has made a group. Groups from before the tag's spelling changed have the older one. */
export function findReleaseId(
  { tags }: Pick<GroupFacts, "tags">,
  generation: ReleaseConstants["generation"] = "odin",
): string | undefined {
  return tags["ReleaseID"] || (generation === "odin" ? tags["ReleaseId"] : undefined) || undefined;
}

function isOf({ status, tags }: GroupFacts, { project_name, config_name }: GroupOwner): boolean {
  return !status && tags["ProjectName"] === project_name && tags["ConfigName"] === config_name;
}

function isRetired({ tags }: GroupFacts): boolean {
  return tags[RELEASE_TAGS.retiredAt] !== undefined;
}
