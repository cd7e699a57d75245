import type { DeployPlan } from "@stackyard/sdk";

/** Returns how many stacks a plan moves, those that it creates among them. */
export function countMoved({ counts }: Pick<DeployPlan, "counts">): number {
  return counts.move + counts.create;
}
