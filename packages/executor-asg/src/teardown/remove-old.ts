import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { toTagMap } from "../lookups/tag-map.ts";
import type { ReleaseDeps, ReleaseWork } from "../release-deps.ts";
import { retireGroup } from "../retire/retire-group.ts";
import { RETIRED_TAGS } from "../retire/retired-tags.ts";
import { deleteLaunch } from "./delete-launch.ts";
import { doAll } from "./do-all.ts";
import type { ProjectGroups } from "./load-project-groups.ts";
import { sweepOld } from "./sweep-old.ts";
import { tearDownGroup } from "./tear-down-group.ts";

/**
 * Deletes the old groups, or keeps them where the release has a rollback window; then what releases before them have left: groups that
 * were kept and are due, templates and launch configurations without a group. Throws `CLEAN_UP_FAILED` after all was tried.
 */
export async function removeOld(deps: ReleaseDeps, work: ReleaseWork, groups: ProjectGroups): Promise<void> {
  const { release, state } = work;
  const window = { releaseId: release.release_id, windowSeconds: release.rollback_window };
  const isKept = release.rollback_window > 0;
  await doAll(groups.old, (group) => (isKept ? retireGroup(deps, group, window) : tearDownGroup(deps, group)));
  const due = groups.retired.filter(({ Tags }) => toTagMap(Tags)[RETIRED_TAGS.by] !== release.release_id);
  await doAll(due, (group) => tearDownGroup(deps, group));
  for (const group of groups.leavingOld) await deleteLaunchIfFree(deps, group);
  const removed = [...(isKept ? [] : groups.old), ...due];
  const standing = [groups.own, groups.old, groups.retired, groups.unowned, groups.newer].flat();
  const previous = Object.values(state.services).flatMap(({ resources }) => resources?.prev_asg_arn ?? []);
  await sweepOld(deps, work, {
    living: standing.filter((group) => !removed.includes(group)).map(toName),
    gone: [...removed.map(toName), ...previous, ...(state.old_groups ?? [])],
  });
}

/** Somebody deletes this group; its servers may take their time, and a configuration in use is deleted by nobody. */
export async function deleteLaunchIfFree(deps: ReleaseDeps, group: AutoScalingGroup): Promise<void> {
  try {
    await deleteLaunch(deps, group);
  } catch (error) {
    deps.signal.throwIfAborted();
    deps.logger.warn("what a group was launched from was not deleted", { group: toName(group), error });
  }
}

function toName({ AutoScalingGroupName = "" }: AutoScalingGroup): string {
  return AutoScalingGroupName;
}
