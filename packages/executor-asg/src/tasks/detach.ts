import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { detachTraffic } from "../drain/detach-traffic.ts";
import { findDrainBegan, hasOwnDrainTime, noteDrainBegan, toPatience } from "../drain/drain-clock.ts";
import { emptyByHooks } from "../drain/empty-by-hooks.ts";
import { followOldCapacity } from "../drain/follow-old-capacity.ts";
import { type DrainVerdict, judgeDrain } from "../drain/judge-drain.ts";
import { loadAttachments } from "../drain/load-attachments.ts";
import { findUnhealthy } from "../observe/find-unhealthy.ts";
import type { ReleaseDeps, ReleaseTask, ReleaseWork } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import type { ReleaseState } from "../release-state.ts";
import { noteFormerService } from "../retire/retire-group.ts";
import { doAll } from "../teardown/do-all.ts";
import { loadProjectGroups, type ProjectGroups } from "../teardown/load-project-groups.ts";
import { toReleaseError } from "../to-release-error.ts";

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
