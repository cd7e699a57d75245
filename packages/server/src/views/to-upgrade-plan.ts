import type { createPlanner } from "@stackyard/core/engine";
import { toInstant } from "../schemas/common.ts";
import type { UpgradePlan } from "../schemas/upgrade.ts";

type Plan = NonNullable<Awaited<ReturnType<ReturnType<typeof createPlanner>["planUpgrade"]>>>;
type Difference = Plan["differences"][number];

/** A plan as the API shows it. */
export function toUpgradePlan(plan: Plan): UpgradePlan {
  return { ...plan, differences: plan.differences.map(toDifference), end: plan.end.map((each) => ({ ...each })) };
}

function toDifference({ at, before, after, ...rest }: Difference): UpgradePlan["differences"][number] {
  return {
    ...rest,
    at: toInstant(at),
    ...(before === undefined ? {} : { before: { ...before, sent: [...before.sent] } }),
    after: { ...after, sent: [...after.sent] },
  };
}
