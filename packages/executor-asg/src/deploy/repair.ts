import { AutoScalingClient, paginateDescribeLaunchConfigurations } from "@aws-sdk/client-auto-scaling";
import { CloudWatchClient, paginateDescribeAlarms } from "@aws-sdk/client-cloudwatch";
import { DescribePlacementGroupsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { RELEASE_TAGS, toTemplateName } from "../plan/names.ts";
import { type ReleaseDeps, ReleaseError, type ReleaseKey, toReleaseError } from "../release-state.ts";
import {
  escapeFilterValue,
  findReleaseId,
  type GroupFacts,
  loadGroups,
  loadGroupsNamed,
  toTagMap,
} from "../resources/groups.ts";
import { detachTraffic, loadAttachments, RETIRED_TAGS } from "./drain.ts";
import {
  deleteAlarms,
  deleteLaunchConfiguration,
  deletePlacementGroup,
  deleteTemplate,
  loadTemplates,
  tearDownGroup,
  toFacts,
} from "./teardown.ts";

/** What is to be repaired. */
export interface RepairInput {
  readonly at: Omit<ReleaseKey, "release_id">;
  /** Of this repair, the same over redeliveries: owner of the locks, and the release id that they are taken for. */
  readonly uuid: string;
  /** Ids of releases that are being made. */
  readonly running: readonly string[];
  /** Ids of releases that are to stay. */
  readonly keep?: readonly string[];
  /** False: lists, and changes nothing. */
  readonly confirm: boolean;
}

/** What was found, and what became of it. */
export interface RepairResult {
  readonly found: readonly LeftOver[];
  /** Names. */
  readonly removed: readonly string[];
  readonly failed: readonly { readonly name: string; readonly message: string }[];
}

/** A function has five minutes in all. */
const MAX_DRAIN_SECONDS = 120;
const LOOK_SECONDS = 10;

/**
 * Lists what of a project-config nobody owns, and removes it when that was confirmed, under the locks of a release. What cannot be
 * removed is told, and does not keep the rest. Throws `LOCK_EXISTS`, `CLEAN_UP_FAILED` where it cannot even look.
 */
export async function repairRelease(deps: ReleaseDeps, input: RepairInput): Promise<RepairResult> {
  if (!input.confirm) return { found: await look(deps, input), removed: [], failed: [] };
  const key = { ...input.at, release_id: input.uuid };
  const answer = await deps.memory.locks.acquire(key, input.uuid);
  if (answer.kind === "held") return listAfter(deps, input, answer.message);
  try {
    const found = await look(deps, input);
    return { found, ...(await removeAll(deps, found)) };
  } finally {
    await deps.memory.locks.release(key, input.uuid);
  }
}

/** A repair that has ended, and whose answer was lost, lists what is left. */
async function listAfter(deps: ReleaseDeps, input: RepairInput, message: string): Promise<RepairResult> {
  const standing = await deps.memory.locks.renew({ ...input.at, release_id: input.uuid }, input.uuid);
  if (standing !== "released") throw new ReleaseError("LOCK_EXISTS", message);
  return { found: await look(deps, input), removed: [], failed: [] };
}

async function look(deps: ReleaseDeps, { at, running, keep = [] }: RepairInput): Promise<readonly LeftOver[]> {
  try {
    const facts = await loadRepairFacts(deps, at);
    return findLeftOvers(facts, { now: deps.clock.now(), running, keep });
  } catch (error) {
    throw toReleaseError("CLEAN_UP_FAILED", error, "What is left over could not be looked up.");
  }
}

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

/** So that connections which it still has may end; not for ever. */
async function waitUntilDetached(deps: ReleaseDeps, name: string): Promise<void> {
  const endsAt = deps.clock.now() + MAX_DRAIN_SECONDS * 1_000;
  while ((await loadAttachments(deps, name)).some(({ state }) => state !== "Removed")) {
    if (deps.clock.now() >= endsAt) return;
    await deps.clock.sleep(LOOK_SECONDS * 1_000, deps.signal);
    deps.signal.throwIfAborted();
  }
}

type Deps = Pick<ReleaseDeps, "target" | "signal">;

/** Whose left-overs. */
interface ProjectConfig {
  readonly project_name: string;
  readonly config_name: string;
}

const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-/;

/** Loads all that looks like a project-config's, by tags, and by names where there can be no tags. Reads only. */
export async function loadRepairFacts(deps: Deps, of: ProjectConfig): Promise<RepairFacts> {
  const groups = await loadGroups(deps, of);
  return {
    groups: groups.map((group) => ({
      ...toFacts(group),
      attached: [...(group.LoadBalancerNames ?? []), ...(group.TargetGroupARNs ?? [])].length > 0,
    })),
    templates: await loadTemplates(deps, of),
    launchConfigurations: (await loadLaunchConfigurations(deps)).filter((name) => isNameOf(name, of)),
    alarms: (await loadAlarms(deps, of)).filter((name) => isNameOf(name, of)),
    placementGroups: await loadPlacementGroups(deps, of),
  };
}

/**
 * Is it the name of a group of this project-config, or does it begin with one? `prod` has not the names of `prod-eu`: the time of the
 * release follows at once.
 */
export function isNameOf(name: string, { project_name, config_name }: ProjectConfig): boolean {
  const prefix = `${project_name}-${config_name}-`;
  return name.startsWith(prefix) && STAMP.test(name.slice(prefix.length));
}

async function loadLaunchConfigurations({ target, signal }: Deps): Promise<readonly string[]> {
  const client = target.client(AutoScalingClient);
  const names: string[] = [];
  // There is no filter for them.
  for await (const page of paginateDescribeLaunchConfigurations(
    { client, pageSize: 100 },
    {},
    { abortSignal: signal },
  )) {
    names.push(
      ...(page.LaunchConfigurations ?? []).flatMap(({ LaunchConfigurationName }) => LaunchConfigurationName ?? []),
    );
  }
  return names;
}

async function loadAlarms(
  { target, signal }: Deps,
  { project_name, config_name }: ProjectConfig,
): Promise<readonly string[]> {
  const client = target.client(CloudWatchClient);
  const input = { AlarmNamePrefix: `${project_name}-${config_name}-` };
  const names: string[] = [];
  for await (const { MetricAlarms = [] } of paginateDescribeAlarms({ client }, input, { abortSignal: signal })) {
    names.push(...MetricAlarms.flatMap(({ AlarmName }) => AlarmName ?? []));
  }
  return names;
}

async function loadPlacementGroups({ target, signal }: Deps, of: ProjectConfig): Promise<readonly TaggedThing[]> {
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

/** A group, and whether load balancers send it traffic. */
export interface StandingGroup extends GroupFacts {
  readonly attached: boolean;
}

/** A thing by its name, with the tags of the release that made it. */
interface TaggedThing {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** All that was found of a project-config. */
export interface RepairFacts {
  readonly groups: readonly StandingGroup[];
  readonly templates: readonly TaggedThing[];
  /** Names that are made as this project-config's. */
  readonly launchConfigurations: readonly string[];
  readonly alarms: readonly string[];
  readonly placementGroups: readonly TaggedThing[];
}

/** Whose things are none. */
export interface RepairOptions {
  /** Epoch ms. */
  readonly now: number;
  /** Ids of releases that are being made. */
  readonly running: readonly string[];
  /** Ids of releases that are to stay, where that is not plain from the traffic. */
  readonly keep?: readonly string[];
}

/**
 * Judges what is left over, and why. A project-config is served by the groups of one release. Where there are groups of several, the
 * one with traffic stays: a failed release has lost its traffic first, and so has one that was replaced. Where that does not tell,
 * nothing may be removed until somebody says which release is to stay.
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
    ...standing.filter(isRetired).map((group) => judgeRetired(group, options)),
    ...serving.map((group) => judgeServing(group, winners, options)),
  ];
  return judged.flatMap((each) => each ?? []);
}

/** Ids of the releases that stay; `undefined`: it is not plain. */
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

function judgeRetired(group: StandingGroup, { now, running }: RepairOptions): LeftOver | undefined {
  const { [RETIRED_TAGS.until]: until = "", [RETIRED_TAGS.by]: by = "" } = group.tags;
  if (running.includes(by) || Date.parse(until) > now) return undefined;
  const when = until === "" ? "Nobody noted until when it was to be kept." : `It was to be kept until ${until}.`;
  return toGroup(group, `Release "${by}" has taken its place. ${when}`, true);
}

function judgeServing(
  group: StandingGroup,
  winners: readonly string[] | undefined,
  { running }: RepairOptions,
): LeftOver | undefined {
  const id = findReleaseId(group);
  if (id === undefined) {
    const why = `It has no tag ${RELEASE_TAGS.releaseId}, so that no release may delete it. Give it the tag, or delete it.`;
    return toGroup(group, why, false);
  }
  if (running.includes(id)) return undefined;
  if (winners === undefined) {
    const why = `Groups of several releases stand, and traffic does not tell which serves. Say which is to stay.`;
    return toGroup(group, why, false);
  }
  if (!winners.includes(id)) {
    return toGroup(group, `Release "${winners.join('", "')}" serves, and this one is not running.`, true);
  }
  if (group.tags[RELEASE_TAGS.service]) return undefined;
  const why = `It has no tag ${RELEASE_TAGS.service}, so that every release is refused. Give it the tag, or delete it.`;
  return toGroup(group, why, false);
}

function toGroup(group: StandingGroup, why: string, removable: boolean): LeftOver {
  const releaseId = findReleaseId(group);
  const service = group.tags[RELEASE_TAGS.service];
  return {
    kind: "group",
    name: group.name,
    ...(releaseId && { releaseId }),
    ...(service && { service }),
    why,
    removable,
  };
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
  // Those of a release that is being made may come before their group does.
  const isQuiet = running.length === 0;
  return [
    ...templates.map((each) => toThing("template", each, "There is no group that it was made for.")),
    ...configurations.map((name) => toThing("launch-configuration", { name, tags: {} }, "No group uses it.")),
    ...(isQuiet ? alarms : []).map((name) =>
      toThing("alarm", { name, tags: {} }, "The group that it watched is gone."),
    ),
    ...placed.map((each) => toThing("placement-group", each, "The release that made it has no group any more.")),
  ];
}

function toThing(kind: LeftOver["kind"], { name, tags }: TaggedThing, why: string): LeftOver {
  const { [RELEASE_TAGS.releaseId]: releaseId, [RELEASE_TAGS.service]: service } = tags;
  return { kind, name, ...(releaseId && { releaseId }), ...(service && { service }), why, removable: true };
}

/** Something of a project-config that no running and no serving release owns. */
interface LeftOver {
  readonly kind: "group" | "template" | "launch-configuration" | "alarm" | "placement-group";
  readonly name: string;
  readonly releaseId?: string;
  readonly service?: string;
  /** A sentence for people. */
  readonly why: string;
  /** False: somebody has to decide first, as `why` says. */
  readonly removable: boolean;
}
