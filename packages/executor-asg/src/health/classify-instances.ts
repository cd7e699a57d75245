/** An instance as Auto Scaling lists it in its group. */
export interface GroupInstance {
  readonly InstanceId?: string | undefined;
  readonly LifecycleState?: string | undefined;
  readonly HealthStatus?: string | undefined;
}

/** What an instance is for a release. */
export type InstanceHealth = "healthy" | "unhealthy" | "terminating";

/** By instance id, in the order of the group. */
export type InstanceHealths = Readonly<Record<string, InstanceHealth>>;

/** What one load balancer says of the instances that it knows. */
export interface HealthSource {
  readonly kind: "classic" | "target-group";
  readonly name: string;
  /** By instance id, in the words of its API. Empty where none of the instances is registered. */
  readonly states: Readonly<Record<string, string>>;
}

/** The one state of each kind that is good; all others, such as `initial` and `draining`, are not. */
const GOOD = { classic: "InService", "target-group": "healthy" } as const;

/** What Auto Scaling itself says. Instances without a lifecycle state do not count. */
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

/** Takes down whom a load balancer does not find healthy, or does not know. Instances that end stay so. */
export function mergeSource(instances: InstanceHealths, { kind, states }: HealthSource): InstanceHealths {
  const merged = Object.entries(instances).map(([id, health]) => {
    const isGood = Object.hasOwn(states, id) && states[id] === GOOD[kind];
    return [id, health === "healthy" && !isGood ? "unhealthy" : health] as const;
  });
  return Object.fromEntries(merged);
}
