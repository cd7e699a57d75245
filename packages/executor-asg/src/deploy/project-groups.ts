import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { RELEASE_TAGS } from "../plan/names.ts";
import type { ReleaseConstants } from "../presets.ts";
import type { ReleaseDeps, ReleaseState, ReleaseWork } from "../release-state.ts";
import { type GroupFacts, sortGroups, toGroupFacts } from "../resources/groups.ts";
import { loadGroupsWith, nameOfGroup } from "../resources/load-groups.ts";

/** The groups of a project and config, relative to one of its releases. Each list is sorted by name. */
export interface ProjectGroups {
  /** Groups of this release. */
  readonly own: readonly AutoScalingGroup[];
  /** Groups of earlier releases, in service. */
  readonly old: readonly AutoScalingGroup[];
  /** Groups kept for a rollback. */
  readonly retired: readonly AutoScalingGroup[];
  /** Groups without a release id. They are never changed; `repair` lists them. */
  readonly unowned: readonly AutoScalingGroup[];
  /** Groups of later releases, by fencing token: this release has lost its locks. */
  readonly newer: readonly AutoScalingGroup[];
  /** Groups of this release that are being deleted. */
  readonly leavingOwn: readonly AutoScalingGroup[];
  /** Groups of earlier releases that are being deleted. */
  readonly leavingOld: readonly AutoScalingGroup[];
}

/** The release, with the fencing token of its locks. */
type Onlooker = Pick<ReleaseWork["release"], "project_name" | "config_name" | "release_id"> & {
  readonly fencing_token?: number | undefined;
};

/** Loads and sorts the groups of a project and config. */
export async function loadProjectGroups(
  deps: Pick<ReleaseDeps, "target" | "signal" | "constants" | "clock">,
  { release, state }: Pick<ReleaseWork, "release" | "state">,
  known: readonly string[] = [],
): Promise<ProjectGroups> {
  const onlooker = { ...release, fencing_token: state.fencing_token };
  return sortProjectGroups(await loadGroupsWith(deps, release, known), onlooker, deps.constants.generation);
}

/** Returns the names of the groups that the release creates. */
export function listOwnNames({ services }: ReleaseState): readonly string[] {
  return Object.values(services).flatMap(({ created_asg }) => created_asg ?? []);
}

/** Returns the names of the groups that the release replaces. */
export function listOldNames({ services, old_groups = [] }: ReleaseState): readonly string[] {
  const previous = Object.values(services).flatMap(({ resources }) => resources?.prev_asg_arn ?? []);
  return [...new Set([...previous, ...old_groups])];
}

/** Sorts loaded groups. Pure. */
export function sortProjectGroups(
  groups: readonly AutoScalingGroup[],
  onlooker: Onlooker,
  generation: ReleaseConstants["generation"] = "odin",
): ProjectGroups {
  const byName = new Map(groups.map((group) => [nameOfGroup(group), group]));
  const facts = [...byName.values()].map(toGroupFacts).toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const pick = (some: readonly GroupFacts[]) => some.flatMap(({ name }) => byName.get(name) ?? []);
  const standing = sortGroups(facts, onlooker, generation);
  const isLeaving = ({ status }: GroupFacts): boolean => Boolean(status);
  const withoutStatus = facts.filter(isLeaving).map(({ status: _, ...rest }) => rest);
  const leaving = sortGroups(withoutStatus, onlooker, generation);
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

function isOfNewer({ tags }: GroupFacts, { fencing_token }: Onlooker): boolean {
  return fencing_token !== undefined && Number(tags[RELEASE_TAGS.fencingToken]) > fencing_token;
}
