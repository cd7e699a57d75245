import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { loadAttachments } from "../drain/load-attachments.ts";
import { findUnhealthy } from "../observe/find-unhealthy.ts";
import type { ReleaseDeps, ReleaseTask, ReleaseWork } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import type { ReleaseState } from "../release-state.ts";
import { doAll } from "../teardown/do-all.ts";
import { loadProjectGroups } from "../teardown/load-project-groups.ts";
import { deleteLaunchIfFree, removeOld } from "../teardown/remove-old.ts";
import { resetCapacities } from "../teardown/reset-capacities.ts";
import { sweepOwn } from "../teardown/sweep-own.ts";
import { tearDownGroup } from "../teardown/tear-down-group.ts";
import { toReleaseError } from "../to-release-error.ts";

/**
 * Deletes the groups of all earlier releases, or keeps them for their rollback window, takes the spread back from the new ones, and
 * gives the locks back, last, so that nobody else's release can be there while this one still works. Never deletes while a new group
 * has too few healthy instances, nor, where the release wants it so, while an old one is still attached: then it throws
 * `CLEAN_UP_FAILED`, and after some tries both stand for a person to look at. Every part can be repeated.
 */
export const cleanUpSuccess: ReleaseTask = (deps, work) =>
  orCleanUpError("The clean-up after the release failed.", async () => {
    const { release, state } = work;
    const groups = await loadProjectGroups(deps, { ...release, fencing_token: state.fencing_token });
    if (groups.old.length > 0) await requireSafe(deps, work, groups.old);
    await removeOld(deps, work, groups);
    await resetCapacities(deps, work);
    await clearHalts(deps, work);
    await deps.memory.locks.release(release, state.uuid);
    return { ...state, success: true };
  });

/** Deletes all that the release has made, groups and what no group leads to. The locks stay: the state after this gives them back. */
export const cleanUpFailure: ReleaseTask = (deps, work) =>
  orCleanUpError("The clean-up after the failed release failed.", async () => {
    const { own, leavingOwn } = await loadProjectGroups(deps, work.release);
    await doAll(own, (group) => tearDownGroup(deps, group));
    for (const group of leavingOwn) await deleteLaunchIfFree(deps, group);
    await sweepOwn(deps, work);
    return { ...work.state, success: false };
  });

async function orCleanUpError(what: string, work: () => Promise<ReleaseState>): Promise<ReleaseState> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ReleaseError && error.releaseCode !== "HEALTH_CHECK_FAILED") throw error;
    if (error instanceof ReleaseError) {
      throw new ReleaseError("CLEAN_UP_FAILED", `${what} ${error.message}`, { cause: error });
    }
    throw toReleaseError("CLEAN_UP_FAILED", error, what);
  }
}

async function requireSafe(deps: ReleaseDeps, work: ReleaseWork, old: readonly AutoScalingGroup[]): Promise<void> {
  const unhealthy = await findUnhealthy(deps, work);
  if (unhealthy.length > 0) {
    const message = `Service ${unhealthy.join(", service ")}. The old groups were not deleted: see which is to stay.`;
    throw new ReleaseError("CLEAN_UP_FAILED", message);
  }
  const { detach_strategy, drain_timeout_action } = work.release;
  if (drain_timeout_action !== "fail" || detach_strategy !== "Detach") return;
  const attachments = (await Promise.all(old.map((group) => loadAttachments(deps, toName(group))))).flat();
  const attached = attachments.filter(({ state }) => state !== "Removed");
  if (attached.length === 0) return;
  const list = attached.map(({ group, id, state }) => `"${group}" is ${state} in ${id}`).join("; ");
  throw new ReleaseError("CLEAN_UP_FAILED", `${list}. "drain_timeout_action" is "fail": nothing was deleted.`);
}

async function clearHalts({ memory, logger, signal }: ReleaseDeps, { release }: ReleaseWork): Promise<void> {
  try {
    await memory.clearHalts(release, { outcome: "too-late", reason: "The release had succeeded." });
  } catch (error) {
    signal.throwIfAborted();
    logger.warn("orders to halt were not cleared", { error });
  }
}

function toName({ AutoScalingGroupName = "" }: AutoScalingGroup): string {
  return AutoScalingGroupName;
}
