import { isLimitReached, noteLook, type WatchedTime } from "@stackyard/core";
import type { ReleaseDeps } from "../release-state.ts";
import { loadKnownGroups, nameOfGroup, toTagMap } from "../resources/load-groups.ts";
import { detachTraffic, doAll, evaluateDrain, loadAllAttachments } from "./drain.ts";
import { untagGroup } from "./group-tags.ts";
import { findUnhealthyKept, HEAL_SECONDS } from "./healing.ts";
import { findRetiredKeys } from "./kept-group.ts";
import {
  endRollback,
  type RollbackInput,
  type RollbackProgress,
  type RollbackStep,
  running,
  succeeded,
  toRollbackKey,
} from "./rollback-step.ts";
import { tearDownGroup } from "./teardown.ts";

const DRAIN_SECONDS = 10;
/** Time for connections of the release that is rolled back; the same as in the states of a release. */
const DRAIN_BUDGET_SECONDS = 600;
const MAX_RELAPSE_SECONDS = 3_600;

/** Moves on to the previous groups and deletes the others: the point of no return. */
export async function leave(deps: ReleaseDeps, input: RollbackInput, before: RollbackProgress): Promise<RollbackStep> {
  const watched = noteLook(before.watched, { now: deps.clock.now(), everyMs: HEAL_SECONDS * 1_000 });
  const progress = { ...before, watched };
  const unhealthy = await findUnhealthyKept(deps, progress.kept);
  if (unhealthy.length > 0) return waitForKept(deps, input, progress, unhealthy.join("; "));
  const left = await loadKnownGroups(deps, progress.left);
  await doAll(left, (group) => detachTraffic(deps, group));
  const verdict = evaluateDrain({
    attachments: await loadAllAttachments(deps, left),
    remaining: {},
    now: deps.clock.now(),
    beganAt: progress.beganAt,
    budgetSeconds: DRAIN_BUDGET_SECONDS,
  });
  if (verdict.kind === "waiting") return running(deps, progress, DRAIN_SECONDS, verdict.message);
  // First remove the tags of kept groups, so that they are not deleted as such if the process dies now.
  for (const group of await loadKnownGroups(deps, progress.kept)) {
    await untagGroup(deps, nameOfGroup(group), findRetiredKeys(toTagMap(group.Tags)));
  }
  await doAll(left, (group) => tearDownGroup(deps, group));
  await endRollback(deps, input);
  return succeeded(progress);
}

/** Waits up to an hour for returning groups that were healthy when traffic moved; then a person has to decide. */
async function waitForKept(
  deps: ReleaseDeps,
  input: RollbackInput,
  progress: RollbackProgress & { readonly watched: WatchedTime },
  reasons: string,
): Promise<RollbackStep> {
  const { watched } = progress;
  if (!isLimitReached(progress.beganAt + MAX_RELAPSE_SECONDS * 1_000, watched)) {
    return running(deps, progress, HEAL_SECONDS, `Waits: ${reasons}.`);
  }
  await deps.memory.locks.keep(toRollbackKey(input), input.uuid);
  const message = `${reasons}. Nothing was deleted; groups of "${progress.releaseId}" also exist. Decide which to keep.`;
  return { kind: "failed", code: "HEALTH_CHECK_FAILED", message, dirty: true };
}
