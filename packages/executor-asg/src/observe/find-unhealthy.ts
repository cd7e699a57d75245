import type { ReleaseDeps, ReleaseWork } from "../release-deps.ts";
import { toServiceOrder } from "../service-order.ts";
import { completeLook, lookAtGroup } from "./look-at-service.ts";

/**
 * Looks once more at the new groups, right before an old one loses its traffic or its life, and says which services have too few
 * healthy instances now. Terminations, alarms and looks in a row decided before, when traffic was allowed to move; here only the
 * count does. A group that its policies have scaled in since then needs no more than it is to have, but never less than
 * `min_size`. Throws `HEALTH_CHECK_FAILED` where a group cannot be read: what is not seen is not healthy.
 */
export async function findUnhealthy(deps: ReleaseDeps, work: ReleaseWork): Promise<readonly string[]> {
  const unhealthy: string[] = [];
  for (const service of toServiceOrder(work.release)) {
    const { judgement } = await completeLook(deps, await lookAtGroup(deps, work, service), []);
    const { healthy, target_healthy, desired_capacity } = judgement.report;
    const needed = Math.min(target_healthy, Math.max(desired_capacity, service.autoscaling.min_size));
    if (healthy < needed) unhealthy.push(`"${service.service_name}" has ${healthy} of ${needed} healthy instances`);
  }
  return unhealthy;
}
