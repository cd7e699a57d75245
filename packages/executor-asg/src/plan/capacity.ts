import type { Autoscaling, RolloutStep, Strategy } from "../document/release.ts";
import type { ServiceState } from "../release-state.ts";

/** Settings that determine the capacity of a service. Defaults: one instance, no spread, all at once. */
export type CapacityRules = Partial<
  Pick<Autoscaling, "min_size" | "max_size" | "spread" | "strategy" | "steps" | "bake_time">
>;

/** Sizes of a group during a release. */
export interface CapacityPlan {
  /** Capacity that the service needs. */
  readonly desired: number;
  /** Number of instances launched during the release: `desired` plus the spread. */
  readonly targetLaunched: number;
  /** Number of healthy instances at which the service is healthy: `desired` minus the spread. */
  readonly targetHealthy: number;
  /** Initial sizes of the group. */
  readonly initial: { readonly min: number; readonly desired: number; readonly max: number };
  /** Capacity of each step of a gated strategy, ending with `targetLaunched`. Empty for other strategies. */
  readonly steps: readonly number[];
}

/**
 * Returns the sizes of a service's new group, from its document and the desired capacity of the previous group
 * (`undefined`, `null` or −1 without one). If 0 ≤ `min_size` ≤ `max_size`, then `targetHealthy` ≤ `desired` ≤
 * `targetLaunched` ≤ `max_size`.
 */
export function planCapacity(rules: CapacityRules, previousDesired?: number | null): CapacityPlan {
  const { min_size = 1, max_size = 1, spread = 0, strategy = "AllAtOnce" } = rules;
  const desired = Math.max(min_size, Math.min(previousDesired ?? -1, max_size));
  const targetLaunched = Math.min(max_size, wholePercent(desired, 1 + spread));
  const targetHealthy = Math.max(min_size, wholePercent(desired, 1 - spread));
  const isGated = PACES[strategy].kind === "gated";
  const steps = isGated ? toGatedSteps(strategy, rules.steps ?? [], targetLaunched) : [];
  const plan = { desired, targetLaunched, targetHealthy, steps };
  const none = { total: 0, healthy: 0 };
  const initial = toWanted({ autoscaling: rules, plan, instances: none }, undefined);
  return { ...plan, initial: { ...initial, max: max_size } };
}

/** `MinSize` and `DesiredCapacity` of a group. */
export interface Capacity {
  readonly min: number;
  readonly desired: number;
}

/** Result of one health check of a new group. */
interface NextCapacityInput {
  readonly autoscaling: CapacityRules;
  readonly plan: CapacityPlan;
  /** Current capacity of the group. */
  readonly group: Capacity;
  /**
   * `total`: instances in any state, including terminated ones. `healthy`: healthy according to Auto Scaling and all
   * load balancers.
   */
  readonly instances: { readonly total: number; readonly healthy: number };
  /** Epoch ms. Required by gated strategies. */
  readonly now?: number;
  /** Step returned by the previous check of a gated strategy; missing at the first check. */
  readonly step?: GatedStep;
  /** True if a gated strategy must not advance, for example because of an alarm. */
  readonly held?: boolean;
}

/** Capacity of the group after a check. */
export interface NextCapacity {
  /** Capacity wanted by the strategy. */
  readonly wanted: Capacity;
  /** `wanted`, but never less than the current capacity, and with the minimum never above the desired capacity. */
  readonly applied: Capacity;
  /** True if the group must be updated. */
  readonly changed: boolean;
  /** Step of a gated strategy, to be passed to the next check. */
  readonly step?: GatedStep;
}

/**
 * Returns the capacity of a group after a health check. Strategies of the predecessor advance with every check, whether
 * the instances are healthy or not. Gated strategies wait until a step has been healthy for the bake time.
 */
export function nextCapacity(input: NextCapacityInput): NextCapacity {
  const step = toStep(input);
  const wanted = toWanted(input, step);
  const desired = Math.max(wanted.desired, input.group.desired);
  const applied = { min: Math.min(Math.max(wanted.min, input.group.min), desired), desired };
  const changed = applied.min !== input.group.min || applied.desired !== input.group.desired;
  return { wanted, applied, changed, ...(step && { step }) };
}

/**
 * Returns the step after one check: the next one when all instances of the current step have been healthy without
 * interruption for the bake time. The last step is not gated. Undefined if the strategy is not gated.
 */
function toStep({
  autoscaling,
  plan: { steps },
  instances,
  step,
  now = 0,
  held = false,
}: NextCapacityInput): GatedStep | undefined {
  if (steps.length === 0) return undefined;
  const last = steps.length - 1;
  const index = Math.min(step?.index ?? 0, last);
  if (index === last) return { index };
  if (held || instances.healthy < (steps[index] ?? 0)) return { index };
  const healthySince = step?.healthySince ?? now;
  const bakeMs = (autoscaling.bake_time ?? 0) * 1_000;
  return now - healthySince >= bakeMs ? { index: index + 1 } : { index, healthySince };
}

/** The input of the capacity wanted by a strategy. */
interface WantedInput extends Pick<NextCapacityInput, "autoscaling" | "instances"> {
  readonly plan: Pick<CapacityPlan, "targetLaunched" | "steps">;
}

function toWanted({ autoscaling, plan, instances }: WantedInput, step: GatedStep | undefined): Capacity {
  const { min_size = 1, strategy = "AllAtOnce" } = autoscaling;
  const all = { min: min_size, desired: plan.targetLaunched };
  const pace = PACES[strategy];
  switch (pace.kind) {
    case "all":
      return all;
    case "canary":
      return instances.total <= 1 && instances.healthy !== 1 ? { min: 1, desired: 1 } : all;
    case "gated": {
      const desired = plan.steps[step?.index ?? 0] ?? plan.targetLaunched;
      return { min: Math.min(min_size, desired), desired };
    }
    case "parts":
    case "increment": {
      const parts = toParts(pace, plan.targetLaunched);
      const { total } = instances;
      return { min: toNextPart(total, min_size, parts), desired: toNextPart(total, plan.targetLaunched, parts) };
    }
  }
}

/** Current step of a gated rollout, and since when it is healthy. */
export type GatedStep = NonNullable<ServiceState["step"]>;

/** Returns whether a service has reached its last step. Always true if its strategy is not gated. */
export function isAtLastStep(steps: readonly number[], step: GatedStep | undefined): boolean {
  return steps.length <= 1 || (step?.index ?? 0) >= steps.length - 1;
}

/**
 * Returns the increasing capacities of a gated rollout, ending with the whole target: one instance and then all, or the
 * steps of the document. Percentages are of the target and at least one instance.
 */
function toGatedSteps(strategy: Strategy, steps: readonly RolloutStep[], targetLaunched: number): readonly number[] {
  const asked = strategy === "GatedCanary" ? [1] : steps.map((step) => toCount(step, targetLaunched));
  const early = asked.filter((count) => count < targetLaunched);
  return [...new Set(early)].sort((one, other) => one - other).concat(targetLaunched);
}

function toCount(step: RolloutStep, targetLaunched: number): number {
  if (typeof step === "number") return Math.max(1, Math.trunc(step));
  return Math.max(1, wholePercent(targetLaunched, Number.parseFloat(step) / 100));
}

/** The pace at which a strategy launches its instances. */
type Pace =
  | { readonly kind: "all" }
  | { readonly kind: "canary" }
  /** In equal parts. */
  | { readonly kind: "parts"; readonly parts: number }
  /** In groups of `size` instances. */
  | { readonly kind: "increment"; readonly size: number }
  /** The next step starts when the current one has been healthy for the bake time. */
  | { readonly kind: "gated" };

/** Pace of each strategy. */
export const PACES: Readonly<Record<Strategy, Pace>> = {
  AllAtOnce: { kind: "all" },
  OneThenAllWithCanary: { kind: "canary" },
  "25PercentStepRolloutNoCanary": { kind: "parts", parts: 4 },
  "10PercentStepRolloutNoCanary": { kind: "parts", parts: 10 },
  "10AtATimeNoCanary": { kind: "increment", size: 10 },
  "20AtATimeNoCanary": { kind: "increment", size: 20 },
  GatedCanary: { kind: "gated" },
  GatedSteps: { kind: "gated" },
};

/**
 * Returns the capacity after one more part of `base`, given the number of launched instances: at least one more, at
 * most `base`, never less than one. `parts` may be a fraction, or 0 if nothing is to be launched.
 */
function toNextPart(launched: number, base: number, parts: number): number {
  const part = parts === 0 ? 1 : Math.max(1, Math.trunc(base / parts));
  return Math.max(1, Math.min(launched + part, base));
}

/** Returns the number of parts; for increments it is seldom an integer. */
function toParts(pace: Extract<Pace, { kind: "parts" | "increment" }>, targetLaunched: number): number {
  return pace.kind === "parts" ? pace.parts : targetLaunched / pace.size;
}

/**
 * Returns a whole percentage of `count`, truncated twice: `0.125` more is 112 %, and 112 % of 9 is 10. The percentage
 * is that of the decimal as written: binary floating point would turn `1.13` into 112 %, so a billionth is added before
 * truncating.
 */
function wholePercent(count: number, share: number): number {
  return Math.trunc((count * Math.floor(share * 100 + 1e-9)) / 100);
}

/** Input of `capacityAfterSuccess`. */
interface CapacityAfterSuccessInput {
  readonly min_size: number;
  readonly plan: Pick<CapacityPlan, "desired" | "targetLaunched">;
  /** Current desired capacity of the new group. */
  readonly currentDesired: number;
  /** The release's `keep_scaled_capacity`. */
  readonly keepScaled: boolean;
}

/**
 * Returns the capacity after success, without the spread, so that repeated releases do not grow a group. With
 * `keepScaled`, a capacity above `targetLaunched` is kept: a scaling policy has raised it.
 */
export function capacityAfterSuccess(input: CapacityAfterSuccessInput): Capacity {
  const { min_size, plan, currentDesired, keepScaled } = input;
  const isScaled = keepScaled && currentDesired > plan.targetLaunched;
  return { min: min_size, desired: isScaled ? currentDesired : plan.desired };
}
