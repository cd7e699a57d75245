import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { isDenial } from "@stackyard/aws";
import { failWith, ReleaseError, toReleaseError } from "../release-errors.ts";
import type { ReleaseDeps, ReleaseState, ReleaseTask, ReleaseWork } from "../release-state.ts";
import { loadGroupsNamed, nameOfGroup, toTagMap } from "../resources/load-groups.ts";
import { removeGroups, withPatience } from "./busy-group.ts";
import {
  type DrainVerdict,
  detachTraffic,
  doAll,
  emptyByHooks,
  evaluateDrain,
  findDrainBegan,
  hasOwnDrainTime,
  loadAllAttachments,
  noteDrainBegan,
  toPatience,
} from "./drain.ts";
import { noteFormerService, RETIRED_TAGS } from "./kept-group.ts";
import { findUnhealthy } from "./observe.ts";
import { listOldNames, listOwnNames, loadProjectGroups, type ProjectGroups } from "./project-groups.ts";
import { followOldCapacity } from "./set-capacity.ts";
import { deleteLaunchIfFree, removeOld, resetCapacities, sweepOwn, tearDownGroup } from "./teardown.ts";

/**
 * Detaches the groups of all earlier releases from their load balancers and waits for their last connections. Each try
 * queries the attachments again, and throws `DETACH_FAILED` while one is not `Removed`. Never starts while a new group
 * has too few healthy instances. `SkipDetach` does nothing; `SkipDetachCheck` does not wait. After `drain_timeout` it
 * ends with an error in `later_errors`; `drain_timeout_action` is applied by the clean-up.
 */
export const detachForSuccess: ReleaseTask = (deps, work) =>
  orDetachError("Cannot detach the old groups.", async () => {
    const { release } = work;
    if (release.detach_strategy === "SkipDetach" && !release.drain_hooks) return work.state;
    const groups = await loadProjectGroups(deps, work, listOldNames(work.state));
    reportOthers(deps, groups);
    if (groups.old.length === 0) return work.state;
    const state = await followOldCapacity(deps, work, groups.old);
    await requireHealthy(deps, { release, state });
    await doAll(groups.old, (group) => beginDetach(deps, work, group));
    return toDrained(deps, { release, state: { ...state, old_groups: groups.old.map(nameOfGroup) } }, groups.old);
  });

/** Detaches the groups of this release without waiting: they never served, or served badly. */
export const detachForFailure: ReleaseTask = (deps, work) =>
  orDetachError("Cannot detach the groups of the release.", async () => {
    const { release, state } = work;
    if (release.detach_strategy === "SkipDetach" && !release.drain_hooks) return state;
    const { own } = await loadProjectGroups(deps, work, listOwnNames(state));
    await doAll(own, async (group) => {
      if (release.detach_strategy !== "SkipDetach") await detachTraffic(deps, group);
      if (release.drain_hooks) await emptyByHooks(deps, group);
      deps.report(`detached group ${nameOfGroup(group)}`);
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
    report(`group ${nameOfGroup(group)} has no release id and is not changed; see "stackyard asg repair"`);
  for (const group of newer) report(`group ${nameOfGroup(group)} belongs to a newer release and is not changed`);
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
    const what = `Group "${nameOfGroup(group)}" cannot be detached.`;
    throw toReleaseError("DETACH_FAILED", error, what, isDenial(error) ? DETACH_DENIED : "");
  }
}

async function toDrained(
  deps: ReleaseDeps,
  work: ReleaseWork,
  old: readonly AutoScalingGroup[],
): Promise<ReleaseState> {
  const verdict = await checkDrain(deps, work, old);
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

async function checkDrain(
  deps: ReleaseDeps,
  { release }: ReleaseWork,
  old: readonly AutoScalingGroup[],
): Promise<DrainVerdict> {
  const attachments = release.detach_strategy === "Detach" ? await loadAllAttachments(deps, old) : [];
  const facts = { now: deps.clock.now(), beganAt: findDrainBegan(old), budgetSeconds: release.drain_timeout };
  const verdict = evaluateDrain({ attachments, remaining: {}, ...facts });
  // Terminate servers only when they no longer receive requests.
  if (verdict.kind === "waiting" || !release.drain_hooks || release.rollback_window > 0) return verdict;
  const remaining: Record<string, number> = {};
  for (const group of old) remaining[nameOfGroup(group)] = await emptyByHooks(deps, group);
  return evaluateDrain({ attachments, remaining, ...facts });
}

/**
 * Deletes the groups of all earlier releases, or keeps them for their rollback window, resets the capacity of the new
 * groups, and releases the locks last, so that no other release starts earlier. Never deletes while a new group has too
 * few healthy instances, nor, with `drain_timeout_action: fail`, while an old group is still attached: then it throws
 * `CLEAN_UP_FAILED`, and after some tries both groups are left for a person to decide. Every part can be repeated.
 */
export const cleanUpSuccess: ReleaseTask = (deps, work) =>
  withPatience(deps, work, () => orCleanUpError("The clean-up after the release failed.", () => cleanUp(deps, work)));

async function cleanUp(deps: ReleaseDeps, work: ReleaseWork): Promise<ReleaseState> {
  const { release, state } = work;
  const groups = await loadProjectGroups(deps, work, listOldNames(state));
  if (groups.old.length > 0) await requireSafe(deps, work, groups.old);
  const left = await removeOld(deps, work, groups);
  await resetCapacities(deps, work);
  await clearHalts(deps, work);
  await deps.memory.locks.release(release, state.uuid);
  return { ...state, success: true, ...(left.length > 0 && { left_groups: left.map(nameOfGroup) }) };
}

/** Deletes everything that the release created. The locks are released by the next state. */
export const cleanUpFailure: ReleaseTask = (deps, work) =>
  withPatience(deps, work, () =>
    orCleanUpError("The clean-up after the failed release failed.", () => cleanUpOwn(deps, work)),
  );

async function cleanUpOwn(deps: ReleaseDeps, work: ReleaseWork): Promise<ReleaseState> {
  const { own, leavingOwn } = await loadProjectGroups(deps, work, listOwnNames(work.state));
  const left = await removeGroups(deps, work, { groups: own, remove: (group) => tearDownGroup(deps, group) });
  for (const group of leavingOwn) await deleteLaunchIfFree(deps, group);
  await sweepOwn(deps, work, left.map(nameOfGroup));
  return { ...work.state, success: false, ...(left.length > 0 && { left_groups: left.map(nameOfGroup) }) };
}

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
    const message = `Service ${unhealthy.join(", service ")}. The old groups were not deleted. Decide which to keep.`;
    throw new ReleaseError("CLEAN_UP_FAILED", message);
  }
  const { detach_strategy, drain_timeout_action } = work.release;
  const wasDenied = isDetachDenied(work.state);
  const mustBeGone = drain_timeout_action === "fail" && detach_strategy === "Detach";
  if (!wasDenied && !mustBeGone) return;
  const attachments = await loadAllAttachments(deps, old);
  const attached = attachments.filter(({ state }) => state !== "Removed");
  if (attached.length === 0) return;
  const list = attached.map(({ group, id, state }) => `"${group}" is ${state} in ${id}`).join("; ");
  if (wasDenied) throw new ReleaseError("CLEAN_UP_FAILED", `${list}. ${DETACH_DENIED} Nothing was deleted.`);
  throw new ReleaseError("CLEAN_UP_FAILED", `${list}. "drain_timeout_action" is "fail": nothing was deleted.`);
}

/** A denial is not a slow drain: the groups still receive requests. */
const DETACH_DENIED =
  "The role may lack autoscaling:DetachLoadBalancerTargetGroups or autoscaling:DetachLoadBalancers.";

/** Returns true if the state contains the error of a denied detachment, which is kept as text. */
function isDetachDenied({ error, later_errors = [] }: ReleaseState): boolean {
  return [...(error ? [error] : []), ...later_errors].some(({ Cause }) => Cause.includes(DETACH_DENIED));
}

async function clearHalts({ memory, logger, signal }: ReleaseDeps, { release }: ReleaseWork): Promise<void> {
  try {
    await memory.clearHalts(release, { outcome: "too-late", reason: "The release had succeeded." });
  } catch (error) {
    signal.throwIfAborted();
    logger.warn("cannot clear halt requests", { error });
  }
}

/** A Lambda function has five minutes in total. */
const MAX_WAIT_SECONDS = 200;
const LOOK_SECONDS = 10;

/**
 * Deletes the groups that this release kept, when their rollback window is over. Groups that returned to service, or
 * that a later release deleted, are skipped. Uses its own locks, which are released on errors and kept after a crash
 * for the repeat. Throws `LOCK_EXISTS` while another operation holds the locks; call it again later.
 */
export const retireKept: ReleaseTask = async (deps, work) => {
  if ((await findKept(deps, work)).length === 0) return work.state;
  const key = { ...work.release, release_id: `${work.release.release_id}.retire` };
  const owner = `${work.state.uuid}.retire`;
  const answer = await deps.memory.locks.acquire(key, owner);
  if (answer.kind === "held") throw new ReleaseError("LOCK_EXISTS", answer.message);
  try {
    // A rollback may have returned them to service before the locks were acquired.
    await doAll(await findKept(deps, work), (group) => remove(deps, work, group));
  } finally {
    await deps.memory.locks.release(key, owner);
  }
  return work.state;
};

async function findKept(deps: ReleaseDeps, work: ReleaseWork): Promise<readonly AutoScalingGroup[]> {
  const { release } = work;
  const { retired } = await loadProjectGroups(deps, work).catch(
    failWith("CLEAN_UP_FAILED", "Cannot look up the kept groups."),
  );
  return retired.filter(({ Tags }) => toTagMap(Tags)[RETIRED_TAGS.by] === release.release_id);
}

async function remove(deps: ReleaseDeps, { release }: ReleaseWork, group: AutoScalingGroup): Promise<void> {
  if (release.drain_hooks) await waitUntilEmpty(deps, group, Math.min(release.drain_timeout, MAX_WAIT_SECONDS));
  await tearDownGroup(deps, group);
}

/** Waits for termination hooks. The group is deleted afterwards in any case. */
async function waitUntilEmpty(deps: ReleaseDeps, group: AutoScalingGroup, seconds: number): Promise<void> {
  const endsAt = deps.clock.now() + seconds * 1_000;
  let left = await emptyByHooks(deps, group);
  while (left > 0 && deps.clock.now() < endsAt) {
    await deps.clock.sleep(LOOK_SECONDS * 1_000, deps.signal);
    deps.signal.throwIfAborted();
    const [now] = await loadGroupsNamed(deps, [nameOfGroup(group)]);
    left = now?.Instances?.length ?? 0;
  }
}
