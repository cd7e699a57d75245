import {
  type Activity,
  AutoScalingClient,
  type AutoScalingGroup,
  paginateDescribeScalingActivities,
} from "@aws-sdk/client-auto-scaling";
import { CloudWatchClient, paginateDescribeAlarms } from "@aws-sdk/client-cloudwatch";
import { DescribeInstanceHealthCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { chunk, keepStart, within } from "@stackyard/core";
import { type Release, type Service, toServiceOrder } from "../document/release.ts";
import { type CapacityPlan, planCapacity } from "../plan/capacity.ts";
import { failWith, ReleaseError } from "../release-errors.ts";
import type {
  AwsDeps,
  HealthReport,
  ReleaseDeps,
  ReleaseWork,
  ServiceResources,
  ServiceState,
} from "../release-state.ts";
import { collect, loadGroupsNamed, nameOfGroup } from "../resources/load-groups.ts";
import { readActivities } from "./activities.ts";
import {
  evaluateHealth,
  evaluateTerminations,
  explainHealth,
  type HealthInput,
  type HealthJudgement,
  type HealthSource,
  isHealthCause,
} from "./health.ts";

/** The new group of a service as listed by Auto Scaling. Load balancers have not been queried yet. */
export interface GroupLook {
  readonly release: Release;
  readonly service: Service;
  readonly known: ServiceState;
  readonly group: AutoScalingGroup;
  readonly plan: CapacityPlan;
  /** Ids of all instances known to be terminated. */
  readonly terminated: readonly string[];
  /** Reasons for failed launches and terminations. Missing if the scaling activities have not been read. */
  readonly causes?: readonly string[];
  /** Set if more instances were terminated than the document allows. */
  readonly halt?: HealthJudgement["halt"];
}

/** One complete health check of the new group of a service. */
export interface ServiceLook extends Omit<GroupLook, "causes" | "halt"> {
  readonly judgement: HealthJudgement;
  /** The latest known reasons of Auto Scaling. */
  readonly causes: readonly string[];
  /** Why load balancers find instances unhealthy; empty when the service is healthy. */
  readonly unhealthy: readonly string[];
}

/** Maximum time a halt waits for an explanation. */
const EXPLAIN_MS = 5_000;

/**
 * Loads the group that the release created for a service, and nothing else, so that terminations halt a release even if
 * its load balancers do not respond. Throws `HEALTH_CHECK_FAILED`.
 */
export async function checkGroup(
  deps: ReleaseDeps,
  { release, state }: ReleaseWork,
  service: Service,
): Promise<GroupLook> {
  const known = state.services[service.service_name] ?? { healthy: false, stable: 0 };
  const group = await loadCreatedGroup(deps, service, known).catch(failUnreadable(service));
  const plan = planCapacity(service.autoscaling, known.previous_desired_capacity);
  return countTerminations({ release, service, known, group, plan, terminated: known.terminated ?? [] });
}

/**
 * Adds instances that were terminated between two checks, if `count_terminations` is `cumulative`. Throws
 * `HEALTH_CHECK_FAILED`.
 */
export async function readTerminations(deps: ReleaseDeps, look: GroupLook): Promise<GroupLook> {
  if (look.release.count_terminations !== "cumulative") return look;
  const activities = await loadActivities(deps, nameOfGroup(look.group)).catch(failUnreadable(look.service));
  const { terminated, causes } = readActivities(activities);
  return countTerminations({ ...look, causes, terminated: [...new Set([...look.terminated, ...terminated])] });
}

function countTerminations(look: GroupLook): GroupLook {
  const { terminated, halt } = evaluateTerminations(toGroupInput(look));
  return { ...look, terminated, ...(halt && { halt }) };
}

/**
 * Completes a check with the health reported by the service's load balancers, and with the scaling activities of a
 * group that lacks instances.
 */
export async function completeCheck(
  deps: ReleaseDeps,
  look: GroupLook,
  alarms: readonly string[],
): Promise<ServiceLook> {
  const { release, known, group } = look;
  const resources = known.resources ?? { elbs: [], target_group_arns: [] };
  const ids = (group.Instances ?? []).flatMap(({ InstanceId }) => InstanceId ?? []);
  const sources = await loadHealthSources(deps, resources, ids).catch(failUnreadable(look.service));
  const causes = look.causes ?? (isBehind(group) ? await explain(deps, group) : []);
  const judgement = evaluateHealth({
    ...toGroupInput(look),
    plan: look.plan,
    sources,
    stable: known.stable,
    stablePolls: release.stable_polls,
    step: known.step,
    alarms,
  });
  const ofScaling = causes.length > 0 ? causes : (known.causes ?? []).filter((cause) => !isHealthCause(cause));
  const ofHealth = judgement.healthy ? [] : explainHealth(group.Instances ?? [], sources);
  return { ...look, judgement, causes: ofScaling, unhealthy: ofHealth };
}

/**
 * Returns the service's state in a release that halts: the group from its own data, and at most as many healthy
 * instances as the load balancers confirmed before, because they are not queried any more.
 */
export async function toHaltedState(deps: ReleaseDeps, look: GroupLook): Promise<ServiceState> {
  const { known, terminated } = look;
  const causes = look.causes ?? (look.halt ? await explainSoon(deps, look.group) : []);
  return {
    ...known,
    healthy_report: toUnconfirmedReport(look),
    healthy: false,
    stable: 0,
    terminated,
    causes: causes.length > 0 ? causes : (known.causes ?? []),
  };
}

function toUnconfirmedReport(look: GroupLook): HealthReport {
  const { report } = evaluateHealth({ ...toGroupInput(look), plan: look.plan, sources: [] });
  const { resources, healthy_report: before } = look.known;
  const isBalanced = resources !== undefined && resources.elbs.length + resources.target_group_arns.length > 0;
  return isBalanced ? { ...report, healthy: Math.min(report.healthy, before?.healthy ?? 0) } : report;
}

function toGroupInput({ release, service, group, terminated }: GroupLook) {
  const { MinSize: min = 0, DesiredCapacity: desired = 0, Instances: instances = [] } = group;
  return {
    autoscaling: service.autoscaling,
    group: { min, desired, instances },
    countTerminations: release.count_terminations,
    terminated,
  } satisfies Partial<HealthInput>;
}

async function loadCreatedGroup(deps: ReleaseDeps, service: Service, known: ServiceState): Promise<AutoScalingGroup> {
  const name = known.created_asg;
  const [group] = name === undefined ? [] : await loadGroupsNamed(deps, [name]);
  if (group !== undefined) return group;
  const what = name === undefined ? "no group" : `no group "${name}" any more`;
  throw new ReleaseError("HEALTH_CHECK_FAILED", `Service "${service.service_name}" has ${what}.`);
}

function failUnreadable({ service_name }: Service): (error: unknown) => never {
  return failWith("HEALTH_CHECK_FAILED", `The health of service "${service_name}" could not be read.`);
}

function isBehind({ Instances = [], DesiredCapacity = 0 }: AutoScalingGroup): boolean {
  const staying = Instances.filter(({ LifecycleState = "" }) => !LifecycleState.startsWith("Term"));
  return staying.length < DesiredCapacity || staying.length < Instances.length;
}

/** Explains terminations. The predecessor's role may lack the permission; then the release continues without it. */
async function explain(deps: ReleaseDeps, group: AutoScalingGroup): Promise<readonly string[]> {
  try {
    return readActivities(await loadActivities(deps, nameOfGroup(group))).causes;
  } catch (error) {
    deps.logger.warn("the scaling activities could not be read", { group: group.AutoScalingGroupName, error });
    return [];
  }
}

async function explainSoon(deps: ReleaseDeps, group: AutoScalingGroup): Promise<readonly string[]> {
  const over = new AbortController();
  const signal = AbortSignal.any([deps.signal, over.signal]);
  try {
    return await within(explain({ ...deps, signal }, group), { clock: deps.clock, ms: EXPLAIN_MS, late: () => [] });
  } finally {
    over.abort();
  }
}

/**
 * Loads the health of a group's instances from the service's load balancers, classic ones first, in their own states.
 */
export async function loadHealthSources(
  deps: AwsDeps,
  { elbs, target_group_arns }: Pick<ServiceResources, "elbs" | "target_group_arns">,
  instanceIds: readonly string[],
): Promise<readonly HealthSource[]> {
  const sources: HealthSource[] = [];
  for (const name of elbs) {
    sources.push({ kind: "classic", name, ...(await loadInstanceHealth(deps, name, instanceIds)) });
  }
  for (const arn of target_group_arns) {
    sources.push({ kind: "target-group", name: arn, ...(await loadTargetHealth(deps, arn, instanceIds)) });
  }
  return sources;
}

type Health = Pick<HealthSource, "states" | "reasons">;

async function loadInstanceHealth(
  { target, signal }: AwsDeps,
  name: string,
  instanceIds: readonly string[],
): Promise<Health> {
  // Without instances in the request it would answer for all that are registered.
  if (instanceIds.length === 0) return { states: {} };
  const input = { LoadBalancerName: name, Instances: instanceIds.map((InstanceId) => ({ InstanceId })) };
  try {
    const command = new DescribeInstanceHealthCommand(input);
    const client = target.client(ElasticLoadBalancingClient);
    const { InstanceStates = [] } = await client.send(command, { abortSignal: signal });
    const found = InstanceStates.map(({ InstanceId: id, State: state, ReasonCode, Description }) => {
      return { id, state, reason: toReason(ReasonCode === "N/A" ? undefined : ReasonCode, Description) };
    });
    return toHealth(found, "InService");
  } catch (error) {
    if (isUnregistered(error)) return { states: {} };
    throw error;
  }
}

/**
 * Loads the states of targets; throws every error. An instance that is not registered is `unused`; `InvalidTarget`
 * means that it cannot be a target of this group at all, for example because it is in another VPC (API reference
 * 2015-12-01, "DescribeTargetHealth" and "TargetHealth").
 */
async function loadTargetHealth(
  { target, signal }: AwsDeps,
  arn: string,
  instanceIds: readonly string[],
): Promise<Health> {
  if (instanceIds.length === 0) return { states: {} };
  const input = { TargetGroupArn: arn, Targets: instanceIds.map((Id) => ({ Id })) };
  const command = new DescribeTargetHealthCommand(input);
  const client = target.client(ElasticLoadBalancingV2Client);
  const { TargetHealthDescriptions = [] } = await client.send(command, { abortSignal: signal });
  const found = TargetHealthDescriptions.map(({ Target, TargetHealth }) => {
    return {
      id: Target?.Id,
      state: TargetHealth?.State,
      reason: toReason(TargetHealth?.Reason, TargetHealth?.Description),
    };
  });
  return toHealth(found, "healthy");
}

/** One answer about an instance, or about one of its ports. */
interface Answer {
  readonly id: string | undefined;
  readonly state: string | undefined;
  readonly reason: string;
}

function toReason(reason: string | undefined, description: string | undefined): string {
  if (!reason || !description || description === "N/A") return reason ?? "";
  return keepStart(`${reason} (${description.replace(/\.$/, "")})`, 300);
}

/** Returns the states by instance; the worst of its ports if an instance is registered with several. */
function toHealth(answers: readonly Answer[], good: string): Health {
  const states = new Map<string, string>();
  const reasons = new Map<string, string>();
  for (const { id, state = "unknown", reason } of answers) {
    if (id === undefined) continue;
    const known = states.get(id);
    if (known !== undefined && known !== good) continue;
    states.set(id, state);
    if (reason !== "") reasons.set(id, reason);
  }
  return { states: Object.fromEntries(states), ...(reasons.size > 0 && { reasons: Object.fromEntries(reasons) }) };
}

/**
 * Returns true if a classic load balancer does not know an instance (yet, or any more). API reference 2012-06-01,
 * "DescribeInstanceHealth": `InvalidInstance`, InvalidEndPointException in the SDK.
 */
function isUnregistered(error: unknown): boolean {
  return error instanceof Error && /^(InvalidInstance|InvalidEndPoint)(Exception)?$/.test(error.name);
}

/** API reference, "DescribeAlarms", AlarmNames: "maximum number of 100 items". */
const MAX_NAMES = 100;

/**
 * Returns the alarms in state ALARM. An alarm with too little data does not block a release. A missing one throws
 * `HEALTH_CHECK_FAILED`: an alarm that was removed by mistake must not open the gate.
 */
export async function loadRingingAlarms(deps: AwsDeps, names: readonly string[]): Promise<readonly string[]> {
  const states = new Map<string, string | undefined>();
  for (const part of chunk(names, MAX_NAMES)) await addStates(deps, part, states);
  const missing = names.filter((name) => !states.has(name));
  if (missing.length > 0) {
    const what = missing.map((name) => `"${name}"`).join(", ");
    throw new ReleaseError("HEALTH_CHECK_FAILED", `Unknown alarm: ${what}. Create it, or remove it from "alarms".`);
  }
  return names.filter((name) => states.get(name) === "ALARM");
}

async function addStates(
  { target, signal }: AwsDeps,
  AlarmNames: string[],
  states: Map<string, string | undefined>,
): Promise<void> {
  const client = target.client(CloudWatchClient);
  // Without types, the call returns metric alarms only.
  const input = { AlarmNames, AlarmTypes: ["MetricAlarm" as const, "CompositeAlarm" as const] };
  for await (const page of paginateDescribeAlarms({ client, pageSize: MAX_NAMES }, input, { abortSignal: signal })) {
    for (const { AlarmName, StateValue } of [...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? [])]) {
      if (AlarmName !== undefined) states.set(AlarmName, StateValue);
    }
  }
}

/** API reference, "DescribeScalingActivities", MaxRecords: "the maximum value is 100". */
const PAGE = 100;

/** Returns all activities of a group, newest first. Auto Scaling keeps them for six weeks. */
async function loadActivities({ target, signal }: AwsDeps, AutoScalingGroupName: string): Promise<readonly Activity[]> {
  const client = target.client(AutoScalingClient);
  const input = { AutoScalingGroupName };
  const pages = paginateDescribeScalingActivities({ client, pageSize: PAGE }, input, { abortSignal: signal });
  return collect(pages, ({ Activities }) => Activities);
}

/**
 * Checks the new groups again, right before an old group loses its traffic or is deleted, and describes the services
 * with too few healthy instances. Only the count matters here; terminations, alarms and consecutive checks were
 * evaluated when traffic was allowed to move. A group that its policies have scaled in needs only its desired capacity,
 * but never less than `min_size`. Throws `HEALTH_CHECK_FAILED` if a group cannot be read.
 */
export async function findUnhealthy(deps: ReleaseDeps, work: ReleaseWork): Promise<readonly string[]> {
  const unhealthy: string[] = [];
  for (const service of toServiceOrder(work.release)) {
    const { judgement } = await completeCheck(deps, await checkGroup(deps, work, service), []);
    const { healthy, target_healthy, desired_capacity } = judgement.report;
    const needed = Math.min(target_healthy, Math.max(desired_capacity, service.autoscaling.min_size));
    if (healthy < needed) unhealthy.push(`"${service.service_name}" has ${healthy} of ${needed} healthy instances`);
  }
  return unhealthy;
}
