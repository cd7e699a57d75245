import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { RELEASE_TAGS } from "../launch/release-tags.ts";
import { loadGroups } from "../lookups/load-groups.ts";
import { toTagMap } from "../lookups/tag-map.ts";
import type { ReleaseConstants } from "../release-constants.ts";
import type { ReleaseDeps, ReleaseWork } from "../release-deps.ts";
import { type GroupFacts, sortGroups } from "../resources/sort-groups.ts";

/** The groups of a project-config, seen by one of its releases. Each list is by name. */
export interface ProjectGroups {
  /** Made by this release. */
  readonly own: readonly AutoScalingGroup[];
  /** Made by earlier ones, in service. */
  readonly old: readonly AutoScalingGroup[];
  /** Kept for a rollback. */
  readonly retired: readonly AutoScalingGroup[];
  /** Of the project-config, but of no release that could be named: nobody touches them, `repair` lists them. */
  readonly unowned: readonly AutoScalingGroup[];
  /** Of releases that came after this one, by their fencing tokens: whoever sees one has lost the locks. */
  readonly newer: readonly AutoScalingGroup[];
  /** Being deleted: of this release. */
  readonly leavingOwn: readonly AutoScalingGroup[];
  /** Being deleted: of earlier ones. */
  readonly leavingOld: readonly AutoScalingGroup[];
}

/** Who looks: a release, with the token of its locks. */
export type Onlooker = Pick<ReleaseWork["release"], "project_name" | "config_name" | "release_id"> & {
  readonly fencing_token?: number | undefined;
};

/** Loads and sorts them. Groups of other project-configs never come in, whatever AWS answers. */
export async function loadProjectGroups(
  deps: Pick<ReleaseDeps, "target" | "signal" | "constants">,
  onlooker: Onlooker,
): Promise<ProjectGroups> {
  return sortProjectGroups(await loadGroups(deps, onlooker), onlooker, deps.constants.generation);
}

/** Sorts groups that have been loaded. Pure. */
export function sortProjectGroups(
  groups: readonly AutoScalingGroup[],
  onlooker: Onlooker,
  generation: ReleaseConstants["generation"] = "odin",
): ProjectGroups {
  const byName = new Map(groups.map((group) => [group.AutoScalingGroupName ?? "", group]));
  const facts = [...byName.keys()]
    .toSorted()
    .flatMap((name) => byName.get(name) ?? [])
    .map(toFacts);
  const pick = (some: readonly GroupFacts[]) => some.flatMap(({ name }) => byName.get(name) ?? []);
  const standing = sortGroups(facts, onlooker, generation);
  const isLeaving = ({ status }: GroupFacts): boolean => Boolean(status);
  const leaving = sortGroups(
    facts.filter(isLeaving).map(({ status: _, ...rest }) => rest),
    onlooker,
    generation,
  );
  const isNewer = (group: GroupFacts): boolean => isOfNewer(group, onlooker);
  const isOlder = (group: GroupFacts): boolean => !isNewer(group);
  return {
    own: pick(standing.own),
    old: pick(standing.old.filter(isOlder)),
    retired: pick(standing.retired.filter(isOlder)),
    unowned: pick(standing.unowned),
    newer: pick([...standing.old, ...standing.retired].filter(isNewer)),
    leavingOwn: pick(leaving.own),
    leavingOld: pick([...leaving.old, ...leaving.retired].filter(isOlder)),
  };
}

/** A group as the pure decisions take it. */
export function toFacts(group: AutoScalingGroup): GroupFacts {
  return {
    name: group.AutoScalingGroupName ?? "",
    desired: group.DesiredCapacity ?? 0,
    tags: toTagMap(group.Tags),
    ...(group.Status && { status: group.Status }),
  };
}

function isOfNewer({ tags }: GroupFacts, { fencing_token }: Onlooker): boolean {
  return fencing_token !== undefined && Number(tags[RELEASE_TAGS.fencingToken]) > fencing_token;
}
