import {
  AutoScalingClient,
  type AutoScalingGroup,
  type DescribeAutoScalingGroupsCommandInput,
  paginateDescribeAutoScalingGroups,
} from "@aws-sdk/client-auto-scaling";
import { DescribePlacementGroupsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { escapeFilterValue, findAwsFault, toAwsError } from "@stackyard/aws";
import { defined } from "@stackyard/core";
import type { Release } from "../document/release.ts";
import { RELEASE_TAGS } from "../plan/names.ts";
import { type AwsDeps, type ReleaseConstants, type ReleaseDeps, toReleaseError } from "../release-state.ts";

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

/** A problem with a resource of a release. */
export interface ResourceProblem {
  /** In kebab-case, such as `release-image-missing`. */
  readonly code: string;
  /** The fault, its place, and the remedy. */
  readonly message: string;
  readonly cause?: unknown;
}

/** Result of a lookup. */
export type Lookup<Found> =
  | { readonly kind: "found"; readonly value: Found }
  | { readonly kind: "refused"; readonly problems: readonly ResourceProblem[] };

/** Input of `lookup`. */
interface LookupInput {
  /** What is looked up, such as `security groups "web"`; completes the sentence "Looking up … failed." */
  readonly what: string;
  /** Names of the errors for a missing resource, and the problem to report. */
  readonly missing?: { readonly errors: readonly string[]; readonly problem: ResourceProblem };
}

/**
 * Looks up a resource. An AWS error about this resource is returned as a problem, so that all problems are reported
 * together. An error that would fail every call (credentials, an outage) throws `BAD_RELEASE`. An abort is rethrown.
 */
export async function lookup<Found>(
  deps: Pick<ReleaseDeps, "signal">,
  { what, missing }: LookupInput,
  load: () => Promise<Found>,
): Promise<Lookup<Found>> {
  try {
    return { kind: "found", value: await load() };
  } catch (error) {
    const fault = findAwsFault(error);
    const name = fault.name ?? "";
    if (missing?.errors.includes(name)) return { kind: "refused", problems: [{ ...missing.problem, cause: error }] };
    const text = `Looking up ${what} failed.`;
    deps.signal.throwIfAborted();
    if (fault.kind !== "caller" && fault.code !== "FORBIDDEN") throw toReleaseError("BAD_RELEASE", error, text);
    const problem = { code: "release-look-up-failed", message: toAwsError(error, text).message, cause: error };
    return { kind: "refused", problems: [problem] };
  }
}

/** Looks up a resource that must exist, as `lookup` does: an undefined result is the problem `missing`. */
export async function lookupExisting<Found>(
  deps: Pick<ReleaseDeps, "signal">,
  input: Required<LookupInput>,
  load: () => Promise<Found | undefined>,
): Promise<Lookup<Found>> {
  const found = await lookup(deps, input, load);
  if (found.kind === "refused") return found;
  if (found.value === undefined) return { kind: "refused", problems: [input.missing.problem] };
  return { kind: "found", value: found.value };
}

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

/** Converts a group to the facts that the rules need. */
export function toGroupFacts(group: AutoScalingGroup): GroupFacts {
  const { DesiredCapacity: desired = 0, Status: status, Tags } = group;
  return { name: nameOfGroup(group), desired, tags: toTagMap(Tags), ...(status && { status }) };
}

/** Facts about a placement group. */
export interface PlacementGroupFacts {
  readonly state: string;
  readonly strategy: string;
  readonly partition_count?: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** Returns the placement group with this name, or undefined: then the release creates it. */
export async function findPlacementGroup(
  deps: ReleaseDeps,
  name: string,
): Promise<Lookup<PlacementGroupFacts | undefined>> {
  return lookup(deps, { what: `placement group "${name}"` }, async () => {
    const Filters = [{ Name: "group-name", Values: [escapeFilterValue(name)] }];
    const command = new DescribePlacementGroupsCommand({ Filters });
    const { PlacementGroups = [] } = await deps.target.client(EC2Client).send(command, { abortSignal: deps.signal });
    const group = PlacementGroups.find(({ GroupName }) => GroupName === name);
    if (group === undefined) return undefined;
    const { State = "", Strategy = "", PartitionCount } = group;
    const facts = { state: State, strategy: Strategy, tags: toTagMap(group.Tags) };
    return PartitionCount === undefined ? facts : { ...facts, partition_count: PartitionCount };
  });
}

/** Converts a list of tags to a map. Skips tags without a key; a missing value becomes an empty string. */
export function toTagMap(
  tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] = [],
): Readonly<Record<string, string>> {
  const named = tags.filter(({ Key }) => Key !== undefined).map(({ Key = "", Value = "" }) => [Key, Value] as const);
  return Object.fromEntries(named);
}
