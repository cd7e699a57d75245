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
import { callAws, escapeFilterValue, findAwsFault, runOptional } from "@stackyard/aws";
import { chunk } from "@stackyard/core";
import { type Service, toServiceOrder } from "../document/release.ts";
import { capacityAfterSuccess, planCapacity } from "../plan/capacity.ts";
import { RELEASE_TAGS, toAlarmName, toGroupName, toTemplateName } from "../plan/names.ts";
import { toReleaseError } from "../release-errors.ts";
import type { AwsDeps, ReleaseDeps, ReleaseWork } from "../release-state.ts";
import { collect, loadGroupsNamed, nameOfGroup, toTagMap } from "../resources/load-groups.ts";
import { isBusy, isHeldByOthers, removeGroups } from "./busy-group.ts";
import { deleteIfThere, detachTraffic, doAll, isGone } from "./drain.ts";
import { RETIRED_TAGS, retireGroup } from "./kept-group.ts";
import { listOldNames, loadProjectGroups, type ProjectGroups } from "./project-groups.ts";
import { setCapacity } from "./set-capacity.ts";

/**
 * Deletes resources of a failed release that no group refers to: templates whose group was never created, alarms whose
 * policy was not linked, and the placement group, unless servers are still in it. `left`: groups that stay. Throws
 * `CLEAN_UP_FAILED`.
 */
export async function sweepOwn(deps: ReleaseDeps, work: ReleaseWork, left: readonly string[] = []): Promise<void> {
  const { release_id } = work.release;
  const used = left.map(toTemplateName);
  try {
    await unlessForbidden(deps, "launch templates", async () => {
      for (const { name } of await loadTemplates(deps, work.release)) {
        if (!used.includes(name)) await deleteTemplate(deps, name);
      }
    });
    await unlessForbidden(deps, "alarms", () => deleteAlarms(deps, toAlarmNames(deps, work)));
    if (toServiceOrder(work.release).some(({ placement_group_name }) => placement_group_name !== undefined)) {
      await unlessForbidden(deps, "placement groups", () => sweepPlacementGroups(deps, release_id));
    }
  } catch (error) {
    const what = `Cannot delete everything that release "${release_id}" left behind.`;
    throw toReleaseError("CLEAN_UP_FAILED", error, what);
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

/**
 * Deletes a placement group, whose instances must all be terminated first, which takes a minute or two (API reference,
 * "DeletePlacementGroup").
 */
export async function deletePlacementGroup(
  { target, signal, report }: Pick<ReleaseDeps, "target" | "signal" | "report">,
  GroupName: string,
): Promise<void> {
  const command = new DeletePlacementGroupCommand({ GroupName });
  const send = () => target.client(EC2Client).send(command, { abortSignal: signal });
  const instead = { "InvalidPlacementGroup.InUse": "used", "InvalidPlacementGroup.Unknown": "gone" } as const;
  const deleted = await callAws(send, { instead });
  if (deleted === "used") report(`kept placement group ${GroupName}: servers are still in it`);
}

/**
 * API reference, "DescribeLaunchConfigurations", LaunchConfigurationNames: the limit is undocumented; MaxRecords is at
 * most 100.
 */
const MAX_NAMES = 50;

/** Input of `sweepOld`. */
interface SweepOldInput {
  /** Names of the groups that remain. */
  readonly living: readonly string[];
  /** Known names of the groups that existed before the release. */
  readonly gone: readonly string[];
}

/**
 * Deletes resources of earlier releases without a group: templates, by their tags, and launch configurations, by the
 * names of former groups. A repeated clean-up thus completes an interrupted one, and also removes left-overs of older
 * failures. Throws `CLEAN_UP_FAILED`.
 */
async function sweepOld(deps: ReleaseDeps, work: ReleaseWork, input: SweepOldInput): Promise<void> {
  try {
    await unlessForbidden(deps, "launch templates of earlier releases", () => sweepTemplates(deps, work, input));
    await unlessForbidden(deps, "launch configurations of earlier releases", () => sweepConfigurations(deps, input));
  } catch (error) {
    throw toReleaseError("CLEAN_UP_FAILED", error, "Cannot delete everything that earlier releases left behind.");
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

/** Returns whether a template belongs to an earlier release, by id and fencing token. */
function isOlder({ tags }: TaggedTemplate, { release, state }: ReleaseWork): boolean {
  const { [RELEASE_TAGS.releaseId]: releaseId, [RELEASE_TAGS.fencingToken]: token } = tags;
  if (releaseId === undefined || releaseId === release.release_id) return false;
  return state.fencing_token === undefined || token === undefined || Number(token) < state.fencing_token;
}

async function findLaunchConfigurations(
  { target, signal }: AwsDeps,
  names: readonly string[],
): Promise<readonly string[]> {
  const client = target.client(AutoScalingClient);
  const found: string[] = [];
  for (const LaunchConfigurationNames of chunk([...new Set(names)].toSorted(), MAX_NAMES)) {
    const command = new DescribeLaunchConfigurationsCommand({ LaunchConfigurationNames });
    const { LaunchConfigurations = [] } = await client.send(command, { abortSignal: signal });
    found.push(...LaunchConfigurations.flatMap(({ LaunchConfigurationName }) => LaunchConfigurationName ?? []));
  }
  return found;
}

/**
 * Deletes the old groups, or keeps them for the rollback window; then deletes left-overs of earlier releases: kept
 * groups that are due, templates and launch configurations without a group. Returns the groups that Auto Scaling is still
 * busy with. Throws `CLEAN_UP_FAILED` after everything was tried.
 */
export async function removeOld(
  deps: ReleaseDeps,
  work: ReleaseWork,
  groups: ProjectGroups,
): Promise<readonly AutoScalingGroup[]> {
  const { release, state } = work;
  const window = { releaseId: release.release_id, windowSeconds: release.rollback_window };
  const isKept = release.rollback_window > 0;
  const due = groups.retired.filter(({ Tags }) => toTagMap(Tags)[RETIRED_TAGS.by] !== release.release_id);
  if (isKept) await doAll(groups.old, (group) => retireGroup(deps, group, window));
  const old = [...(isKept ? [] : groups.old), ...due];
  const left = await removeGroups(deps, work, { groups: old, remove: (group) => tearDownGroup(deps, group) });
  for (const group of groups.leavingOld) await deleteLaunchIfFree(deps, group);
  const removed = old.filter((group) => !left.includes(group));
  const standing = [groups.own, groups.old, groups.retired, groups.unowned, groups.newer].flat();
  await sweepOld(deps, work, {
    living: standing.filter((group) => !removed.includes(group)).map(nameOfGroup),
    gone: [...removed.map(nameOfGroup), ...listOldNames(state)],
  });
  return left;
}

/** Deletes the launch resource unless it is in use: servers of the deleted group may still be terminating. */
export async function deleteLaunchIfFree(deps: ReleaseDeps, group: AutoScalingGroup): Promise<void> {
  try {
    await deleteLaunch(deps, group);
  } catch (error) {
    deps.signal.throwIfAborted();
    deps.logger.warn("cannot delete the launch template of a group", { group: nameOfGroup(group), error });
  }
}

/** Dependencies of `tearDownGroup`. */
type TearDownDeps = Pick<ReleaseDeps, "target" | "signal" | "report" | "logger" | "constants">;

/**
 * Deletes a group and everything created for it, in an order in which a repeat after a crash finds the rest: the alarms
 * while the policies still name them, the group with its instances, and last its template, which the group names until
 * its instances are terminated. Does not wait for instances, and drops outstanding hooks (API reference,
 * "DeleteAutoScalingGroup", ForceDelete), which an empty group does not need. Throws `CLEAN_UP_FAILED`.
 */
export async function tearDownGroup(deps: TearDownDeps, group: AutoScalingGroup): Promise<void> {
  const name = nameOfGroup(group);
  try {
    if (deps.constants.generation === "step-asg-deployer") await loseTraffic(deps, group);
    await deleteGroup(deps, group);
    await unlessForbidden(deps, `the launch template of group ${name}`, () => deleteLaunch(deps, group));
  } catch (error) {
    throw toReleaseError("CLEAN_UP_FAILED", error, `Cannot delete group "${name}" and its resources.`);
  }
}

/** Detaches a group without waiting. A failure does not keep it: the first generation has no detach states. */
async function loseTraffic(deps: TearDownDeps, group: AutoScalingGroup): Promise<void> {
  try {
    await detachTraffic(deps, group);
  } catch (error) {
    deps.signal.throwIfAborted();
    deps.logger.warn("cannot detach a group", { group: nameOfGroup(group), error });
  }
}

async function deleteGroup(deps: TearDownDeps, group: AutoScalingGroup): Promise<void> {
  const { target, signal } = deps;
  const AutoScalingGroupName = nameOfGroup(group);
  await deleteIfThere(() => deletePolicyAlarms(deps, AutoScalingGroupName));
  const command = new DeleteAutoScalingGroupCommand({
    AutoScalingGroupName,
    // A protection may refuse force alone, which an empty group does not need.
    ForceDelete: (group.Instances ?? []).length > 0 || (group.DesiredCapacity ?? 0) > 0,
  });
  await deleteIfThere(() => target.client(AutoScalingClient).send(command, { abortSignal: signal }));
  deps.report(`deleted group ${AutoScalingGroupName}`);
}

/**
 * Deletes the groups that earlier releases kept for a rollback: a new release has begun. Groups that cannot be deleted
 * now are deleted by the clean-up; the release does not fail.
 */
export async function deleteRetired(deps: ReleaseDeps, work: ReleaseWork): Promise<void> {
  try {
    const { retired } = await loadProjectGroups(deps, work);
    await doAll(retired, (group) => tearDownGroup(deps, group));
  } catch (error) {
    deps.signal.throwIfAborted();
    deps.logger.warn("cannot delete kept groups", { error });
    deps.report("groups kept for a rollback were not deleted yet");
  }
}

/** API reference, "DeleteAlarms" and "DescribeAlarms", AlarmNames: at most 100. */
const MAX_ALARM_NAMES = 100;

/** Deletes alarms by name. Missing alarms are ignored. */
export async function deleteAlarms(deps: AwsDeps, names: readonly string[]): Promise<void> {
  for (const part of chunk([...new Set(names)].toSorted(), MAX_ALARM_NAMES)) await deletePart(deps, part);
}

/** Deletes some alarms; only existing ones if CloudWatch rejects the whole call because of one unknown name. */
async function deletePart({ target, signal }: AwsDeps, names: string[]): Promise<void> {
  const client = target.client(CloudWatchClient);
  const options = { abortSignal: signal };
  const remove = (AlarmNames: string[]) => client.send(new DeleteAlarmsCommand({ AlarmNames }), options);
  try {
    await remove(names);
  } catch (error) {
    if (!isGone(error)) throw error;
    const input = { AlarmNames: names, MaxRecords: MAX_ALARM_NAMES };
    const { MetricAlarms = [] } = await client.send(new DescribeAlarmsCommand(input), options);
    const there = MetricAlarms.flatMap(({ AlarmName }) => AlarmName ?? []);
    if (there.length > 0) await remove(there);
  }
}

/**
 * Deletes the template that the release created for a group, or the predecessor's launch configuration. Those of others
 * are kept.
 */
async function deleteLaunch(deps: AwsDeps, group: AutoScalingGroup): Promise<void> {
  const { AutoScalingGroupName = "", LaunchConfigurationName } = group;
  const template = group.LaunchTemplate ?? group.MixedInstancesPolicy?.LaunchTemplate?.LaunchTemplateSpecification;
  if (template?.LaunchTemplateName === toTemplateName(AutoScalingGroupName)) {
    await deleteTemplate(deps, template.LaunchTemplateName);
  }
  if (LaunchConfigurationName !== undefined && isOf(AutoScalingGroupName, LaunchConfigurationName)) {
    await deleteLaunchConfiguration(deps, LaunchConfigurationName);
  }
}

/** Deletes a launch template with all versions. */
export function deleteTemplate({ target, signal }: AwsDeps, LaunchTemplateName: string): Promise<void> {
  const command = new DeleteLaunchTemplateCommand({ LaunchTemplateName });
  return deleteIfThere(() => target.client(EC2Client).send(command, { abortSignal: signal }));
}

/** Deletes a launch configuration, unless a group still uses it (`ResourceInUse`). */
export function deleteLaunchConfiguration({ target, signal }: AwsDeps, LaunchConfigurationName: string): Promise<void> {
  const command = new DeleteLaunchConfigurationCommand({ LaunchConfigurationName });
  return deleteIfThere(() => target.client(AutoScalingClient).send(command, { abortSignal: signal }));
}

/**
 * User guide, "Target tracking scaling policies": Auto Scaling creates alarms with such names, and deletes them with
 * the policy.
 */
const MANAGED = /^TargetTracking-/;

/**
 * Deletes the alarms that a release has made for a group: those with its name. A person may have added policies with other
 * alarms, which other groups or people use, too; these are left and named.
 */
async function deletePolicyAlarms(deps: TearDownDeps, AutoScalingGroupName: string): Promise<void> {
  const { target, signal } = deps;
  const client = target.client(AutoScalingClient);
  const pages = paginateDescribePolicies({ client }, { AutoScalingGroupName }, { abortSignal: signal });
  const policies = await collect(pages, ({ ScalingPolicies }) => ScalingPolicies);
  const names = policies.flatMap(({ Alarms = [] }) => Alarms.flatMap(({ AlarmName }) => AlarmName ?? []));
  const { own = [], other = [] } = Object.groupBy(names, (name) =>
    isOf(AutoScalingGroupName, name) ? "own" : "other",
  );
  const left = other.filter((name) => !MANAGED.test(name));
  if (left.length > 0) deps.report(`left ${left.join(", ")}: no release has made this alarm`);
  try {
    await deleteAlarms(deps, own);
  } catch (error) {
    if (!isHeldByOthers(error)) throw error;
    for (const name of own) await deleteOwnAlarm(deps, name);
  }
}

/** An alarm that must stay, because of a composite alarm or a policy, keeps no group: it is named. */
async function deleteOwnAlarm(deps: TearDownDeps, name: string): Promise<void> {
  try {
    await deleteAlarms(deps, [name]);
  } catch (error) {
    if (!isHeldByOthers(error)) throw error;
    deps.report(`left alarm ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Returns true for the name of something that a release makes for a group: it is, or begins with, the group's. */
function isOf(group: string, name: string): boolean {
  return name === group || name.startsWith(`${group}-`);
}

/** API reference, "DescribeLaunchTemplates", MaxResults: 1–200. */
const PAGE = 200;

/** A launch template, with the tags of its release. */
interface TaggedTemplate {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Returns all launch templates of a project and config, or of one of its releases. */
export async function loadTemplates(
  { target, signal }: AwsDeps,
  of: { readonly project_name: string; readonly config_name: string; readonly release_id?: string },
): Promise<readonly TaggedTemplate[]> {
  const asked: readonly (readonly [key: string, value: string])[] = [
    [RELEASE_TAGS.project, of.project_name],
    [RELEASE_TAGS.config, of.config_name],
    ...(of.release_id === undefined ? [] : [[RELEASE_TAGS.releaseId, of.release_id] as const]),
  ];
  const Filters = asked.map(([key, value]) => ({ Name: `tag:${key}`, Values: [escapeFilterValue(value)] }));
  const client = target.client(EC2Client);
  const pages = paginateDescribeLaunchTemplates({ client, pageSize: PAGE }, { Filters }, { abortSignal: signal });
  const templates = await collect(pages, ({ LaunchTemplates }) => LaunchTemplates);
  const found = templates.map(({ LaunchTemplateName: name = "", Tags }) => ({ name, tags: toTagMap(Tags) }));
  return found.filter(({ tags }) => asked.every(([key, value]) => tags[key] === value));
}

/**
 * Sets the new groups to their capacity without the spread. Failures are reported and ignored: a serving release does
 * not fail because of too many servers.
 */
export async function resetCapacities(deps: ReleaseDeps, work: ReleaseWork): Promise<void> {
  // The first generation keeps the spread.
  if (deps.constants.generation === "step-asg-deployer") return;
  for (const service of toServiceOrder(work.release)) {
    try {
      await resetCapacity(deps, work, service);
    } catch (error) {
      deps.signal.throwIfAborted();
      deps.logger.warn("cannot reset a capacity", { service: service.service_name, error });
      deps.report(`${service.service_name}: the desired capacity still includes the spread`);
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
 * Runs a clean-up. If the role lacks the permission, or Auto Scaling is busy with what is left of a deleted group, the
 * failure is reported and the release continues; `repair` finds what is left. Other errors are thrown.
 */
export async function unlessForbidden(
  { logger, report }: Pick<ReleaseDeps, "logger" | "report">,
  what: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await runOptional(work);
  } catch (error) {
    const isForbidden = findAwsFault(error).code === "FORBIDDEN";
    if (!isForbidden && !isBusy(error)) throw error;
    logger.warn("left behind: the call was refused", { what, error });
    const advice = isForbidden ? "Grant the role the permission, and run" : "Auto Scaling is busy with them. Run later";
    report(`left behind: ${what}. ${advice} "stackyard asg repair"`);
  }
}
