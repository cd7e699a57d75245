import { detachTraffic } from "../drain/detach-traffic.ts";
import { setCapacity } from "../drain/set-capacity.ts";
import { loadGroupsNamed } from "../lookups/load-groups.ts";
import { toTagMap } from "../lookups/tag-map.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { parseFormerTags } from "../retire/retired-tags.ts";

/** Makes groups that were about to come back kept ones again: without traffic, and without servers where there never was any. */
export async function restoreKept(
  deps: Pick<ReleaseDeps, "target" | "signal">,
  names: readonly string[],
): Promise<void> {
  for (const group of await loadGroupsNamed(deps, names)) {
    await detachTraffic(deps, group);
    const former = parseFormerTags(toTagMap(group.Tags), deps.target);
    const hadTraffic = former !== undefined && former.elbs.length + former.targetGroupArns.length > 0;
    if (!hadTraffic) await setCapacity(deps, group, { min: 0, desired: 0 });
  }
}
