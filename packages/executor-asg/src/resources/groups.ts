import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { defined } from "@stackyard/core";
import { RELEASE_TAGS } from "../plan/names.ts";
import type { ReleaseConstants } from "../presets.ts";
import { compare, nameOfGroup, toTagMap } from "./load-groups.ts";

/** Why a release cannot replace the existing groups. */
interface PredecessorProblem {
  readonly class: "BadReleaseError";
  readonly code:
    | "release-already-deployed"
    | "group-without-service"
    | "groups-of-one-service"
    | "group-without-release";
  readonly message: string;
}

/** Groups that a release replaces. */
export type Predecessors<Group extends GroupFacts> = {
  /** Kept for the rollback window of an earlier release. Deleted before anything is created. */
  readonly retired: readonly Group[];
  /** Groups of the project and config without a release id. They are reported, never changed. */
  readonly unowned: readonly Group[];
} & (
  | {
      readonly kind: "found";
      /** Previous group of each service in the release. */
      readonly previous: Readonly<Record<string, Group>>;
      /** All groups that are deleted after success, including those of removed services. */
      readonly old: readonly Group[];
      readonly previousReleaseId?: string;
    }
  | { readonly kind: "refused"; readonly problems: readonly PredecessorProblem[] }
);

/** The release that replaces groups. */
type Successor = GroupOwner & { readonly services: Readonly<Record<string, unknown>> };

/**
 * Finds the groups that a release replaces. Rejects the release if a group has its id already, or if the group of a
 * service is ambiguous. `stackyard asg repair` lists and removes such groups.
 */
export function findPredecessors<Group extends GroupFacts>(
  groups: readonly Group[],
  release: Successor,
  generation: ReleaseConstants["generation"] = "odin",
): Predecessors<Group> {
  const { own, old, retired, unowned } = sortGroups(groups, release, generation);
  const others = [...old, ...unowned].sort((one, other) => compare(toService(one), toService(other)));
  const problems = [
    ...findDeployed(own, release),
    ...findNameless(others),
    ...findDoubles(others),
    ...findUnreleased(unowned, release),
  ];
  if (problems.length > 0) return { kind: "refused", problems, retired, unowned };
  const previous = old.filter((group) => Object.hasOwn(release.services, toService(group)));
  const previousReleaseId = others.map((group) => findReleaseId(group, generation)).find((id) => id !== undefined);
  return {
    kind: "found",
    old,
    retired,
    unowned,
    previous: Object.fromEntries(previous.map((group) => [toService(group), group])),
    ...defined({ previousReleaseId }),
  };
}

const toService = ({ tags }: GroupFacts) => tags["ServiceName"] ?? "";

export function problem(code: PredecessorProblem["code"], message: string): PredecessorProblem {
  return { class: "BadReleaseError", code, message };
}

function findDeployed(own: readonly GroupFacts[], { release_id }: Successor): readonly PredecessorProblem[] {
  if (own.length === 0) return [];
  const message = `Release "${release_id}" has Auto Scaling groups already: ${toNames(own)}. Use another release id.`;
  return [problem("release-already-deployed", message)];
}

function findNameless(groups: readonly GroupFacts[]): readonly PredecessorProblem[] {
  const nameless = groups.filter((group) => toService(group) === "");
  return nameless.map(({ name }) => {
    return problem(
      "group-without-service",
      `Auto Scaling group "${name}" of this project-config has no tag "ServiceName". Tag it or delete it.`,
    );
  });
}

function findDoubles(groups: readonly GroupFacts[]): readonly PredecessorProblem[] {
  const byService = Map.groupBy(groups, toService);
  return [...byService].flatMap(([service, all]) => {
    if (service === "" || all.length < 2) return [];
    const message = `Service "${service}" has ${all.length} Auto Scaling groups: ${toNames(all)}. Delete all but the one in service.`;
    return [problem("groups-of-one-service", message)];
  });
}

function findUnreleased(unowned: readonly GroupFacts[], { services }: Successor): readonly PredecessorProblem[] {
  const previous = unowned.filter((group) => Object.hasOwn(services, toService(group)));
  return previous.map((group) => {
    const message = `Auto Scaling group "${group.name}" of service "${toService(group)}" has no tag "ReleaseID". Tag it or delete it.`;
    return problem("group-without-release", message);
  });
}

function toNames(groups: readonly GroupFacts[]): string {
  return groups.map(({ name }) => `"${name}"`).join(", ");
}

/** Facts about an Auto Scaling group. */
export interface GroupFacts {
  readonly name: string;
  /** `Delete in progress`, or missing. */
  readonly status?: string | undefined;
  readonly desired: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** The release whose groups are sorted. */
interface GroupOwner {
  readonly project_name: string;
  readonly config_name: string;
  readonly release_id: string;
}

/** The groups of a project and config, without those being deleted. */
export interface SortedGroups<Group extends GroupFacts> {
  /** Groups of this release. */
  readonly own: readonly Group[];
  /** Groups of other releases. */
  readonly old: readonly Group[];
  /** Groups of other releases that are kept for a rollback. */
  readonly retired: readonly Group[];
  /** Groups without a release id. They must not be deleted automatically. */
  readonly unowned: readonly Group[];
}

/** Sorts groups by release. Skips groups of other projects and groups that are being deleted. */
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

/** Returns the id of the release that created a group. Older groups have the tag in another spelling. */
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

/** Converts a group to the facts that the rules need. */
export function toGroupFacts(group: AutoScalingGroup): GroupFacts {
  const { DesiredCapacity: desired = 0, Status: status, Tags } = group;
  return { name: nameOfGroup(group), desired, tags: toTagMap(Tags), ...(status && { status }) };
}
