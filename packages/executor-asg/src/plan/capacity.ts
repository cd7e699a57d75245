import type { Autoscaling, RolloutStep, Strategy } from "../document/release.ts";
import type { ServiceState } from "../release-state.ts";

/** What the capacity of a service follows from. Defaults: one instance, no spread, all at once. */
export type CapacityRules = Partial<
  Pick<Autoscaling, "min_size" | "max_size" | "spread" | "strategy" | "steps" | "bake_time">
>;

/** The sizes of a group while it is released. */
export interface CapacityPlan {
  /** What the service needs. */
  readonly desired: number;
  /** What is launched during the release: the spread on top. */
  readonly targetLaunched: number;
  /** How many healthy instances make the service healthy: the spread less. */
  readonly targetHealthy: number;
  /** What the group is created with. */
  readonly initial: { readonly min: number; readonly desired: number; readonly max: number };
  /** Of a gated strategy: the capacity of each step, the last is `targetLaunched`. Empty for the others. */
  readonly steps: readonly number[];
}

/**
 * The sizes of a service's new group, from its document and the desired capacity of the group before; `undefined`,
 * `null` or −1: there is none. As long as 0 ≤ `min_size` ≤ `max_size`, `targetHealthy` ≤ `desired` ≤ `targetLaunched` ≤
 * `max_size`.
 */
export function planCapacity(rules: CapacityRules, previousDesired?: number | null): CapacityPlan {
  const { min_size = 1, max_size = 1, spread = 0, strategy = "AllAtOnce" } = rules;
  const desired = Math.max(min_size, Math.min(previousDesired ?? -1, max_size));
  const targetLaunched = Math.min(max_size, wholePercent(desired, 1 + spread));
  const targetHealthy = Math.max(min_size, wholePercent(desired, 1 - spread));
  const isGated = PACES[strategy].kind === "gated";
  const steps = isGated ? toGatedSteps(strategy, rules.steps ?? [], targetLaunched) : [];
  const initial = { ...toInitial({ ...rules, min_size, strategy }, targetLaunched, steps), max: max_size };
  return { desired, targetLaunched, targetHealthy, initial, steps };
}

function toInitial(
  { min_size, strategy }: Required<Pick<CapacityRules, "min_size" | "strategy">>,
  targetLaunched: number,
  [firstStep = 0]: readonly number[],
): { min: number; desired: number } {
  const pace = PACES[strategy];
  switch (pace.kind) {
    case "all":
      return { min: min_size, desired: targetLaunched };
    case "canary":
      return { min: 1, desired: 1 };
    case "gated":
      return { min: Math.min(min_size, firstStep), desired: firstStep };
    case "parts":
    case "increment": {
      const parts = toParts(pace, targetLaunched);
      return { min: toNextPart(0, min_size, parts), desired: toNextPart(0, targetLaunched, parts) };
    }
  }
}

/** `MinSize` and `DesiredCapacity` of a group. */
export interface Capacity {
  readonly min: number;
  readonly desired: number;
}

/** What one look at a new group has shown. */
interface NextCapacityInput {
  readonly autoscaling: CapacityRules;
  readonly plan: CapacityPlan;
  /** As the group has them now. */
  readonly group: Capacity;
  /** `total`: in any state, ended ones too. `healthy`: for Auto Scaling and all load balancers. */
  readonly instances: { readonly total: number; readonly healthy: number };
  /** Epoch ms. Gated strategies need it. */
  readonly now?: number;
  /** Of a gated strategy: what the look before gave; none at the first. */
  readonly step?: GatedStep;
  /** A gated strategy goes no further, for example because of an alarm. */
  readonly held?: boolean;
}

/** What the group shall have after the look. */
export interface NextCapacity {
  /** What the strategy would like. */
  readonly wanted: Capacity;
  /** That, but never less than the group has already, and the minimum never above the desired capacity. */
  readonly applied: Capacity;
  /** False: the group has it already, no call is made. */
  readonly changed: boolean;
  /** Of a gated strategy: to be remembered until the next look. */
  readonly step?: GatedStep;
}

/**
 * How far a group goes at a look at its health. The strategies of the predecessor are paced by looks: their next part
 * comes however the last one is. Gated ones wait until a step has been healthy for the bake time.
 */
export function nextCapacity(input: NextCapacityInput): NextCapacity {
  const step = toStep(input);
  const wanted = toWanted(input, step);
  const desired = Math.max(wanted.desired, input.group.desired);
  const applied = { min: Math.min(Math.max(wanted.min, input.group.min), desired), desired };
  const changed = applied.min !== input.group.min || applied.desired !== input.group.desired;
  return { wanted, applied, changed, ...(step && { step }) };
}

function toStep({ autoscaling, plan, instances, ...input }: NextCapacityInput): GatedStep | undefined {
  if (plan.steps.length === 0) return undefined;
  const { bake_time: bakeTime = 0 } = autoscaling;
  const { step, now = 0, held = false } = input;
  return nextGatedStep({ steps: plan.steps, step, healthy: instances.healthy, bakeTime, now, held });
}

function toWanted({ autoscaling, plan, instances }: NextCapacityInput, step: GatedStep | undefined): Capacity {
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

/** Which step of a gated rollout a service is at, and since when it has been healthy. */
export type GatedStep = NonNullable<ServiceState["step"]>;

/** What decides about the next step. */
interface GateInput {
  /** Capacities of all steps. */
  readonly steps: readonly number[];
  readonly step: GatedStep | undefined;
  readonly healthy: number;
  /** Seconds. */
  readonly bakeTime: number;
  /** Epoch ms. */
  readonly now: number;
  /** Something else, such as an alarm, forbids to go on. */
  readonly held: boolean;
}

/**
 * The step after one look: the next when all instances of this one have been healthy, without a break, for the bake
 * time. The last step has no gate; whether it is healthy is the judge's matter.
 */
function nextGatedStep({ steps, step, healthy, bakeTime, now, held }: GateInput): GatedStep {
  const last = steps.length - 1;
  const index = Math.min(step?.index ?? 0, last);
  if (index === last) return { index };
  if (held || healthy < (steps[index] ?? 0)) return { index };
  const healthySince = step?.healthySince ?? now;
  return now - healthySince >= bakeTime * 1_000 ? { index: index + 1 } : { index, healthySince };
}

/** Whether a service has been let through to its last step; always, when its strategy is not gated. */
export function isAtLastStep(steps: readonly number[], step: GatedStep | undefined): boolean {
  return steps.length <= 1 || (step?.index ?? 0) >= steps.length - 1;
}

/**
 * The capacities of a gated rollout, each larger than the one before, the last always the whole target: one instance
 * and then all, or the steps of the document, of which shares are of the target and at least one instance.
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

/** How a strategy brings up its instances. */
type Pace =
  | { readonly kind: "all" }
  | { readonly kind: "canary" }
  /** In so many parts. */
  | { readonly kind: "parts"; readonly parts: number }
  /** So many instances at a time. */
  | { readonly kind: "increment"; readonly size: number }
  /** The next step when this one has been healthy for a while. */
  | { readonly kind: "gated" };

/** The pace of each strategy. */
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
 * The capacity after one more part of `base`, when `launched` instances are there: at least one more, at most `base`,
 * never less than one. `parts` may be a fraction, or 0 where there is nothing to launch.
 */
function toNextPart(launched: number, base: number, parts: number): number {
  const part = parts === 0 ? 1 : Math.max(1, Math.trunc(base / parts));
  return Math.max(1, Math.min(launched + part, base));
}

/** Into how many parts the target is divided; of increments that is seldom a whole number. */
function toParts(pace: Extract<Pace, { kind: "parts" | "increment" }>, targetLaunched: number): number {
  return pace.kind === "parts" ? pace.parts : targetLaunched / pace.size;
}

/**
 * A share of `count`, at whole percent, cut off twice: `0.125` more is 112 %, and 112 % of 9 is 10. The percent is that
 * of the decimal that was written: binary floating point would make 112 % of `1.13`, so a billionth is added before the
 * fraction is cut off.
 */
function wholePercent(count: number, share: number): number {
  return Math.trunc((count * Math.floor(share * 100 + 1e-9)) / 100);
}

/** What decides about the size of a group that has succeeded. */
interface CapacityAfterSuccessInput {
  readonly min_size: number;
  readonly plan: Pick<CapacityPlan, "desired" | "targetLaunched">;
  /** Of the new group, now. */
  readonly currentDesired: number;
  /** The release's `keep_scaled_capacity`. */
  readonly keepScaled: boolean;
}

/**
 * Takes the spread back, so that releases do not grow a group from one to the next. With `keepScaled`, a capacity above
 * all that the release itself has launched is left: a scaling policy has raised it meanwhile.
 */
export function capacityAfterSuccess(input: CapacityAfterSuccessInput): Capacity {
  const { min_size, plan, currentDesired, keepScaled } = input;
  const isScaled = keepScaled && currentDesired > plan.targetLaunched;
  return { min: min_size, desired: isScaled ? currentDesired : plan.desired };
}
