import {
  AutoScalingClient,
  type AutoScalingGroup,
  type DescribeAutoScalingGroupsCommandInput,
  paginateDescribeAutoScalingGroups,
} from "@aws-sdk/client-auto-scaling";
import { DescribePlacementGroupsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import type { Release } from "../document/release.ts";
import { RELEASE_TAGS } from "../plan/names.ts";
import { type ReleaseConstants, type ReleaseDeps, toReleaseError } from "../release-state.ts";

/** Why a release cannot follow on what is there. */
interface PredecessorProblem {
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
type Successor = GroupOwner & { readonly services: Readonly<Record<string, unknown>> };

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

/** An Auto Scaling group as far as releases look at it. */
export interface GroupFacts {
  readonly name: string;
  /** `Delete in progress`, or nothing. */
  readonly status?: string | undefined;
  readonly desired: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** Whose groups are looked for. */
interface GroupOwner {
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

/** Why a release cannot have what it asks for. */
export interface ResourceProblem {
  /** In kebab-case, such as `release-image-missing`. */
  readonly code: string;
  /** What is wrong, with what, and what to do. */
  readonly message: string;
  readonly cause?: unknown;
}

/** What a look-up gives: what it found, or why not. */
export type LookUp<Found> =
  | { readonly kind: "found"; readonly value: Found }
  | { readonly kind: "refused"; readonly problems: readonly ResourceProblem[] };

/** A look-up of one thing. */
interface LookUpInput {
  /** The thing, such as `security groups "web"`: it stands after "Looking up". */
  readonly what: string;
  /** Names of the errors that say that it is not there, and the sentence that the release is refused with then. */
  readonly missing?: { readonly errors: readonly string[]; readonly problem: ResourceProblem };
}

/**
 * Looks something up. An answer of AWS about this one thing is a problem among others, so that all are told at once. What
 * concerns every call (credentials, an outage) is thrown as `BAD_RELEASE`: the next call would end so, too. An abort is no answer.
 */
export async function lookUp<Found>(
  deps: Pick<ReleaseDeps, "signal">,
  { what, missing }: LookUpInput,
  load: () => Promise<Found>,
): Promise<LookUp<Found>> {
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
  return groups.toSorted((left, right) => compareLoadGroups(left.AutoScalingGroupName, right.AutoScalingGroupName));
}

function compareLoadGroups(left = "", right = ""): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** A group as the rules look at it. */
export function toGroupFacts(group: AutoScalingGroup): GroupFacts {
  const { AutoScalingGroupName: name = "", DesiredCapacity: desired = 0, Status, Tags } = group;
  return { name, desired, tags: toTagMap(Tags), ...(Status !== undefined && { status: Status }) };
}

/** A placement group as the rules look at it. */
export interface PlacementGroupFacts {
  readonly state: string;
  readonly strategy: string;
  readonly partition_count?: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** The placement group of that name; `undefined`: the release will make it. */
export async function findPlacementGroup(
  deps: ReleaseDeps,
  name: string,
): Promise<LookUp<PlacementGroupFacts | undefined>> {
  return lookUp(deps, { what: `placement group "${name}"` }, async () => {
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

/** Tags as AWS lists them, as a map. A tag without a key is none; one without a value is empty. */
export function toTagMap(
  tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] = [],
): Readonly<Record<string, string>> {
  const named = tags.filter(({ Key }) => Key !== undefined).map(({ Key = "", Value = "" }) => [Key, Value] as const);
  return Object.fromEntries(named);
}

/**
 * A value for a filter of EC2 that means itself: `*` and `?` are wildcards there, and a backslash takes that from them.
 * Source: EC2 user guide, "Filtering considerations".
 */
export function escapeFilterValue(text: string): string {
  return text.replaceAll(/[\\*?]/g, "\\$&");
}
