import type { Capacity } from "../capacity/next-capacity.ts";
import { isAtLastStep } from "../capacity/next-gated-step.ts";
import type { CapacityPlan } from "../capacity/plan-capacity.ts";
import type { Autoscaling, Release } from "../document/release.ts";
import type { HealthReport, ServiceState } from "../release-state.ts";
import {
  classifyInstances,
  type GroupInstance,
  type HealthSource,
  type InstanceHealth,
  type InstanceHealths,
  mergeSource,
} from "./classify-instances.ts";

/** One look at the new group of a service. What may be left out has the default of the document. */
export interface HealthInput {
  readonly autoscaling: Partial<Pick<Autoscaling, "max_terms" | "strategy">>;
  readonly plan: CapacityPlan;
  readonly group: Capacity & { readonly instances: readonly GroupInstance[] };
  /** All load balancers and target groups of the service. */
  readonly sources: readonly HealthSource[];
  readonly countTerminations?: Release["count_terminations"];
  /** Ids of instances that were seen to end at earlier looks, or that Auto Scaling tells of. */
  readonly terminated?: readonly string[];
  /** Good looks in a row before this one. */
  readonly stable?: number;
  /** How many it takes. */
  readonly stablePolls?: number;
  /** Of a gated strategy: where it was before this look. */
  readonly step?: ServiceState["step"] | undefined;
  /** Names of the release's alarms that are in ALARM. */
  readonly alarms?: readonly string[];
}

/** What the look comes to. */
export interface HealthJudgement {
  readonly instances: InstanceHealths;
  readonly report: HealthReport;
  /**
   * Enough instances are healthy, as often in a row as asked, no alarm rings, and a gated rollout is at its last step.
   */
  readonly healthy: boolean;
  /** Good looks in a row, this one included. */
  readonly stable: number;
  /** Ids of all that have ended, the first 200. */
  readonly terminated: readonly string[];
  /** More instances have ended than the document allows: the release stops at once. */
  readonly halt?: { readonly code: "INSTANCES_TERMINATED"; readonly message: string };
  /** What is missing, in words for people; empty when healthy. */
  readonly waitingFor: readonly string[];
}

/** As many ids as the state of a release keeps. */
const TERMINATED_KEPT = 200;

/**
 * Judges a service by one look. An instance is healthy when Auto Scaling and every load balancer say so. More ended
 * instances than `max_terms` halt the release; equal is allowed. A canary that is alone may not end at all. An alarm in
 * ALARM holds the release where it is until it is quiet or the time is over: it may have rung before the release began.
 */
export function judgeHealth(input: HealthInput): HealthJudgement {
  const own = classifyInstances(input.group.instances);
  const instances = input.sources.reduce(mergeSource, own);
  const report = toReport(input, instances);
  const { terminated, halt } = evaluateTerminations(input);
  const missing = findMissing(input, report);
  const stable = missing.length === 0 && halt === undefined ? (input.stable ?? 0) + 1 : 0;
  const { stablePolls = 1 } = input;
  const isStable = stable >= stablePolls;
  return {
    instances,
    report,
    stable,
    healthy: stable > 0 && isStable,
    terminated,
    ...(halt && { halt }),
    waitingFor: stable > 0 && !isStable ? [`healthy looks in a row: ${stable} of ${stablePolls}`] : missing,
  };
}

/**
 * Evaluates only the terminations, which needs no answer of a load balancer: more terminating instances than `max_terms` halt the
 * release at once.
 */
export function evaluateTerminations(
  input: Pick<HealthInput, "autoscaling" | "group" | "countTerminations" | "terminated">,
): Pick<HealthJudgement, "terminated" | "halt"> {
  const instances = Object.entries(classifyInstances(input.group.instances));
  const terminating = instances.flatMap(([id, health]) => (health === "terminating" ? id : []));
  const ended = [...new Set([...(input.terminated ?? []), ...terminating])];
  const counted = input.countTerminations === "cumulative" ? ended : terminating;
  const halt = findHalt(counted, toLimit(input.autoscaling, instances.length));
  return { terminated: ended.slice(0, TERMINATED_KEPT), ...(halt && { halt }) };
}

function toReport({ plan, group }: HealthInput, instances: InstanceHealths): HealthReport {
  const idsOf = (health: InstanceHealth) => Object.keys(instances).filter((id) => instances[id] === health);
  const terminating = idsOf("terminating");
  return {
    target_healthy: plan.targetHealthy,
    target_launched: plan.targetLaunched,
    healthy: idsOf("healthy").length,
    launching: Object.keys(instances).length,
    terminating: terminating.length,
    terminating_ids: terminating,
    desired_capacity: group.desired,
    min_size: group.min,
  };
}

const CANARIES: readonly string[] = ["OneThenAllWithCanary", "GatedCanary"];

function toLimit({ strategy = "AllAtOnce", max_terms = 0 }: HealthInput["autoscaling"], total: number): number {
  return CANARIES.includes(strategy) && total <= 1 ? 0 : max_terms;
}

function findHalt(ids: readonly string[], limit: number): HealthJudgement["halt"] {
  if (ids.length <= limit) return undefined;
  const some = ids.slice(0, 10).join(", ") + (ids.length > 10 ? " and others" : "");
  const message = `Found terminating instances: ${ids.length}, allowed are ${limit} (max_terms): ${some}.`;
  return { code: "INSTANCES_TERMINATED", message };
}

function findMissing({ plan, step, alarms = [] }: HealthInput, { healthy }: HealthReport): readonly string[] {
  const { steps, targetHealthy } = plan;
  const isLast = isAtLastStep(steps, step);
  const gate = `step ${(step?.index ?? 0) + 1} of ${steps.length}`;
  return [
    ...(healthy < targetHealthy ? [`healthy instances: ${healthy} of ${targetHealthy}`] : []),
    ...(isLast ? [] : [gate]),
    ...(alarms.length > 0 ? [`alarms in ALARM: ${alarms.join(", ")}`] : []),
  ];
}
