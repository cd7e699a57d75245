import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { type CapacityPlan, planCapacity } from "../capacity/plan-capacity.ts";
import type { Release, Service } from "../document/release.ts";
import { evaluateTerminations, type HealthInput, type HealthJudgement, judgeHealth } from "../health/judge-health.ts";
import { readActivities } from "../health/read-activities.ts";
import { loadGroupsNamed } from "../lookups/load-groups.ts";
import type { ReleaseDeps, ReleaseWork } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import type { HealthReport, ServiceState } from "../release-state.ts";
import { toReleaseError } from "../to-release-error.ts";
import { loadActivities } from "./load-activities.ts";
import { loadHealthSources } from "./load-health-sources.ts";

/** The new group of a service as Auto Scaling lists it. No load balancer has been asked yet. */
export interface GroupLook {
  readonly release: Release;
  readonly service: Service;
  readonly known: ServiceState;
  readonly group: AutoScalingGroup;
  readonly plan: CapacityPlan;
  /** Ids of all instances that have ended, as far as they are known. */
  readonly terminated: readonly string[];
  /** Why instances did not come or went. Absent: the scaling activities have not been read. */
  readonly causes?: readonly string[];
  /** More instances have ended than the document allows. */
  readonly halt?: HealthJudgement["halt"];
}

/** One complete look at the new group of a service. */
export interface ServiceLook extends Omit<GroupLook, "causes" | "halt"> {
  readonly judgement: HealthJudgement;
  /** The last ones known. */
  readonly causes: readonly string[];
}

/** How long a halt waits for an explanation. */
const EXPLAIN_MS = 5_000;

/**
 * Looks at the group that the release has made for a service, and at nothing else, so that terminations halt a release also while
 * its load balancers do not answer. Throws `HEALTH_CHECK_FAILED`.
 */
export async function lookAtGroup(
  deps: ReleaseDeps,
  { release, state }: ReleaseWork,
  service: Service,
): Promise<GroupLook> {
  const known = state.services[service.service_name] ?? { healthy: false, stable: 0 };
  const group = await orUnreadable(service, () => loadCreatedGroup(deps, service, known));
  const plan = planCapacity(service.autoscaling, known.previous_desired_capacity);
  return countTerminations({ release, service, known, group, plan, terminated: known.terminated ?? [] });
}

/**
 * Counts also the instances that ended between two looks, where the release counts them (`count_terminations: cumulative`). Throws
 * `HEALTH_CHECK_FAILED`.
 */
export async function readTerminations(deps: ReleaseDeps, look: GroupLook): Promise<GroupLook> {
  if (look.release.count_terminations !== "cumulative") return look;
  const { terminated, causes } = await orUnreadable(look.service, async () => {
    return readActivities(await loadActivities(deps, look.group.AutoScalingGroupName ?? ""));
  });
  return countTerminations({ ...look, causes, terminated: [...new Set([...look.terminated, ...terminated])] });
}

function countTerminations(look: GroupLook): GroupLook {
  const { terminated, halt } = evaluateTerminations(toGroupInput(look));
  return { ...look, terminated, ...(halt && { halt }) };
}

/**
 * Completes a look by what the load balancers of the service say, and by what Auto Scaling tells of a group that lacks instances.
 * Changes nothing. Throws `HEALTH_CHECK_FAILED`.
 */
export async function completeLook(
  deps: ReleaseDeps,
  look: GroupLook,
  alarms: readonly string[],
): Promise<ServiceLook> {
  const { release, known, group } = look;
  const resources = known.resources ?? { elbs: [], target_group_arns: [] };
  const ids = (group.Instances ?? []).flatMap(({ InstanceId }) => InstanceId ?? []);
  const sources = await orUnreadable(look.service, () => loadHealthSources(deps, resources, ids));
  const causes = look.causes ?? (isBehind(group) ? await explain(deps, group) : []);
  const judgement = judgeHealth({
    ...toGroupInput(look),
    plan: look.plan,
    sources,
    stable: known.stable,
    stablePolls: release.stable_polls,
    step: known.step,
    alarms,
  });
  return { ...look, judgement, causes: causes.length > 0 ? causes : (known.causes ?? []) };
}

/**
 * What a release that halts knows of the service: the group by its own account, and at most as many healthy instances as the load
 * balancers confirmed before, since they are not asked any more.
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
  const { report } = judgeHealth({ ...toGroupInput(look), plan: look.plan, sources: [] });
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

async function orUnreadable<Result>({ service_name }: Service, load: () => Promise<Result>): Promise<Result> {
  try {
    return await load();
  } catch (error) {
    throw toReleaseError("HEALTH_CHECK_FAILED", error, `The health of service "${service_name}" could not be read.`);
  }
}

function isBehind({ Instances = [], DesiredCapacity = 0 }: AutoScalingGroup): boolean {
  const staying = Instances.filter(({ LifecycleState = "" }) => !LifecycleState.startsWith("Term"));
  return staying.length < DesiredCapacity || staying.length < Instances.length;
}

/** A role of the predecessor may not read the activities: then the release goes on without the explanation. */
async function explain(
  deps: Pick<ReleaseDeps, "target" | "signal" | "logger">,
  group: AutoScalingGroup,
): Promise<readonly string[]> {
  try {
    return readActivities(await loadActivities(deps, group.AutoScalingGroupName ?? "")).causes;
  } catch (error) {
    deps.logger.warn("the scaling activities could not be read", { group: group.AutoScalingGroupName, error });
    return [];
  }
}

async function explainSoon(deps: ReleaseDeps, group: AutoScalingGroup): Promise<readonly string[]> {
  const over = new AbortController();
  const signal = AbortSignal.any([deps.signal, over.signal]);
  try {
    const late = deps.clock.sleep(EXPLAIN_MS, signal).then((): readonly string[] => []);
    return await Promise.race([explain({ ...deps, signal }, group), late]);
  } finally {
    over.abort();
  }
}
