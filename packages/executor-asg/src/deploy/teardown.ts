import {
  AutoScalingClient,
  type AutoScalingGroup,
  DeleteAutoScalingGroupCommand,
  DeleteLaunchConfigurationCommand,
  DescribeLaunchConfigurationsCommand,
  paginateDescribePolicies,
} from "@aws-sdk/client-auto-scaling";
import { CloudWatchClient, DeleteAlarmsCommand, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import {
  DeleteLaunchTemplateCommand,
  DeletePlacementGroupCommand,
  DescribePlacementGroupsCommand,
  EC2Client,
  paginateDescribeLaunchTemplates,
} from "@aws-sdk/client-ec2";
import { findAwsFault } from "@stackyard/aws";
import type { Service } from "../document/release.ts";
import { capacityAfterSuccess, planCapacity } from "../plan/capacity.ts";
import { chunk, RELEASE_TAGS, toAlarmName, toGroupName, toServiceOrder, toTemplateName } from "../plan/names.ts";
import { type ReleaseConstants, type ReleaseDeps, type ReleaseWork, toReleaseError } from "../release-state.ts";
import {
  escapeFilterValue,
  type GroupFacts,
  loadGroups,
  loadGroupsNamed,
  sortGroups,
  toTagMap,
} from "../resources/groups.ts";
import { deleteIfThere, detachTraffic, doAll, isGone, RETIRED_TAGS, retireGroup, setCapacity } from "./drain.ts";

/**
 * Deletes what a failed release has made and no group leads to: templates whose group was never created, alarms whose policy was
 * not linked, and the placement group, unless servers are still in it. Throws `CLEAN_UP_FAILED`.
 */
export async function sweepOwn(deps: ReleaseDeps, work: ReleaseWork): Promise<void> {
  const { release_id } = work.release;
  try {
    await unlessForbidden(deps, "launch templates", async () => {
      for (const { name } of await loadTemplates(deps, work.release)) await deleteTemplate(deps, name);
    });
    await unlessForbidden(deps, "alarms", () => deleteAlarms(deps, toAlarmNames(deps, work)));
    if (toServiceOrder(work.release).some(({ placement_group_name }) => placement_group_name !== undefined)) {
      await unlessForbidden(deps, "placement groups", () => sweepPlacementGroups(deps, release_id));
    }
  } catch (error) {
    throw toReleaseError("CLEAN_UP_FAILED", error, `Not all that release "${release_id}" left was deleted.`);
  }
}

function toAlarmNames({ constants }: ReleaseDeps, { release, state }: ReleaseWork): readonly string[] {
  return toServiceOrder(release).flatMap((service) => {
    const group = toGroupName(release, service, { state, constants });
    const alarmed = service.autoscaling.policies.filter(({ type }) => type !== "target_tracking");
    return alarmed.map((policy) => toAlarmName(group, policy));
  });
}

async function sweepPlacementGroups(deps: ReleaseDeps, releaseId: string): Promise<void> {
  const { target, signal } = deps;
  const client = target.client(EC2Client);
  const Filters = [{ Name: `tag:${RELEASE_TAGS.releaseId}`, Values: [escapeFilterValue(releaseId)] }];
  const found = await client.send(new DescribePlacementGroupsCommand({ Filters }), { abortSignal: signal });
  for (const { GroupName = "", Tags } of found.PlacementGroups ?? []) {
    if (toTagMap(Tags)[RELEASE_TAGS.releaseId] === releaseId) await deletePlacementGroup(deps, GroupName);
  }
}

/** API reference, "DeletePlacementGroup": all instances in it must have ended before; these end for a minute or two. */
export async function deletePlacementGroup(
  { target, signal, report }: Pick<ReleaseDeps, "target" | "signal" | "report">,
  GroupName: string,
): Promise<void> {
  try {
    const command = new DeletePlacementGroupCommand({ GroupName });
    await target.client(EC2Client).send(command, { abortSignal: signal });
  } catch (error) {
    if (!(error instanceof Error) || !/^InvalidPlacementGroup\.(InUse|Unknown)/.test(error.name)) throw error;
    if (error.name.endsWith("InUse")) report(`placement group ${GroupName} stays: servers are still in it`);
  }
}

/** API reference, "DescribeLaunchConfigurations", LaunchConfigurationNames: no bound is told; MaxRecords is at most 100. */
const MAX_NAMES = 50;

/** What of the project-config still stands, and what stood before. */
interface SweepOldInput {
  /** Names of the groups that stay. */
  readonly living: readonly string[];
  /** Names of the groups that were there before the release, as far as they are known. */
  readonly gone: readonly string[];
}

/**
 * Deletes what earlier releases have left without a group: templates, by their tags, and launch configurations, by the names of the
 * groups that were there. So a clean-up that died between a group and its template ends well when it is repeated, and left-overs of
 * older failures go too. Throws `CLEAN_UP_FAILED`.
 */
async function sweepOld(deps: ReleaseDeps, work: ReleaseWork, input: SweepOldInput): Promise<void> {
  try {
    await unlessForbidden(deps, "launch templates of earlier releases", () => sweepTemplates(deps, work, input));
    await unlessForbidden(deps, "launch configurations of earlier releases", () => sweepConfigurations(deps, input));
  } catch (error) {
    throw toReleaseError("CLEAN_UP_FAILED", error, "Not all that earlier releases left was deleted.");
  }
}

async function sweepTemplates(deps: ReleaseDeps, work: ReleaseWork, { living }: SweepOldInput): Promise<void> {
  const { project_name, config_name } = work.release;
  const names = new Set(living.map(toTemplateName));
  for (const template of await loadTemplates(deps, { project_name, config_name })) {
    if (!names.has(template.name) && isOlder(template, work)) await deleteTemplate(deps, template.name);
  }
}

async function sweepConfigurations(deps: ReleaseDeps, { living, gone }: SweepOldInput): Promise<void> {
  const names = gone.filter((name) => !living.includes(name));
  for (const name of await findLaunchConfigurations(deps, names)) await deleteLaunchConfiguration(deps, name);
}

/** Not this release's, and not that of one which has taken the locks since. */
function isOlder({ tags }: TaggedTemplate, { release, state }: ReleaseWork): boolean {
  const { [RELEASE_TAGS.releaseId]: releaseId, [RELEASE_TAGS.fencingToken]: token } = tags;
  if (releaseId === undefined || releaseId === release.release_id) return false;
  return state.fencing_token === undefined || token === undefined || Number(token) < state.fencing_token;
}

async function findLaunchConfigurations(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  names: readonly string[],
): Promise<readonly string[]> {
  const client = target.client(AutoScalingClient);
  const found: string[] = [];
  for (const LaunchConfigurationNames of chunk([...new Set(names)].toSorted(), MAX_NAMES)) {
    const { LaunchConfigurations = [] } = await client.send(
      new DescribeLaunchConfigurationsCommand({ LaunchConfigurationNames }),
      { abortSignal: signal },
    );
    found.push(...LaunchConfigurations.flatMap(({ LaunchConfigurationName }) => LaunchConfigurationName ?? []));
  }
  return found;
}

/**
 * Deletes the old groups, or keeps them where the release has a rollback window; then what releases before them have left: groups that
 * were kept and are due, templates and launch configurations without a group. Throws `CLEAN_UP_FAILED` after all was tried.
 */
export async function removeOld(deps: ReleaseDeps, work: ReleaseWork, groups: ProjectGroups): Promise<void> {
  const { release, state } = work;
  const window = { releaseId: release.release_id, windowSeconds: release.rollback_window };
  const isKept = release.rollback_window > 0;
  await doAll(groups.old, (group) => (isKept ? retireGroup(deps, group, window) : tearDownGroup(deps, group)));
  const due = groups.retired.filter(({ Tags }) => toTagMap(Tags)[RETIRED_TAGS.by] !== release.release_id);
  await doAll(due, (group) => tearDownGroup(deps, group));
  for (const group of groups.leavingOld) await deleteLaunchIfFree(deps, group);
  const removed = [...(isKept ? [] : groups.old), ...due];
  const standing = [groups.own, groups.old, groups.retired, groups.unowned, groups.newer].flat();
  const previous = Object.values(state.services).flatMap(({ resources }) => resources?.prev_asg_arn ?? []);
  await sweepOld(deps, work, {
    living: standing.filter((group) => !removed.includes(group)).map(toName),
    gone: [...removed.map(toName), ...previous, ...(state.old_groups ?? [])],
  });
}

/** Somebody deletes this group; its servers may take their time, and a configuration in use is deleted by nobody. */
export async function deleteLaunchIfFree(deps: ReleaseDeps, group: AutoScalingGroup): Promise<void> {
  try {
    await deleteLaunch(deps, group);
  } catch (error) {
    deps.signal.throwIfAborted();
    deps.logger.warn("what a group was launched from was not deleted", { group: toName(group), error });
  }
}

function toName({ AutoScalingGroupName = "" }: AutoScalingGroup): string {
  return AutoScalingGroupName;
}

/** What tearing down needs. */
type TearDownDeps = Pick<ReleaseDeps, "target" | "signal" | "report" | "logger" | "constants">;

/**
 * Deletes a group with all that was made for it, in an order in which a repeat after a crash finds what is left: the alarms while
 * the policies still name them, the group with its instances, and last what it was launched from, which the group names for as long
 * as its instances end. Instances are not waited for, and outstanding hooks are dropped (API reference, "DeleteAutoScalingGroup",
 * ForceDelete). Throws `CLEAN_UP_FAILED`.
 */
export async function tearDownGroup(deps: TearDownDeps, group: AutoScalingGroup): Promise<void> {
  const { AutoScalingGroupName: name = "" } = group;
  try {
    if (deps.constants.generation === "step-asg-deployer") await loseTraffic(deps, group);
    await deleteGroup(deps, name);
    await deleteLaunch(deps, group);
  } catch (error) {
    throw toReleaseError("CLEAN_UP_FAILED", error, `Group "${name}" was not deleted with all that belongs to it.`);
  }
}

/** The first generation has no states for it, and waits for nothing: what goes wrong does not keep the group. */
async function loseTraffic(deps: TearDownDeps, group: AutoScalingGroup): Promise<void> {
  try {
    await detachTraffic(deps, group);
  } catch (error) {
    deps.signal.throwIfAborted();
    deps.logger.warn("a group was not detached", { group: group.AutoScalingGroupName, error });
  }
}

async function deleteGroup(deps: TearDownDeps, AutoScalingGroupName: string): Promise<void> {
  const { target, signal } = deps;
  await deleteIfThere(async () => deleteAlarms(deps, await loadPolicyAlarms(deps, AutoScalingGroupName)));
  const command = new DeleteAutoScalingGroupCommand({ AutoScalingGroupName, ForceDelete: true });
  await deleteIfThere(() => target.client(AutoScalingClient).send(command, { abortSignal: signal }));
  deps.report(`deleted group ${AutoScalingGroupName}`);
}

/**
 * Deletes the groups that earlier releases have left for a rollback: a new release of their project-config has begun, and they would
 * only cost. What cannot be deleted now stays, and goes at the clean-up of the release; this is no reason for it to fail.
 */
export async function deleteRetired(deps: ReleaseDeps, { release, state }: ReleaseWork): Promise<void> {
  try {
    const { retired } = await loadProjectGroups(deps, { ...release, fencing_token: state.fencing_token });
    await doAll(retired, (group) => tearDownGroup(deps, group));
  } catch (error) {
    deps.signal.throwIfAborted();
    deps.logger.warn("kept groups were not deleted", { error });
    deps.report("groups kept for a rollback were not deleted yet");
  }
}

/** API reference, "DeleteAlarms" and "DescribeAlarms", AlarmNames: at most 100. */
const MAX_NAMES_DELETE_ALARMS = 100;

/** Deletes alarms by name; without names there is no call. Those that are gone already do not matter. */
export async function deleteAlarms(
  deps: Pick<ReleaseDeps, "target" | "signal">,
  names: readonly string[],
): Promise<void> {
  for (const part of chunk([...new Set(names)].toSorted(), MAX_NAMES_DELETE_ALARMS)) await deletePart(deps, part);
}

/** One unknown name makes CloudWatch refuse the whole call, so that those which are there are asked for then. */
async function deletePart({ target, signal }: Pick<ReleaseDeps, "target" | "signal">, names: string[]): Promise<void> {
  const client = target.client(CloudWatchClient);
  const remove = (AlarmNames: string[]) =>
    client.send(new DeleteAlarmsCommand({ AlarmNames }), { abortSignal: signal });
  try {
    await remove(names);
  } catch (error) {
    if (!isGone(error)) throw error;
    const there = await findAlarms({ target, signal }, names);
    if (there.length > 0) await remove(there);
  }
}

/** Those of the names that CloudWatch has. At most 100 names. */
async function findAlarms(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  names: readonly string[],
): Promise<string[]> {
  const input = { AlarmNames: [...names], MaxRecords: MAX_NAMES_DELETE_ALARMS };
  const { MetricAlarms = [] } = await target
    .client(CloudWatchClient)
    .send(new DescribeAlarmsCommand(input), { abortSignal: signal });
  return MetricAlarms.flatMap(({ AlarmName }) => AlarmName ?? []);
}

/**
 * Deletes what a group was launched from: the template that its release made for it, or the configuration of the predecessor. A
 * template that somebody else gave to the group is not ours to delete.
 */
async function deleteLaunch(deps: Pick<ReleaseDeps, "target" | "signal">, group: AutoScalingGroup): Promise<void> {
  const { AutoScalingGroupName = "", LaunchConfigurationName } = group;
  const template = group.LaunchTemplate ?? group.MixedInstancesPolicy?.LaunchTemplate?.LaunchTemplateSpecification;
  if (template?.LaunchTemplateName === toTemplateName(AutoScalingGroupName)) {
    await deleteTemplate(deps, template.LaunchTemplateName);
  }
  if (LaunchConfigurationName !== undefined) await deleteLaunchConfiguration(deps, LaunchConfigurationName);
}

/** All versions of it. */
export function deleteTemplate(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  LaunchTemplateName: string,
): Promise<void> {
  const command = new DeleteLaunchTemplateCommand({ LaunchTemplateName });
  return deleteIfThere(() => target.client(EC2Client).send(command, { abortSignal: signal }));
}

/** It stays where a group still uses it: `ResourceInUse`. */
export function deleteLaunchConfiguration(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  LaunchConfigurationName: string,
): Promise<void> {
  const command = new DeleteLaunchConfigurationCommand({ LaunchConfigurationName });
  return deleteIfThere(() => target.client(AutoScalingClient).send(command, { abortSignal: signal }));
}

/** User guide, "Target tracking scaling policies": Auto Scaling makes alarms of such names, and deletes them with the policy. */
const MANAGED = /^TargetTracking-/;

/** Names of the alarms that work the policies of a group, over all pages, without those that Auto Scaling keeps itself. */
async function loadPolicyAlarms(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  AutoScalingGroupName: string,
): Promise<readonly string[]> {
  const client = target.client(AutoScalingClient);
  const names: string[] = [];
  const pages = paginateDescribePolicies({ client }, { AutoScalingGroupName }, { abortSignal: signal });
  for await (const { ScalingPolicies = [] } of pages) {
    names.push(...ScalingPolicies.flatMap(({ Alarms = [] }) => Alarms.flatMap(({ AlarmName }) => AlarmName ?? [])));
  }
  return names.filter((name) => !MANAGED.test(name));
}

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
type Onlooker = Pick<ReleaseWork["release"], "project_name" | "config_name" | "release_id"> & {
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

/** API reference, "DescribeLaunchTemplates", MaxResults: 1–200. */
const PAGE = 200;

/** A launch template by its name, and the tags that its release gave it. */
interface TaggedTemplate {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** All launch templates of a project-config, or of one of its releases, over all pages. */
export async function loadTemplates(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  of: { readonly project_name: string; readonly config_name: string; readonly release_id?: string },
): Promise<readonly TaggedTemplate[]> {
  const asked: readonly (readonly [key: string, value: string])[] = [
    [RELEASE_TAGS.project, of.project_name],
    [RELEASE_TAGS.config, of.config_name],
    ...(of.release_id === undefined ? [] : [[RELEASE_TAGS.releaseId, of.release_id] as const]),
  ];
  const Filters = asked.map(([key, value]) => ({ Name: `tag:${key}`, Values: [escapeFilterValue(value)] }));
  const client = target.client(EC2Client);
  const found: TaggedTemplate[] = [];
  const pages = paginateDescribeLaunchTemplates({ client, pageSize: PAGE }, { Filters }, { abortSignal: signal });
  for await (const { LaunchTemplates = [] } of pages) {
    found.push(...LaunchTemplates.map(({ LaunchTemplateName: name = "", Tags }) => ({ name, tags: toTagMap(Tags) })));
  }
  return found.filter(({ tags }) => asked.every(([key, value]) => tags[key] === value));
}

/**
 * Takes the spread back from the new groups after success. A release that serves does not fail because of some servers too many:
 * what goes wrong is told and left.
 */
export async function resetCapacities(deps: ReleaseDeps, work: ReleaseWork): Promise<void> {
  // The first generation had no such step: its groups keep their spread.
  if (deps.constants.generation === "step-asg-deployer") return;
  for (const service of toServiceOrder(work.release)) {
    try {
      await resetCapacity(deps, work, service);
    } catch (error) {
      deps.signal.throwIfAborted();
      deps.logger.warn("a capacity was not reset", { service: service.service_name, error });
      deps.report(`${service.service_name}: the desired capacity was not reset, and keeps the spread`);
    }
  }
}

async function resetCapacity(deps: ReleaseDeps, { release, state }: ReleaseWork, service: Service): Promise<void> {
  const known = state.services[service.service_name];
  const [group] = known?.created_asg === undefined ? [] : await loadGroupsNamed(deps, [known.created_asg]);
  if (group === undefined) return;
  const { autoscaling } = service;
  const capacity = capacityAfterSuccess({
    min_size: autoscaling.min_size,
    plan: planCapacity(autoscaling, known?.previous_desired_capacity),
    currentDesired: group.DesiredCapacity ?? 0,
    keepScaled: release.keep_scaled_capacity,
  });
  await setCapacity(deps, group, capacity);
}

/**
 * Does what only tidies up. A role from before it was needed may not do it: that is told, and `repair` finds what stays. A release
 * does not fail for it. Other errors are thrown.
 */
export async function unlessForbidden(
  { logger, report }: Pick<ReleaseDeps, "logger" | "report">,
  what: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (findAwsFault(error).code !== "FORBIDDEN") throw error;
    logger.warn("something was left, since the role may not remove it", { what, error });
    report(`left: ${what}. Allow it to the role, and see "stackyard release repair"`);
  }
}
