import { defined } from "@stackyard/core";
import { toLetters, toReleaseId } from "../plan/names.ts";
import { type ReleaseFailureCode, toReleaseError } from "../release-errors.ts";
import type { ReleaseDeps } from "../release-state.ts";
import { sortGroups, toGroupFacts } from "../resources/groups.ts";
import { loadGroups } from "../resources/load-groups.ts";
import { doAll } from "./drain.ts";
import { giveUp, HEAL_SECONDS, heal, restoreKept, returnTraffic } from "./healing.ts";
import { leave } from "./leaving.ts";
import { findRollback, type RollbackRoute, toRedeployment } from "./rollback-route.ts";
import {
  givenUp,
  type RollbackInput,
  type RollbackProgress,
  type RollbackStep,
  succeeded,
  toRollbackKey,
} from "./rollback-step.ts";

/**
 * Starts a rollback of a project and config, under the locks of a release. Kept groups get their capacity and load
 * balancers back, and `pollRollback` continues. Without kept groups, the previous document is returned to be deployed
 * again. Every part is repeatable. Until traffic has moved, a failure does not affect the running release.
 */
export async function rollbackRelease(deps: ReleaseDeps, input: RollbackInput): Promise<RollbackStep> {
  const key = toRollbackKey(input);
  const answer = await deps.memory.locks.acquire(key, input.uuid);
  if (answer.kind === "held") return toHeld(deps, input, answer.message);
  const attached: string[] = [];
  try {
    const step = await takeRoute(deps, input, { route: await loadRoute(deps, input), attached });
    if (step.kind !== "running") await deps.memory.locks.release(key, input.uuid);
    return step;
  } catch (error) {
    deps.signal.throwIfAborted();
    await restoreKept(deps, attached);
    await deps.memory.locks.release(key, input.uuid);
    const { message } = toReleaseError("DEPLOY_FAILED", error, "Cannot start the rollback.");
    return failed("DEPLOY_FAILED", message);
  }
}

/** Repeats a rollback without kept groups, which releases the locks before its result is stored. */
async function toHeld(deps: ReleaseDeps, input: RollbackInput, message: string): Promise<RollbackStep> {
  const standing = await deps.memory.locks.renew(toRollbackKey(input), input.uuid);
  const route = standing === "released" ? await loadRoute(deps, input) : undefined;
  if (route === undefined || route.kind === "return") return failed("LOCK_EXISTS", message);
  return takeRoute(deps, input, { route, attached: [] });
}

async function loadRoute(deps: ReleaseDeps, { at, releaseId }: RollbackInput): Promise<RollbackRoute> {
  const groups = (await loadGroups(deps, at)).map(toGroupFacts);
  // An empty release id: no group is its own.
  const sorted = sortGroups(groups, { ...at, release_id: "" }, deps.constants.generation);
  return findRollback({ groups: sorted, releaseId, place: deps.target });
}

interface Begun {
  readonly route: RollbackRoute;
  /** Names of groups that may be attached again. */
  readonly attached: string[];
}

async function takeRoute(deps: ReleaseDeps, input: RollbackInput, { route, attached }: Begun): Promise<RollbackStep> {
  if (route.kind === "refused") return failed("BAD_RELEASE", route.message);
  if (route.kind === "redeploy") return toRedeploy(deps, input, route.previousReleaseId);
  attached.push(...route.kept.map(({ name }) => name));
  await doAll(route.kept, (kept) => returnTraffic(deps, kept));
  for (const { name } of route.kept) deps.report(`attached group ${name} again`);
  const { releaseId, previousReleaseId, left } = route;
  const progress = { releaseId, previousReleaseId, kept: attached, left, beganAt: deps.clock.now() };
  return {
    kind: "running",
    progress: { phase: "healing", ...progress },
    waitSeconds: HEAL_SECONDS,
    message: `Returning to release "${previousReleaseId}".`,
  };
}

async function toRedeploy(deps: ReleaseDeps, { at }: RollbackInput, previousReleaseId: string): Promise<RollbackStep> {
  const key = { ...at, release_id: previousReleaseId };
  const now = deps.clock.now();
  const releaseId = toReleaseId(now, toLetters(deps.random));
  const document = toRedeployment(await deps.memory.loadDocument(key), { releaseId, now });
  if (document === undefined) {
    return failed(
      "BAD_RELEASE",
      `The document of release "${previousReleaseId}" does not exist. Deploy it from its source.`,
    );
  }
  const userData = await deps.memory.loadUserData(key);
  return { kind: "redeploy", document, previousReleaseId, ...defined({ userData }) };
}

function failed(code: ReleaseFailureCode, message: string): RollbackStep {
  return { kind: "failed", code, message, dirty: false };
}

/**
 * Continues a rollback. The running release keeps its traffic until the returning groups are healthy; then it is
 * detached and its groups are deleted. If they do not become healthy in time, or the rollback is halted, everything
 * stays as before. Throws AWS errors as `ReleaseError`; the next poll retries.
 */
export async function pollRollback(
  deps: ReleaseDeps,
  input: RollbackInput,
  progress: RollbackProgress,
): Promise<RollbackStep> {
  const lock = await deps.memory.locks.renew(toRollbackKey(input), input.uuid);
  if (lock === "released") {
    // The last poll is delivered again.
    if (progress.phase === "leaving") return succeeded(progress);
    return givenUp(progress, "RELEASE_HALTED", "The rollback was halted.");
  }
  if (lock !== "held") {
    const message = "Another owner took the locks during the rollback. Check which groups are in service.";
    return { kind: "failed", code: "LOCK_FAILED", message, dirty: true };
  }
  try {
    return progress.phase === "healing" ? await heal(deps, input, progress) : await leave(deps, input, progress);
  } catch (error) {
    deps.signal.throwIfAborted();
    throw toReleaseError("DETACH_FAILED", error, "The rollback cannot continue.");
  }
}

/** Gives up if this restores the former state. A rollback whose traffic has moved continues to its end. */
export async function cancelRollback(
  deps: ReleaseDeps,
  input: RollbackInput,
  progress: RollbackProgress,
  reason: string,
): Promise<RollbackStep> {
  if (progress.phase === "leaving") return pollRollback(deps, input, progress);
  return giveUp(deps, input, progress, { code: "RELEASE_HALTED", message: reason });
}
