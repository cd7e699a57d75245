import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { type CapacityPlan, planCapacity } from "../capacity/plan-capacity.ts";
import type { Release, Service } from "../document/release.ts";
import { type HealthJudgement, judgeHealth } from "../health/judge-health.ts";
import { readActivities } from "../health/read-activities.ts";
import { loadGroupsNamed } from "../lookups/load-groups.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import type { ServiceState } from "../release-state.ts";
import { toReleaseError } from "../to-release-error.ts";
import { loadActivities } from "./load-activities.ts";
import { loadHealthSources } from "./load-health-sources.ts";

/** What is looked at, and what is known of it. */
export interface ServiceLookInput {
  readonly release: Release;
  readonly service: Service;
  readonly known: ServiceState;
  /** Names of the release's alarms that are in ALARM. */
  readonly alarms: readonly string[];
}

/** One look at the new group of a service. */
export interface ServiceLook {
  readonly service: Service;
  readonly group: AutoScalingGroup;
  readonly plan: CapacityPlan;
  readonly judgement: HealthJudgement;
  /** Why instances did not come or went; the last ones known. */
  readonly causes: readonly string[];
}

/**
 * Looks at the group that the release has made for a service, at what its load balancers say, and at what Auto Scaling tells of it.
 * Changes nothing. Throws `HEALTH_CHECK_FAILED`.
 */
export async function lookAtService(deps: ReleaseDeps, input: ServiceLookInput): Promise<ServiceLook> {
  const name = input.service.service_name;
  try {
    return await look(deps, input);
  } catch (error) {
    throw toReleaseError("HEALTH_CHECK_FAILED", error, `The health of service "${name}" could not be read.`);
  }
}

async function look(deps: ReleaseDeps, { release, service, known, alarms }: ServiceLookInput): Promise<ServiceLook> {
  const group = await loadCreatedGroup(deps, service, known);
  const instances = group.Instances ?? [];
  const ids = instances.flatMap(({ InstanceId }) => InstanceId ?? []);
  const resources = known.resources ?? { elbs: [], target_group_arns: [] };
  const sources = await loadHealthSources(deps, resources, ids);
  const plan = planCapacity(service.autoscaling, known.previous_desired_capacity);
  const told = await readTold(deps, release, group);
  const judgement = judgeHealth({
    autoscaling: service.autoscaling,
    plan,
    group: { min: group.MinSize ?? 0, desired: group.DesiredCapacity ?? 0, instances },
    sources,
    countTerminations: release.count_terminations,
    terminated: [...new Set([...(known.terminated ?? []), ...told.terminated])],
    stable: known.stable,
    stablePolls: release.stable_polls,
    step: known.step,
    alarms,
  });
  const causes = told.causes.length > 0 ? told.causes : (known.causes ?? []);
  return { service, group, plan, judgement, causes };
}

async function loadCreatedGroup(deps: ReleaseDeps, service: Service, known: ServiceState): Promise<AutoScalingGroup> {
  const name = known.created_asg;
  const [group] = name === undefined ? [] : await loadGroupsNamed(deps, [name]);
  if (group !== undefined) return group;
  const what = name === undefined ? "no group" : `no group "${name}" any more`;
  throw new ReleaseError("HEALTH_CHECK_FAILED", `Service "${service.service_name}" has ${what}.`);
}

interface Told {
  readonly terminated: readonly string[];
  readonly causes: readonly string[];
}

/**
 * Counting needs the activities; explaining would like them. A role of the predecessor, or a group that is well, costs no call more
 * than the predecessor made, and a refused call only the explanation.
 */
async function readTold(deps: ReleaseDeps, release: Release, group: AutoScalingGroup): Promise<Told> {
  const isCounted = release.count_terminations === "cumulative";
  if (!isCounted && !isBehind(group)) return { terminated: [], causes: [] };
  try {
    const { terminated, causes } = readActivities(await loadActivities(deps, group.AutoScalingGroupName ?? ""));
    return { terminated: isCounted ? terminated : [], causes };
  } catch (error) {
    if (isCounted) throw error;
    deps.logger.warn("the scaling activities could not be read", { group: group.AutoScalingGroupName, error });
    return { terminated: [], causes: [] };
  }
}

function isBehind({ Instances = [], DesiredCapacity = 0 }: AutoScalingGroup): boolean {
  const staying = Instances.filter(({ LifecycleState = "" }) => !LifecycleState.startsWith("Term"));
  return staying.length < DesiredCapacity || staying.length < Instances.length;
}
