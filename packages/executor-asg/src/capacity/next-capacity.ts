import { type GatedStep, nextGatedStep } from "./next-gated-step.ts";
import { PACES, toNextPart, toParts } from "./pace.ts";
import type { CapacityPlan, CapacityRules } from "./plan-capacity.ts";

/** `MinSize` and `DesiredCapacity` of a group. */
export interface Capacity {
  readonly min: number;
  readonly desired: number;
}

/** What one look at a new group has shown. */
export interface NextCapacityInput {
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
