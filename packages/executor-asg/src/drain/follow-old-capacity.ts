import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { planCapacity } from "../capacity/plan-capacity.ts";
import { RELEASE_TAGS } from "../launch/release-tags.ts";
import { loadGroupsNamed } from "../lookups/load-groups.ts";
import { toTagMap } from "../lookups/tag-map.ts";
import type { ReleaseDeps, ReleaseWork } from "../release-deps.ts";
import type { ReleaseState } from "../release-state.ts";
import { toServiceOrder } from "../service-order.ts";
import { setCapacity } from "./set-capacity.ts";

/**
 * With `keep_scaled_capacity`: an old group that has grown since the release began raises what the new one needs, and the new one is
 * enlarged before traffic moves. A capacity that has fallen changes nothing. Gives the state with the capacities found.
 */
export async function followOldCapacity(
  deps: ReleaseDeps,
  { release, state }: ReleaseWork,
  old: readonly AutoScalingGroup[],
): Promise<ReleaseState> {
  if (!release.keep_scaled_capacity) return state;
  const services = { ...state.services };
  for (const service of toServiceOrder(release)) {
    const { service_name: name, autoscaling } = service;
    const known = services[name];
    const before = findDesired(old, name);
    if (known === undefined || before === undefined || before <= (known.previous_desired_capacity ?? 0)) continue;
    services[name] = { ...known, previous_desired_capacity: before };
    const { targetLaunched } = planCapacity(autoscaling, before);
    await enlarge(deps, known.created_asg, targetLaunched);
  }
  return { ...state, services };
}

function findDesired(old: readonly AutoScalingGroup[], service: string): number | undefined {
  const ofService = old.filter(({ Tags }) => toTagMap(Tags)[RELEASE_TAGS.service] === service);
  return ofService.length === 0 ? undefined : Math.max(...ofService.map(({ DesiredCapacity = 0 }) => DesiredCapacity));
}

async function enlarge(deps: ReleaseDeps, name: string | undefined, desired: number): Promise<void> {
  const [group] = name === undefined ? [] : await loadGroupsNamed(deps, [name]);
  if (group === undefined || (group.DesiredCapacity ?? 0) >= desired) return;
  await setCapacity(deps, group, { min: group.MinSize ?? 0, desired });
  deps.report(`group ${name}: desired capacity ${desired}, since the old group has grown`);
}
