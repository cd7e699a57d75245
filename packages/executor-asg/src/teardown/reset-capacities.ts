import { capacityAfterSuccess } from "../capacity/capacity-after-success.ts";
import { planCapacity } from "../capacity/plan-capacity.ts";
import type { Service } from "../document/release.ts";
import { setCapacity } from "../drain/set-capacity.ts";
import { loadGroupsNamed } from "../lookups/load-groups.ts";
import type { ReleaseDeps, ReleaseWork } from "../release-deps.ts";
import { toServiceOrder } from "../service-order.ts";

/**
 * Takes the spread back from the new groups after success. A release that serves does not fail because of some servers too many:
 * what goes wrong is told and left.
 */
export async function resetCapacities(deps: ReleaseDeps, work: ReleaseWork): Promise<void> {
  // The first generation had no such step: its groups keep their spread.
  if (deps.constants.generation === "step-asg-deployer") return;
  for (const service of toServiceOrder(work.release)) {
    try {
      await resetCapacity(deps, work, service);
    } catch (error) {
      deps.signal.throwIfAborted();
      deps.logger.warn("a capacity was not reset", { service: service.service_name, error });
      deps.report(`${service.service_name}: the desired capacity was not reset, and keeps the spread`);
    }
  }
}

async function resetCapacity(deps: ReleaseDeps, { release, state }: ReleaseWork, service: Service): Promise<void> {
  const known = state.services[service.service_name];
  const [group] = known?.created_asg === undefined ? [] : await loadGroupsNamed(deps, [known.created_asg]);
  if (group === undefined) return;
  const { autoscaling } = service;
  const capacity = capacityAfterSuccess({
    min_size: autoscaling.min_size,
    plan: planCapacity(autoscaling, known?.previous_desired_capacity),
    currentDesired: group.DesiredCapacity ?? 0,
    keepScaled: release.keep_scaled_capacity,
  });
  await setCapacity(deps, group, capacity);
}
