import type { Capacity } from "./next-capacity.ts";
import type { CapacityPlan } from "./plan-capacity.ts";

/** What decides about the size of a group that has succeeded. */
export interface CapacityAfterSuccessInput {
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
