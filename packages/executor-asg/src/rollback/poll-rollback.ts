import { detachTraffic } from "../drain/detach-traffic.ts";
import { judgeDrain } from "../drain/judge-drain.ts";
import { loadAttachments } from "../drain/load-attachments.ts";
import { decideHalt } from "../halt/decide-halt.ts";
import { loadGroupsNamed } from "../lookups/load-groups.ts";
import { toTagMap } from "../lookups/tag-map.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import type { ReleaseFailureCode } from "../release-error.ts";
import { joinSentences } from "../report/join-sentences.ts";
import { findRetiredKeys } from "../retire/retired-tags.ts";
import { untagGroup } from "../retire/tag-group.ts";
import { doAll } from "../teardown/do-all.ts";
import { tearDownGroup } from "../teardown/tear-down-group.ts";
import { toReleaseError } from "../to-release-error.ts";
import { findUnhealthyKept } from "./look-at-kept.ts";
import { restoreKept } from "./restore-kept.ts";
import type { RollbackProgress } from "./rollback-progress.ts";
import { type RollbackInput, type RollbackStep, toRollbackKey } from "./rollback-step.ts";

const HEAL_SECONDS = 15;
const DRAIN_SECONDS = 10;
const DEFAULT_TIMEOUT_SECONDS = 600;
/** For connections of the release that is left; as long as the states of a release give. */
const DRAIN_BUDGET_SECONDS = 600;
const MAX_RELAPSE_SECONDS = 3_600;

/**
 * Goes on with a rollback. The release that runs keeps its traffic until the groups that come back are healthy; then it loses it, and
 * its groups are deleted. Not healthy in time, or halted: all is as before, and the kept groups are kept. Errors of AWS are tried
 * again by the next poll. Throws them as `ReleaseError`.
 */
export async function pollRollback(
  deps: ReleaseDeps,
  input: RollbackInput,
  progress: RollbackProgress,
): Promise<RollbackStep> {
  const lock = await deps.memory.locks.renew(toRollbackKey(input), input.uuid);
  if (lock === "released") {
    // The end of it is delivered once more.
    if (progress.phase === "leaving") return succeeded(progress);
    return givenUp(progress, "RELEASE_HALTED", "The rollback was given up.");
  }
  if (lock !== "held") {
    const message = "The locks went to somebody else while the rollback worked. See which groups serve.";
    return { kind: "failed", code: "LOCK_FAILED", message, dirty: true };
  }
  try {
    return progress.phase === "healing" ? await heal(deps, input, progress) : await leave(deps, input, progress);
  } catch (error) {
    deps.signal.throwIfAborted();
    throw toReleaseError("DETACH_FAILED", error, "The rollback did not get further.");
  }
}

/** Gives up where that leaves all as it was; a rollback whose traffic has moved goes on to its end. */
export async function cancelRollback(
  deps: ReleaseDeps,
  input: RollbackInput,
  progress: RollbackProgress,
  reason: string,
): Promise<RollbackStep> {
  if (progress.phase === "leaving") return pollRollback(deps, input, progress);
  return giveUp(deps, input, progress, { code: "RELEASE_HALTED", message: reason });
}

async function heal(deps: ReleaseDeps, input: RollbackInput, progress: RollbackProgress): Promise<RollbackStep> {
  const verdict = decideHalt({
    now: deps.clock.now(),
    startedAt: progress.beganAt,
    timeoutSeconds: input.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    halts: await deps.memory.listHalts(toRollbackKey(input)).catch(() => "unreadable" as const),
  });
  const unhealthy = await findUnhealthyKept(deps, progress.kept);
  if (verdict.kind === "halt") {
    const message = [verdict.message, ...unhealthy].join("; ");
    return giveUp(deps, input, progress, { code: verdict.code, message });
  }
  if (unhealthy.length > 0) return running(deps, progress, HEAL_SECONDS, `Not healthy yet: ${unhealthy.join("; ")}.`);
  const next: RollbackProgress = { ...progress, phase: "leaving", beganAt: deps.clock.now() };
  return running(deps, next, 0, `Release "${progress.releaseId}" leaves.`);
}

/** From here on there is no way back: the groups from before serve, and the others go. */
async function leave(deps: ReleaseDeps, input: RollbackInput, progress: RollbackProgress): Promise<RollbackStep> {
  const unhealthy = await findUnhealthyKept(deps, progress.kept);
  if (unhealthy.length > 0) return waitForKept(deps, input, progress, unhealthy.join("; "));
  const left = await loadGroupsNamed(deps, progress.left);
  await doAll(left, (group) => detachTraffic(deps, group));
  const attachments = await Promise.all(
    left.map(({ AutoScalingGroupName = "" }) => loadAttachments(deps, AutoScalingGroupName)),
  );
  const verdict = judgeDrain({
    attachments: attachments.flat(),
    remaining: {},
    now: deps.clock.now(),
    beganAt: progress.beganAt,
    budgetSeconds: DRAIN_BUDGET_SECONDS,
  });
  if (verdict.kind === "waiting") return running(deps, progress, DRAIN_SECONDS, verdict.message);
  // First these are no longer kept ones: where the process dies now, nobody may delete them as such.
  for (const group of await loadGroupsNamed(deps, progress.kept)) {
    await untagGroup(deps, group.AutoScalingGroupName ?? "", findRetiredKeys(toTagMap(group.Tags)));
  }
  await doAll(left, (group) => tearDownGroup(deps, group));
  await endRollback(deps, input);
  return succeeded(progress);
}

/** They were healthy when traffic moved to them. For an hour they may become so again; after that somebody has to look. */
async function waitForKept(
  deps: ReleaseDeps,
  input: RollbackInput,
  progress: RollbackProgress,
  reasons: string,
): Promise<RollbackStep> {
  if (deps.clock.now() - progress.beganAt < MAX_RELAPSE_SECONDS * 1_000) {
    return running(deps, progress, HEAL_SECONDS, `Waits: ${reasons}.`);
  }
  await deps.memory.locks.keep(toRollbackKey(input), input.uuid);
  const message = `${reasons}. Nothing was deleted: groups of "${progress.releaseId}" stand too. See which are to stay.`;
  return { kind: "failed", code: "HEALTH_CHECK_FAILED", message, dirty: true };
}

async function giveUp(
  deps: ReleaseDeps,
  input: RollbackInput,
  progress: RollbackProgress,
  { code, message }: { readonly code: ReleaseFailureCode; readonly message: string },
): Promise<RollbackStep> {
  await restoreKept(deps, progress.kept);
  await endRollback(deps, input);
  return givenUp(progress, code, message);
}

async function endRollback({ memory, logger }: ReleaseDeps, input: RollbackInput): Promise<void> {
  const key = toRollbackKey(input);
  await memory.clearHalts(key).catch((error: unknown) => logger.warn("orders to halt were not cleared", { error }));
  await memory.locks.release(key, input.uuid);
}

function running(
  { report }: ReleaseDeps,
  progress: RollbackProgress,
  waitSeconds: number,
  message: string,
): RollbackStep {
  report(message);
  return { kind: "running", progress, waitSeconds, message };
}

function givenUp({ releaseId }: RollbackProgress, code: ReleaseFailureCode, why: string): RollbackStep {
  const message = joinSentences([why, `Release "${releaseId}" runs as before, and the old groups are kept.`]);
  return { kind: "failed", code, message, dirty: false };
}

function succeeded({ previousReleaseId, kept }: RollbackProgress): RollbackStep {
  return { kind: "succeeded", releaseId: previousReleaseId, groups: kept };
}
