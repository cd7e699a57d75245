import type { ReleaseDeps, ReleaseWork } from "../release-deps.ts";
import { doAll } from "../teardown/do-all.ts";
import { loadProjectGroups } from "../teardown/load-project-groups.ts";
import { tearDownGroup } from "../teardown/tear-down-group.ts";

/**
 * Deletes the groups that earlier releases have left for a rollback: a new release of their project-config has begun, and they would
 * only cost. What cannot be deleted now stays, and goes at the clean-up of the release; this is no reason for it to fail.
 */
export async function deleteRetired(deps: ReleaseDeps, { release, state }: ReleaseWork): Promise<void> {
  try {
    const { retired } = await loadProjectGroups(deps, { ...release, fencing_token: state.fencing_token });
    await doAll(retired, (group) => tearDownGroup(deps, group));
  } catch (error) {
    deps.signal.throwIfAborted();
    deps.logger.warn("kept groups were not deleted", { error });
    deps.report("groups kept for a rollback were not deleted yet");
  }
}
