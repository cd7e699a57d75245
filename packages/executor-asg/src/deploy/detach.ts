import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import {
  type ReleaseDeps,
  ReleaseError,
  type ReleaseState,
  type ReleaseTask,
  type ReleaseWork,
  toReleaseError,
} from "../release-state.ts";
import { loadGroupsNamed, toTagMap } from "../resources/groups.ts";
import {
  type DrainVerdict,
  detachTraffic,
  doAll,
  emptyByHooks,
  findDrainBegan,
  followOldCapacity,
  hasOwnDrainTime,
  judgeDrain,
  loadAttachments,
  noteDrainBegan,
  noteFormerService,
  RETIRED_TAGS,
  toPatience,
} from "./drain.ts";
import { findUnhealthy } from "./observe.ts";
import {
  deleteLaunchIfFree,
  loadProjectGroups,
  type ProjectGroups,
  removeOld,
  resetCapacities,
  sweepOwn,
  tearDownGroup,
} from "./teardown.ts";

/**
 * Takes the groups of all earlier releases from their load balancers, and waits until their last connections are gone: each try asks
 * again for what is still listed and throws `DETACH_FAILED` while something is not `Removed`. Never begins while a new group has too
 * few healthy instances: traffic would have nowhere to go. `SkipDetach` does nothing here, `SkipDetachCheck` does not wait. After
 * `drain_timeout` it ends with a note; `drain_timeout_action` decides in the clean-up.
 */
export const detachForSuccess: ReleaseTask = (deps, work) =>
  orDetachError("The old groups were not detached.", async () => {
    const { release } = work;
    if (release.detach_strategy === "SkipDetach" && !release.drain_hooks) return work.state;
    const groups = await loadProjectGroups(deps, { ...release, fencing_token: work.state.fencing_token });
    reportOthers(deps, groups);
    if (groups.old.length === 0) return work.state;
    const state = await followOldCapacity(deps, work, groups.old);
    await requireHealthy(deps, { release, state });
    await doAll(groups.old, (group) => beginDetach(deps, work, group));
    return toDrained(deps, { release, state: { ...state, old_groups: groups.old.map(toName) } }, groups.old);
  });

/** Takes the groups of this release from their load balancers, and waits for nothing: they never served, or served badly. */
export const detachForFailure: ReleaseTask = (deps, work) =>
  orDetachError("The groups of the release were not detached.", async () => {
    const { release, state } = work;
    if (release.detach_strategy === "SkipDetach" && !release.drain_hooks) return state;
    const { own } = await loadProjectGroups(deps, release);
    await doAll(own, async (group) => {
      if (release.detach_strategy !== "SkipDetach") await detachTraffic(deps, group);
      if (release.drain_hooks) await emptyByHooks(deps, group);
      deps.report(`detached group ${toName(group)}`);
    });
    return state;
  });

async function orDetachError(what: string, work: () => Promise<ReleaseState>): Promise<ReleaseState> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ReleaseError && error.errorClass !== "DetachError") {
      throw new ReleaseError("DETACH_FAILED", `${what} ${error.message}`, { cause: error });
    }
    throw toReleaseError("DETACH_FAILED", error, what);
  }
}

function reportOthers({ report }: ReleaseDeps, { unowned, newer }: ProjectGroups): void {
  for (const group of unowned)
    report(`group ${toName(group)} is of no release: left as it is, see "stackyard release repair"`);
  for (const group of newer) report(`group ${toName(group)} is of a newer release: left as it is`);
}

async function requireHealthy(deps: ReleaseDeps, work: ReleaseWork): Promise<void> {
  const unhealthy = await findUnhealthy(deps, work);
  if (unhealthy.length === 0) return;
  const message = `Service ${unhealthy.join(", service ")}. The old groups keep their traffic.`;
  throw new ReleaseError("DETACH_FAILED", message, { partial: work.state });
}

async function beginDetach(deps: ReleaseDeps, work: ReleaseWork, group: AutoScalingGroup): Promise<void> {
  const { release } = work;
  try {
    if (release.rollback_window > 0) await noteFormerService(deps, group);
    if (hasOwnDrainTime(work)) await noteDrainBegan(deps, group);
    if (release.detach_strategy !== "SkipDetach") await detachTraffic(deps, group);
  } catch (error) {
    throw toReleaseError("DETACH_FAILED", error, `Group "${toName(group)}" was not detached.`);
  }
}

async function toDrained(
  deps: ReleaseDeps,
  work: ReleaseWork,
  old: readonly AutoScalingGroup[],
): Promise<ReleaseState> {
  const verdict = await lookAtDrain(deps, work, old);
  if (verdict.kind === "waiting") {
    await bePatient(deps, work);
    throw new ReleaseError("DETACH_FAILED", verdict.message, { partial: work.state });
  }
  if (verdict.kind === "drained") return work.state;
  deps.report(verdict.message);
  const error = { Error: "DetachError", Cause: verdict.message };
  return { ...work.state, later_errors: [...(work.state.later_errors ?? []), error] };
}

async function bePatient({ clock, signal }: ReleaseDeps, work: ReleaseWork): Promise<void> {
  const seconds = toPatience(work);
  if (seconds === 0) return;
  await clock.sleep(seconds * 1_000, signal);
  signal.throwIfAborted();
}

async function lookAtDrain(
  deps: ReleaseDeps,
  { release }: ReleaseWork,
  old: readonly AutoScalingGroup[],
): Promise<DrainVerdict> {
  const isChecked = release.detach_strategy === "Detach";
  const attachments = isChecked
    ? (await Promise.all(old.map((group) => loadAttachments(deps, toName(group))))).flat()
    : [];
  const facts = { now: deps.clock.now(), beganAt: findDrainBegan(old), budgetSeconds: release.drain_timeout };
  const verdict = judgeDrain({ attachments, remaining: {}, ...facts });
  // Servers are told to end only when nobody asks them any more.
  if (verdict.kind === "waiting" || !release.drain_hooks || release.rollback_window > 0) return verdict;
  const remaining: Record<string, number> = {};
  for (const group of old) remaining[toName(group)] = await emptyByHooks(deps, group);
  return judgeDrain({ attachments, remaining, ...facts });
}

function toName({ AutoScalingGroupName = "" }: AutoScalingGroup): string {
  return AutoScalingGroupName;
}

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
