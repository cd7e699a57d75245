import { AutoScalingClient, type AutoScalingGroup, UpdateAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import { toServiceOrder } from "../document/release.ts";
import { type Capacity, planCapacity } from "../plan/capacity.ts";
import { RELEASE_TAGS } from "../plan/names.ts";
import type { AwsDeps, ReleaseDeps, ReleaseState, ReleaseWork } from "../release-state.ts";
import { loadGroupsNamed, toTagMap } from "../resources/load-groups.ts";

/** Sets the minimum and desired capacity of a group, unless it has them already. */
export async function setCapacity(
  { target, signal }: AwsDeps,
  { AutoScalingGroupName, MinSize, DesiredCapacity }: AutoScalingGroup,
  { min, desired }: Capacity,
): Promise<void> {
  if (MinSize === min && DesiredCapacity === desired) return;
  const command = new UpdateAutoScalingGroupCommand({ AutoScalingGroupName, MinSize: min, DesiredCapacity: desired });
  await target.client(AutoScalingClient).send(command, { abortSignal: signal });
}

/**
 * Raises the capacity of a new group, with `keep_scaled_capacity`, if the old one has grown since the release began;
 * the new one is enlarged before traffic moves. A lower capacity changes nothing. Returns the state with the capacities
 * found.
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
