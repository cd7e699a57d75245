import { MAX_GROUP_NAME } from "../../names/service-id.ts";
import type { RawAutoscaling, RawPolicy } from "../raw-release.ts";
import { type Fault, pointTo, quote } from "../release-problem.ts";
import { POLICY_TYPES } from "../schema/autoscaling-schema.ts";

/** What the rules of policies look at beside them. */
export interface PolicyScope {
  /** Name of the service's group; `undefined`: it cannot be made. */
  readonly groupName: string | undefined;
  readonly targetGroups: readonly (string | null)[];
  /** The first generation knows no names, so that a type may be there twice. */
  readonly named: boolean;
}

/** The rules of scaling policies. */
export function* checkPolicies(
  policies: RawAutoscaling["policies"],
  scope: PolicyScope,
  pointer: string,
): Generator<Fault> {
  for (const [index, policy] of (policies ?? []).entries()) {
    const place = pointTo(pointer, index);
    if (policy === null) yield { code: "release-policy-null", pointer: place, message: `Policy ${index} is null.` };
    else yield* checkPolicy(policy, scope, place);
  }
  if (scope.named) yield* checkUnique(policies ?? [], pointer);
}

function* checkPolicy(policy: RawPolicy, scope: PolicyScope, pointer: string): Generator<Fault> {
  const at = pointTo(pointer, "type");
  const { type } = policy;
  if (type === undefined) yield { code: "release-policy-type-missing", pointer: at, message: "Policy without type." };
  else if (!POLICY_TYPES.some((known) => known === type)) {
    const message = `Policy type ${quote(type)} is not supported; it must be one of ${POLICY_TYPES.join(", ")}.`;
    yield { code: "release-policy-type-unknown", pointer: at, message };
  } else {
    yield* type === "target_tracking" ? checkTracking(policy, scope, pointer) : checkAlarm(policy, pointer);
    yield* checkForeign(policy, type, pointer);
    yield* checkName(policy, scope, pointer);
  }
}

function* checkAlarm({ type, scaling_adjustment, period = 300 }: RawPolicy, pointer: string): Generator<Fault> {
  const at = (key: string) => pointTo(pointer, key);
  if (period <= 0) {
    const message = `Policy ${type}: period is ${period} s; it must be at least 1 s.`;
    yield { code: "release-policy-period", pointer: at("period"), message };
  }
  const up = type === "cpu_scale_up";
  if (scaling_adjustment !== undefined && (up ? scaling_adjustment <= 0 : scaling_adjustment >= 0)) {
    const message = `Policy ${type}: scaling_adjustment is ${scaling_adjustment}; it must be ${up ? "above" : "below"} 0.`;
    yield { code: "release-policy-sign", pointer: at("scaling_adjustment"), with: [at("type")], message };
  }
}

function* checkTracking(policy: RawPolicy, { targetGroups }: PolicyScope, pointer: string): Generator<Fault> {
  const { metric, target_group, custom_metric } = policy;
  const metricAt = pointTo(pointer, "metric");
  const miss = (key: string, message: string): Fault => {
    return { code: "release-policy-incomplete", pointer: pointTo(pointer, key), with: [metricAt], message };
  };
  if (metric === undefined) yield miss("metric", "Policy target_tracking needs a metric.");
  if (policy.target_value === undefined) yield miss("target_value", "Policy target_tracking needs a target_value.");
  if (metric === "alb_requests_per_target" && target_group === undefined) {
    yield miss("target_group", "The metric alb_requests_per_target needs a target_group.");
  }
  if (target_group !== undefined && !targetGroups.includes(target_group)) {
    yield miss("target_group", `The target group ${quote(target_group)} is none of the service's target_groups.`);
  }
  if (metric === "custom" && custom_metric === undefined) {
    yield miss("custom_metric", "The metric custom needs a custom_metric.");
  }
  if (target_group !== undefined && metric !== "alb_requests_per_target" && metric !== undefined) {
    yield miss("target_group", `The metric ${quote(metric)} has no target_group.`);
  }
  if (custom_metric !== undefined && metric !== "custom" && metric !== undefined) {
    yield miss("custom_metric", `The metric ${quote(metric)} has no custom_metric.`);
  }
}

const OF_ALARMS = ["scaling_adjustment", "threshold", "period", "evaluation_periods", "cooldown"] as const;

const OF_TRACKING = ["metric", "target_value", "target_group", "custom_metric", "disable_scale_in"] as const;

function* checkForeign(policy: RawPolicy, type: string, pointer: string): Generator<Fault> {
  for (const key of type === "target_tracking" ? OF_ALARMS : OF_TRACKING) {
    if (policy[key] === undefined) continue;
    const message = `Policy ${type} has no ${key}; remove it.`;
    yield {
      code: "release-policy-foreign-key",
      pointer: pointTo(pointer, key),
      with: [pointTo(pointer, "type")],
      message,
    };
  }
}

function* checkName(policy: RawPolicy, { groupName, named }: PolicyScope, pointer: string): Generator<Fault> {
  const length = (groupName ?? "").length + toSuffix(policy, named).length + 1;
  if (length <= MAX_GROUP_NAME) return;
  const message = `The policy's name has ${length} characters with its group's; ${MAX_GROUP_NAME} are the limit.`;
  yield { code: "release-policy-name-too-long", pointer: pointTo(pointer, "name"), message };
}

function* checkUnique(policies: readonly (RawPolicy | null)[], pointer: string): Generator<Fault> {
  const before = new Set<string>();
  for (const [index, policy] of policies.entries()) {
    if (policy?.type === undefined) continue;
    const name = toSuffix(policy, true);
    const isTwice = before.has(name);
    before.add(name);
    if (!isTwice) continue;
    const message = `Policy names must be unique: ${quote(name)} is there twice. Give one of them another name.`;
    const place = pointTo(pointer, index);
    yield {
      code: "release-policy-duplicate",
      pointer: pointTo(place, "name"),
      with: [pointTo(place, "type")],
      message,
    };
  }
}

function toSuffix({ type, name }: RawPolicy, named: boolean): string {
  return named && name !== undefined ? `${type}-${name}` : `${type}`;
}
