import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { toTagMap } from "../lookups/tag-map.ts";
import type { ReleaseDeps, ReleaseWork } from "../release-deps.ts";
import { tagGroup } from "../retire/tag-group.ts";

/** Since when a group is being detached. A failed state forgets what it knew; a tag outlives it, and the process. */
const DETACH_BEGAN_TAG = "stackyard:detach-began-at";

/** Sixty tries, ten seconds apart, are what the table of states gives: it needs no clock of its own. */
const TABLE_SECONDS = 600;

/** Tries of the table after the first. */
const TABLE_RETRIES = 60;

/** How long each try waits by itself, in seconds, so that all tries of the table last as long as the release's own time. */
export function toPatience({ release }: ReleaseWork): number {
  return Math.max(0, Math.ceil((release.drain_timeout - TABLE_SECONDS) / TABLE_RETRIES));
}

/** Does the release have a time of its own for the drain? */
export function hasOwnDrainTime({ release }: ReleaseWork): boolean {
  return release.drain_timeout !== TABLE_SECONDS;
}

/** Notes the beginning, once a group. Where that fails the table's tries are the limit. */
export async function noteDrainBegan(deps: ReleaseDeps, group: AutoScalingGroup): Promise<void> {
  if (toTagMap(group.Tags)[DETACH_BEGAN_TAG] !== undefined) return;
  const name = group.AutoScalingGroupName ?? "";
  try {
    await tagGroup(deps, name, { [DETACH_BEGAN_TAG]: new Date(deps.clock.now()).toISOString() });
  } catch (error) {
    deps.signal.throwIfAborted();
    deps.logger.warn("the beginning of the detachment could not be noted", { group: name, error });
  }
}

/** The earliest beginning of these groups, epoch ms. */
export function findDrainBegan(groups: readonly AutoScalingGroup[]): number | undefined {
  const instants = groups
    .map(({ Tags }) => Date.parse(toTagMap(Tags)[DETACH_BEGAN_TAG] ?? ""))
    .filter((at) => !Number.isNaN(at));
  return instants.length === 0 ? undefined : Math.min(...instants);
}
