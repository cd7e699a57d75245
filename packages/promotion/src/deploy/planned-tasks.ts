import type { DeployRow, DeployState } from "./deploy-row.ts";
import { findPlanHead, listPlanPages, type PlanDeps } from "./plan-records.ts";

/**
 * Returns what the plan of a deployment foresees for the stacks of these rows; of one without a plan, nothing. It reads the
 * records of the plan in their order, each at most once, until all are found: 50 for a task with 10,000 stacks.
 */
export async function findPlannedTasks(
  deps: PlanDeps,
  { plan, release: { task } }: Pick<DeployState, "plan" | "release">,
  rows: readonly Pick<DeployRow, "stack">[],
): Promise<ReadonlyMap<string, string[]>> {
  const found = new Map<string, string[]>();
  const wanted = new Set(rows.map(({ stack }) => stack));
  const head = plan === undefined || wanted.size === 0 ? undefined : await findPlanHead(deps, plan);
  if (head === undefined) return found;
  for await (const entries of listPlanPages(deps, head)) {
    for (const entry of entries) {
      if (entry.task === task && wanted.delete(entry.stack)) found.set(entry.stack, [...entry.tasks]);
    }
    if (wanted.size === 0) break;
  }
  return found;
}
