import type { Autoscaling } from "../document/release.ts";
import { PACES, toNextPart, toParts } from "./pace.ts";
import { toGatedSteps } from "./to-gated-steps.ts";
import { wholePercent } from "./whole-percent.ts";

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
