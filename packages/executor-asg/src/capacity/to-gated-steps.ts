import type { RolloutStep, Strategy } from "../document/release.ts";
import { wholePercent } from "./whole-percent.ts";

/**
 * The capacities of a gated rollout, each larger than the one before, the last always the whole target: one instance
 * and then all, or the steps of the document, of which shares are of the target and at least one instance.
 */
export function toGatedSteps(
  strategy: Strategy,
  steps: readonly RolloutStep[],
  targetLaunched: number,
): readonly number[] {
  const asked = strategy === "GatedCanary" ? [1] : steps.map((step) => toCount(step, targetLaunched));
  const early = asked.filter((count) => count < targetLaunched);
  return [...new Set(early)].sort((one, other) => one - other).concat(targetLaunched);
}

function toCount(step: RolloutStep, targetLaunched: number): number {
  if (typeof step === "number") return Math.max(1, Math.trunc(step));
  return Math.max(1, wholePercent(targetLaunched, Number.parseFloat(step) / 100));
}
