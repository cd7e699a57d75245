import type { Autoscaling, Release } from "../document/release.ts";
import { type Capacity, type CapacityPlan, isAtLastStep } from "../plan/capacity.ts";
import type { HealthReport, ServiceState } from "../release-state.ts";

/** Input of one health check of a service's new group. Missing values have the defaults of the document. */
export interface HealthInput {
  readonly autoscaling: Partial<Pick<Autoscaling, "max_terms" | "strategy">>;
  readonly plan: CapacityPlan;
  readonly group: Capacity & { readonly instances: readonly GroupInstance[] };
  /** Health sources: all load balancers and target groups of the service. */
  readonly sources: readonly HealthSource[];
  readonly countTerminations?: Release["count_terminations"];
  /** Ids of instances that earlier checks or Auto Scaling reported as terminated. */
  readonly terminated?: readonly string[];
  /** Consecutive healthy checks before this one. */
  readonly stable?: number;
  /** Required number of consecutive healthy checks. */
  readonly stablePolls?: number;
  /** Step of a gated strategy before this check. */
  readonly step?: ServiceState["step"] | undefined;
  /** Names of the release's alarms in state ALARM. */
  readonly alarms?: readonly string[];
}

/** Result of a health check. */
export interface HealthJudgement {
  readonly instances: InstanceHealths;
  readonly report: HealthReport;
  /**
   * True if enough instances are healthy for the required number of consecutive checks, no alarm is in ALARM, and a
   * gated rollout is at its last step.
   */
  readonly healthy: boolean;
  /** Consecutive healthy checks, including this one. */
  readonly stable: number;
  /** Ids of all terminated instances, at most 200. */
  readonly terminated: readonly string[];
  /** Set if more instances were terminated than the document allows: the release stops at once. */
  readonly halt?: { readonly code: "INSTANCES_TERMINATED"; readonly message: string };
  /** Descriptions of what is missing; empty when healthy. */
  readonly waitingFor: readonly string[];
}

/** Maximum number of ids in the state of a release. */
const TERMINATED_KEPT = 200;

/**
 * Evaluates one health check of a service. An instance is healthy when Auto Scaling and every load balancer report it
 * as healthy. More than `max_terms` terminated instances halt the release. A single canary must not terminate at all.
 * An alarm in ALARM pauses the release until it clears or the timeout passes, because it may have been raised before
 * the release began.
 */
export function evaluateHealth(input: HealthInput): HealthJudgement {
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
    waitingFor: stable > 0 && !isStable ? [`consecutive healthy checks: ${stable} of ${stablePolls}`] : missing,
  };
}

/**
 * Evaluates only the terminations, which does not need the load balancers: more terminating instances than `max_terms`
 * halt the release at once.
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

/** An instance as listed by Auto Scaling. */
interface GroupInstance {
  readonly InstanceId?: string | undefined;
  readonly LifecycleState?: string | undefined;
  readonly HealthStatus?: string | undefined;
}

/** Health of an instance during a release. */
type InstanceHealth = "healthy" | "unhealthy" | "terminating";

/** Health by instance id, in the order of the group. */
type InstanceHealths = Readonly<Record<string, InstanceHealth>>;

/** Health of instances reported by one load balancer. */
export interface HealthSource {
  readonly kind: "classic" | "target-group";
  readonly name: string;
  /** State by instance id, as named by the API. Empty if no instance is registered. */
  readonly states: Readonly<Record<string, string>>;
  /** Reason and description of states that are not healthy, by instance id. */
  readonly reasons?: Readonly<Record<string, string>>;
}

/** The beginning of a line that says why instances are unhealthy, in contrast to what Auto Scaling reports. */
const HEALTH_CAUSE = /^(target group|load balancer) "/;

const IDS_SHOWN = 5;

const HEALTH_CAUSES_KEPT = 10;

/** Returns true for a line of `explainHealth`. */
export function isHealthCause(line: string): boolean {
  return HEALTH_CAUSE.test(line);
}

/**
 * Says why instances are unhealthy, a line for each reason of each load balancer: the group is deleted after a failure,
 * and then no one can look any more. At most ten lines.
 */
export function explainHealth(
  instances: readonly GroupInstance[],
  sources: readonly HealthSource[],
): readonly string[] {
  const ids = Object.entries(classifyInstances(instances)).flatMap(([id, health]) =>
    health === "terminating" ? [] : id,
  );
  return sources.flatMap((source) => explainSource(ids, source)).slice(0, HEALTH_CAUSES_KEPT);
}

function explainSource(ids: readonly string[], { kind, name, states, reasons = {} }: HealthSource): readonly string[] {
  const byReason = new Map<string, string[]>();
  for (const id of ids) {
    const state = states[id] ?? "not registered";
    if (state === GOOD[kind]) continue;
    const why = [state, reasons[id]].filter(Boolean).join(", ");
    byReason.set(why, [...(byReason.get(why) ?? []), id]);
  }
  const what = kind === "classic" ? `load balancer "${name}"` : `target group "${toGroupName(name)}"`;
  return [...byReason].map(([why, of]) => {
    const others = of.length > IDS_SHOWN ? ` and ${of.length - IDS_SHOWN} others` : "";
    return `${what}: ${of.slice(0, IDS_SHOWN).join(", ")}${others} ${why}`;
  });
}

/** Returns the name in the ARN of a target group: `arn:…:targetgroup/NAME/ID`. */
function toGroupName(arn: string): string {
  return /:targetgroup\/([^/]+)\//.exec(arn)?.[1] ?? arn;
}

/** The healthy state of each kind. All others, such as `initial` and `draining`, are unhealthy. */
const GOOD = { classic: "InService", "target-group": "healthy" } as const;

/** Classifies instances by Auto Scaling's own data. Instances without a lifecycle state are skipped. */
export function classifyInstances(instances: readonly GroupInstance[]): InstanceHealths {
  const known = instances.flatMap(({ InstanceId, LifecycleState, HealthStatus }) => {
    if (!InstanceId || LifecycleState === undefined) return [];
    return [[InstanceId, classify(LifecycleState, HealthStatus)] as const];
  });
  return Object.fromEntries(known);
}

function classify(lifecycleState: string, healthStatus: string | undefined): InstanceHealth {
  if (lifecycleState.startsWith("Term")) return "terminating";
  return healthStatus === "Healthy" && lifecycleState === "InService" ? "healthy" : "unhealthy";
}

/** Marks healthy instances as unhealthy if a load balancer reports them as unhealthy or does not know them. */
export function mergeSource(instances: InstanceHealths, { kind, states }: HealthSource): InstanceHealths {
  const merged = Object.entries(instances).map(([id, health]) => {
    const isGood = Object.hasOwn(states, id) && states[id] === GOOD[kind];
    return [id, health === "healthy" && !isGood ? "unhealthy" : health] as const;
  });
  return Object.fromEntries(merged);
}
