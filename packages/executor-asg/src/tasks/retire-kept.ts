import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { emptyByHooks } from "../drain/empty-by-hooks.ts";
import { loadGroupsNamed } from "../lookups/load-groups.ts";
import { toTagMap } from "../lookups/tag-map.ts";
import type { ReleaseDeps, ReleaseTask, ReleaseWork } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import { RETIRED_TAGS } from "../retire/retired-tags.ts";
import { doAll } from "../teardown/do-all.ts";
import { loadProjectGroups } from "../teardown/load-project-groups.ts";
import { tearDownGroup } from "../teardown/tear-down-group.ts";
import { toReleaseError } from "../to-release-error.ts";

/** A function has five minutes in all. */
const MAX_WAIT_SECONDS = 200;
const LOOK_SECONDS = 10;

/**
 * Deletes the groups that this release has kept for its rollback window, when that is over. Groups that have come back meanwhile, or
 * that the next release has deleted, are none any more: then there is nothing to do. It works under locks of its own, which an error
 * gives back and a crash leaves to the repeat. Throws `LOCK_EXISTS` while somebody else works on the project-config: the same again later.
 */
export const retireKept: ReleaseTask = async (deps, work) => {
  if ((await findKept(deps, work)).length === 0) return work.state;
  const key = { ...work.release, release_id: `${work.release.release_id}.retire` };
  const owner = `${work.state.uuid}.retire`;
  const answer = await deps.memory.locks.acquire(key, owner);
  if (answer.kind === "held") throw new ReleaseError("LOCK_EXISTS", answer.message);
  try {
    // A rollback may have taken them back before the locks were ours.
    await doAll(await findKept(deps, work), (group) => remove(deps, work, group));
  } finally {
    await deps.memory.locks.release(key, owner);
  }
  return work.state;
};

async function findKept(deps: ReleaseDeps, { release, state }: ReleaseWork): Promise<readonly AutoScalingGroup[]> {
  try {
    const { retired } = await loadProjectGroups(deps, { ...release, fencing_token: state.fencing_token });
    return retired.filter(({ Tags }) => toTagMap(Tags)[RETIRED_TAGS.by] === release.release_id);
  } catch (error) {
    throw toReleaseError("CLEAN_UP_FAILED", error, "The groups that were kept could not be looked up.");
  }
}

async function remove(deps: ReleaseDeps, { release }: ReleaseWork, group: AutoScalingGroup): Promise<void> {
  if (release.drain_hooks) await waitUntilEmpty(deps, group, Math.min(release.drain_timeout, MAX_WAIT_SECONDS));
  await tearDownGroup(deps, group);
}

/** For the hooks at the end of servers; deleted is it then, whatever is left. */
async function waitUntilEmpty(deps: ReleaseDeps, group: AutoScalingGroup, seconds: number): Promise<void> {
  const endsAt = deps.clock.now() + seconds * 1_000;
  let left = await emptyByHooks(deps, group);
  while (left > 0 && deps.clock.now() < endsAt) {
    await deps.clock.sleep(LOOK_SECONDS * 1_000, deps.signal);
    deps.signal.throwIfAborted();
    const [now] = await loadGroupsNamed(deps, [group.AutoScalingGroupName ?? ""]);
    left = now?.Instances?.length ?? 0;
  }
}
