import type { ReleaseConstants } from "../release-constants.ts";
import { findReleaseId, type GroupFacts, type GroupOwner, sortGroups } from "./sort-groups.ts";

/** Why a release cannot follow on what is there. */
export interface PredecessorProblem {
  readonly class: "BadReleaseError";
  readonly code:
    | "release-already-deployed"
    | "group-without-service"
    | "groups-of-one-service"
    | "group-without-release";
  readonly message: string;
}

/** What a release replaces. */
export type Predecessors<Group extends GroupFacts> = {
  /** Kept for the rollback window of a release before; deleted before anything is created. */
  readonly retired: readonly Group[];
  /** Of the project-config, but of no release: to be reported, never touched. */
  readonly unowned: readonly Group[];
} & (
  | {
      readonly kind: "found";
      /** By service, of services that are in the release. */
      readonly previous: Readonly<Record<string, Group>>;
      /** All that go when the release has succeeded, also of services that are in it no longer. */
      readonly old: readonly Group[];
      readonly previousReleaseId?: string;
    }
  | { readonly kind: "refused"; readonly problems: readonly PredecessorProblem[] }
);

/** The release that looks for them. */
export type Successor = GroupOwner & { readonly services: Readonly<Record<string, unknown>> };

/**
 * Finds, among all groups of the account, those that a release replaces. It is refused when one has its id already, or
 * when it is not clear which group a service has. `stackyard release repair` lists and removes what stands in the way.
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
    ...(previousReleaseId !== undefined && { previousReleaseId }),
  };
}

const toService = ({ tags }: GroupFacts) => tags["ServiceName"] ?? "";
const compare = (one: string, other: string) => (one < other ? -1 : Number(one > other));

function problem(code: PredecessorProblem["code"], message: string): PredecessorProblem {
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
    const message = `Service "${service}" has ${all.length} Auto Scaling groups: ${toNames(all)}. Delete all but the one that serves.`;
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
