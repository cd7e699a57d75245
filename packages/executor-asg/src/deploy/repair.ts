import { AutoScalingClient, paginateDescribeLaunchConfigurations } from "@aws-sdk/client-auto-scaling";
import { CloudWatchClient, paginateDescribeAlarms } from "@aws-sdk/client-cloudwatch";
import { DescribePlacementGroupsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { type AfterAbsence, decideAbsence, escapeFilterValue } from "@stackyard/aws";
import { RELEASE_TAGS, toTemplateName } from "../plan/names.ts";
import { failWith, ReleaseError, toReleaseError } from "../release-errors.ts";
import type { AwsDeps, ReleaseDeps, ReleaseKey } from "../release-state.ts";
import { findReleaseId, type GroupFacts, toGroupFacts } from "../resources/groups.ts";
import { collect, loadGroups, loadGroupsNamed, toTagMap } from "../resources/load-groups.ts";
import { detachTraffic, loadAttachments } from "./drain.ts";
import { RETIRED_TAGS } from "./kept-group.ts";
import {
  deleteAlarms,
  deleteLaunchConfiguration,
  deletePlacementGroup,
  deleteTemplate,
  loadTemplates,
  tearDownGroup,
} from "./teardown.ts";

/** Input of `repairRelease`. */
export interface RepairInput {
  readonly at: Omit<ReleaseKey, "release_id">;
  /** Id of this repair, stable over redeliveries: owner of the locks, and their release id. */
  readonly uuid: string;
  /** Ids of releases in progress. */
  readonly running: readonly string[];
  /** Ids of releases to keep. */
  readonly keep?: readonly string[];
  /** Removes what was found, instead of only listing it. */
  readonly confirm: boolean;
}

/** Result of a repair. */
export interface RepairResult {
  readonly found: readonly LeftOver[];
  /** Names. */
  readonly removed: readonly string[];
  readonly failed: readonly { readonly name: string; readonly message: string }[];
}

/** A Lambda function has five minutes in total. */
const MAX_DRAIN_SECONDS = 120;
const LOOK_SECONDS = 10;

/**
 * Lists resources of a project and config that do not belong to any release, and removes them if confirmed, under the
 * locks of a release. Failed removals are reported and do not stop the others. Throws `LOCK_EXISTS`, or
 * `CLEAN_UP_FAILED` if the resources cannot be listed.
 */
export async function repairRelease(deps: ReleaseDeps, input: RepairInput): Promise<RepairResult> {
  if (!input.confirm) return { found: await look(deps, input), removed: [], failed: [] };
  const key = { ...input.at, release_id: input.uuid };
  const answer = await deps.memory.locks.acquire(key, input.uuid);
  if (answer.kind === "held") return listAfter(deps, input, answer.message);
  try {
    const found = await lookAgain(deps, input);
    return { found, ...(await removeAll(deps, found)) };
  } finally {
    await deps.memory.locks.release(key, input.uuid);
  }
}

/** Lists the remaining resources for a repeated repair with a lost first result. */
async function listAfter(deps: ReleaseDeps, input: RepairInput, message: string): Promise<RepairResult> {
  const standing = await deps.memory.locks.renew({ ...input.at, release_id: input.uuid }, input.uuid);
  if (standing !== "released") throw new ReleaseError("LOCK_EXISTS", message);
  return { found: await look(deps, input), removed: [], failed: [] };
}

async function look(deps: ReleaseDeps, input: RepairInput): Promise<readonly LeftOver[]> {
  return (await lookWhole(deps, input)).found;
}

async function lookWhole(
  deps: ReleaseDeps,
  { at, running, keep = [] }: RepairInput,
): Promise<{ readonly found: readonly LeftOver[]; readonly isLeaving: boolean }> {
  const failed = failWith("CLEAN_UP_FAILED", "Cannot look up left-over resources.");
  const facts = await loadRepairFacts(deps, at).catch(failed);
  const found = findLeftOvers(facts, { now: deps.clock.now(), running, keep });
  return { found, isLeaving: facts.groups.some(({ status }) => Boolean(status)) };
}

/** Looks at most so often: what was found only lately is left to the next repair. */
const MAX_LOOKS = 7;

/**
 * Returns what is left over at look after look: a resource is left over because its group, or its release, is not listed,
 * and one answer may lack a group that is in service. Waits for groups that are being deleted, which still use theirs.
 */
async function lookAgain(deps: ReleaseDeps, input: RepairInput): Promise<readonly LeftOver[]> {
  const { clock, signal } = deps;
  let seen = new Map<string, AfterAbsence>();
  for (let looks = 1; ; looks += 1) {
    const now = clock.now();
    const { found, isLeaving } = await lookWhole(deps, input);
    seen = new Map(found.map((each) => [toKey(each), decideAbsence(seen.get(toKey(each))?.absence, now)]));
    const isSure = (each: LeftOver) => !each.removable || seen.get(toKey(each))?.kind === "unknown";
    if ((found.every(isSure) && !isLeaving) || looks === MAX_LOOKS) return found.filter(isSure);
    await clock.sleep(decideAbsence(undefined, now).afterMs, signal);
    signal.throwIfAborted();
  }
}

const toKey = ({ kind, name, removable }: LeftOver) => `${kind} ${name} ${removable}`;

async function removeAll(
  deps: ReleaseDeps,
  found: readonly LeftOver[],
): Promise<Pick<RepairResult, "removed" | "failed">> {
  const removed: string[] = [];
  const failed: { name: string; message: string }[] = [];
  for (const leftOver of found.filter(({ removable }) => removable)) {
    const { name } = leftOver;
    try {
      await remove(deps, leftOver);
      removed.push(name);
    } catch (error) {
      deps.signal.throwIfAborted();
      failed.push({ name, message: toReleaseError("CLEAN_UP_FAILED", error, `"${name}" was not removed.`).message });
    }
  }
  return { removed, failed };
}

async function remove(deps: ReleaseDeps, { kind, name }: LeftOver): Promise<void> {
  switch (kind) {
    case "group":
      return removeGroup(deps, name);
    case "template":
      return deleteTemplate(deps, name);
    case "launch-configuration":
      return deleteLaunchConfiguration(deps, name);
    case "alarm":
      return deleteAlarms(deps, [name]);
    case "placement-group":
      return deletePlacementGroup(deps, name);
  }
}

async function removeGroup(deps: ReleaseDeps, name: string): Promise<void> {
  const [group] = await loadGroupsNamed(deps, [name]);
  if (group === undefined) return;
  await detachTraffic(deps, group);
  await waitUntilDetached(deps, name);
  await tearDownGroup(deps, group);
}

/** Waits for existing connections to end, up to a limit. */
async function waitUntilDetached(deps: ReleaseDeps, name: string): Promise<void> {
  const endsAt = deps.clock.now() + MAX_DRAIN_SECONDS * 1_000;
  while ((await loadAttachments(deps, name)).some(({ state }) => state !== "Removed")) {
    if (deps.clock.now() >= endsAt) return;
    await deps.clock.sleep(LOOK_SECONDS * 1_000, deps.signal);
    deps.signal.throwIfAborted();
  }
}

/** The project and config to repair. */
type ProjectConfig = Pick<ReleaseKey, "project_name" | "config_name">;

const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-/;

/**
 * Loads all resources that seem to belong to a project and config, by tags, or by name where tags are not supported.
 * Read-only.
 */
export async function loadRepairFacts(deps: AwsDeps, of: ProjectConfig): Promise<RepairFacts> {
  const groups = await loadGroups(deps, of);
  return {
    groups: groups.map((group) => ({
      ...toGroupFacts(group),
      attached: [...(group.LoadBalancerNames ?? []), ...(group.TargetGroupARNs ?? [])].length > 0,
    })),
    templates: await loadTemplates(deps, of),
    launchConfigurations: (await loadLaunchConfigurations(deps)).filter((name) => isNameOf(name, of)),
    alarms: (await loadAlarms(deps, of)).filter((name) => isNameOf(name, of)),
    placementGroups: await loadPlacementGroups(deps, of),
  };
}

/**
 * Returns whether a name is, or starts with, the name of a group of this project and config. Names of `prod-eu` do not
 * match `prod`, because the time of the release must follow.
 */
export function isNameOf(name: string, { project_name, config_name }: ProjectConfig): boolean {
  const prefix = `${project_name}-${config_name}-`;
  return name.startsWith(prefix) && STAMP.test(name.slice(prefix.length));
}

async function loadLaunchConfigurations({ target, signal }: AwsDeps): Promise<readonly string[]> {
  const client = target.client(AutoScalingClient);
  // The call has no filters.
  const pages = paginateDescribeLaunchConfigurations({ client, pageSize: 100 }, {}, { abortSignal: signal });
  return collect(pages, ({ LaunchConfigurations }) =>
    LaunchConfigurations?.flatMap(({ LaunchConfigurationName }) => LaunchConfigurationName ?? []),
  );
}

async function loadAlarms(
  { target, signal }: AwsDeps,
  { project_name, config_name }: ProjectConfig,
): Promise<readonly string[]> {
  const input = { AlarmNamePrefix: `${project_name}-${config_name}-` };
  const pages = paginateDescribeAlarms({ client: target.client(CloudWatchClient) }, input, { abortSignal: signal });
  return collect(pages, ({ MetricAlarms }) => MetricAlarms?.flatMap(({ AlarmName }) => AlarmName ?? []));
}

async function loadPlacementGroups({ target, signal }: AwsDeps, of: ProjectConfig): Promise<readonly TaggedThing[]> {
  const Filters = [
    { Name: `tag:${RELEASE_TAGS.project}`, Values: [escapeFilterValue(of.project_name)] },
    { Name: `tag:${RELEASE_TAGS.config}`, Values: [escapeFilterValue(of.config_name)] },
  ];
  const command = new DescribePlacementGroupsCommand({ Filters });
  const { PlacementGroups = [] } = await target.client(EC2Client).send(command, { abortSignal: signal });
  return PlacementGroups.map(({ GroupName: name = "", Tags }) => ({ name, tags: toTagMap(Tags) })).filter(
    ({ tags }) => tags[RELEASE_TAGS.project] === of.project_name && tags[RELEASE_TAGS.config] === of.config_name,
  );
}

/** A group, and whether it is attached to load balancers. */
export interface StandingGroup extends GroupFacts {
  readonly attached: boolean;
}

/** A named resource with the tags of its release. */
interface TaggedThing {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** All resources found for a project and config. */
export interface RepairFacts {
  readonly groups: readonly StandingGroup[];
  readonly templates: readonly TaggedThing[];
  /** Names in the format of this project and config. */
  readonly launchConfigurations: readonly string[];
  readonly alarms: readonly string[];
  readonly placementGroups: readonly TaggedThing[];
}

/** Which resources are still in use. */
export interface RepairOptions {
  /** Epoch ms. */
  readonly now: number;
  /** Ids of releases that are being made. */
  readonly running: readonly string[];
  /** Ids of releases to keep, if the traffic does not show it. */
  readonly keep?: readonly string[];
}

/**
 * Finds left-over resources, with reasons. A project and config is served by the groups of one release. If groups of
 * several exist, the one with traffic is kept: failed and replaced releases have lost their traffic. If the traffic
 * does not show it, nothing is removable until a person names the release to keep.
 */
export function findLeftOvers(facts: RepairFacts, options: RepairOptions): readonly LeftOver[] {
  return [...findGroups(facts.groups, options), ...findThings(facts, options)];
}

function findGroups(groups: readonly StandingGroup[], options: RepairOptions): readonly LeftOver[] {
  const standing = groups.filter(({ status }) => !status).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const isRetired = ({ tags }: StandingGroup): boolean => tags[RETIRED_TAGS.at] !== undefined;
  const serving = standing.filter((group) => !isRetired(group));
  const winners = findWinners(serving, options);
  const judged = [
    ...standing.filter(isRetired).map((group) => evaluateRetired(group, options)),
    ...serving.map((group) => evaluateServing(group, winners, options)),
  ];
  return judged.flatMap((each) => each ?? []);
}

/** Ids of the releases to keep, or undefined if unclear. */
function findWinners(
  serving: readonly StandingGroup[],
  { running, keep = [] }: RepairOptions,
): readonly string[] | undefined {
  const ids = (groups: readonly StandingGroup[]) => [...new Set(groups.flatMap((group) => findReleaseId(group) ?? []))];
  const settled = ids(serving).filter((id) => !running.includes(id));
  if (settled.length <= 1) return settled;
  const kept = settled.filter((id) => keep.includes(id));
  if (kept.length > 0) return kept;
  const attached = ids(serving.filter((group) => group.attached)).filter((id) => settled.includes(id));
  return attached.length === 1 ? attached : undefined;
}

function evaluateRetired(group: StandingGroup, { now, running }: RepairOptions): LeftOver | undefined {
  const { [RETIRED_TAGS.until]: until = "", [RETIRED_TAGS.by]: by = "" } = group.tags;
  if (running.includes(by) || Date.parse(until) > now) return undefined;
  const when = until === "" ? "The end of its rollback window is unknown." : `Its rollback window ends at ${until}.`;
  return toGroup(group, `Release "${by}" has replaced it. ${when}`, true);
}

function evaluateServing(
  group: StandingGroup,
  winners: readonly string[] | undefined,
  { running }: RepairOptions,
): LeftOver | undefined {
  const id = findReleaseId(group);
  if (id === undefined) {
    const why = `It has no tag ${RELEASE_TAGS.releaseId}, so releases do not delete it. Add the tag, or delete it.`;
    return toGroup(group, why, false);
  }
  if (running.includes(id)) return undefined;
  if (winners === undefined) {
    const why = `Groups of several releases exist, and the traffic does not show which one is in service. Name the release to keep.`;
    return toGroup(group, why, false);
  }
  if (!winners.includes(id)) {
    return toGroup(group, `Release "${winners.join('", "')}" serves, and this release is not running.`, true);
  }
  if (group.tags[RELEASE_TAGS.service]) return undefined;
  const why = `It has no tag ${RELEASE_TAGS.service}, so every release is rejected. Add the tag, or delete it.`;
  return toGroup(group, why, false);
}

function toGroup(group: StandingGroup, why: string, removable: boolean): LeftOver {
  const releaseId = findReleaseId(group);
  const service = group.tags[RELEASE_TAGS.service];
  const owner = { ...(releaseId && { releaseId }), ...(service && { service }) };
  return { kind: "group", name: group.name, ...owner, why, removable };
}

function findThings(facts: RepairFacts, { running }: RepairOptions): readonly LeftOver[] {
  const names = facts.groups.map(({ name }) => name);
  const used = new Set(names.map(toTemplateName));
  const releases = new Set([...facts.groups.flatMap((group) => findReleaseId(group) ?? []), ...running]);
  const isRunning = ({ tags }: TaggedThing): boolean => running.includes(tags[RELEASE_TAGS.releaseId] ?? "");
  const templates = facts.templates.filter((each) => !used.has(each.name) && !isRunning(each));
  const placed = facts.placementGroups.filter(({ tags }) => {
    const releaseId = tags[RELEASE_TAGS.releaseId];
    return releaseId !== undefined && !releases.has(releaseId);
  });
  const configurations = facts.launchConfigurations.filter((name) => !names.includes(name));
  const alarms = facts.alarms.filter((alarm) => !names.some((name) => alarm.startsWith(`${name}-`)));
  // Resources of a release in progress may exist before their group does.
  const isQuiet = running.length === 0;
  return [
    ...templates.map((each) => toThing("template", each, "Its group does not exist.")),
    ...configurations.map((name) => toThing("launch-configuration", { name, tags: {} }, "No group uses it.")),
    ...(isQuiet ? alarms : []).map((name) => toThing("alarm", { name, tags: {} }, "Its group does not exist.")),
    ...placed.map((each) => toThing("placement-group", each, "Its release has no groups.")),
  ];
}

function toThing(kind: LeftOver["kind"], { name, tags }: TaggedThing, why: string): LeftOver {
  const { [RELEASE_TAGS.releaseId]: releaseId, [RELEASE_TAGS.service]: service } = tags;
  return { kind, name, ...(releaseId && { releaseId }), ...(service && { service }), why, removable: true };
}

/** A resource of a project and config that neither a running nor a serving release owns. */
interface LeftOver {
  readonly kind: "group" | "template" | "launch-configuration" | "alarm" | "placement-group";
  readonly name: string;
  readonly releaseId?: string;
  readonly service?: string;
  /** The reason, a sentence. */
  readonly why: string;
  /** False if a person has to decide first, as described by `why`. */
  readonly removable: boolean;
}
