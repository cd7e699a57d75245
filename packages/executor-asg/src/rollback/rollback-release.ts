import { loadGroups } from "../lookups/load-groups.ts";
import { toLetters, toReleaseId } from "../names/release-id.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import type { ReleaseFailureCode } from "../release-error.ts";
import { sortGroups } from "../resources/sort-groups.ts";
import { doAll } from "../teardown/do-all.ts";
import { toFacts } from "../teardown/load-project-groups.ts";
import { toReleaseError } from "../to-release-error.ts";
import { findRollback, type RollbackRoute } from "./find-rollback.ts";
import { restoreKept } from "./restore-kept.ts";
import { returnTraffic } from "./return-traffic.ts";
import { type RollbackInput, type RollbackStep, toRollbackKey } from "./rollback-step.ts";
import { toRedeployment } from "./to-redeployment.ts";

const LOOK_SECONDS = 15;

/**
 * Begins to take a project-config one step back, under the same locks as a release. Groups that were kept get their capacity and their
 * load balancers again, and `pollRollback` goes on from there; without any, the document of the release before is given to be
 * released anew. Repeatable: each part of it can be done twice. Until traffic has moved a failure changes nothing for the
 * release that runs.
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
    const { message } = toReleaseError("DEPLOY_FAILED", error, "The rollback could not begin.");
    return failed("DEPLOY_FAILED", message);
  }
}

/** A rollback without kept groups gives the locks back before its answer is noted: it may be asked again. */
async function toHeld(deps: ReleaseDeps, input: RollbackInput, message: string): Promise<RollbackStep> {
  const standing = await deps.memory.locks.renew(toRollbackKey(input), input.uuid);
  const route = standing === "released" ? await loadRoute(deps, input) : undefined;
  if (route === undefined || route.kind === "return") return failed("LOCK_EXISTS", message);
  return takeRoute(deps, input, { route, attached: [] });
}

async function loadRoute(deps: ReleaseDeps, { at, releaseId }: RollbackInput): Promise<RollbackRoute> {
  const groups = (await loadGroups(deps, at)).map(toFacts);
  // Seen by somebody who has made none of them.
  const sorted = sortGroups(groups, { ...at, release_id: "" }, deps.constants.generation);
  return findRollback({ groups: sorted, releaseId, place: deps.target });
}

interface Begun {
  readonly route: RollbackRoute;
  /** Names of groups that may have traffic again. */
  readonly attached: string[];
}

async function takeRoute(deps: ReleaseDeps, input: RollbackInput, { route, attached }: Begun): Promise<RollbackStep> {
  if (route.kind === "refused") return failed("BAD_RELEASE", route.message);
  if (route.kind === "redeploy") return toRedeploy(deps, input, route.previousReleaseId);
  attached.push(...route.kept.map(({ name }) => name));
  await doAll(route.kept, (kept) => returnTraffic(deps, kept));
  for (const { name } of route.kept) deps.report(`group ${name} has its traffic again`);
  const { releaseId, previousReleaseId, left } = route;
  const progress = { releaseId, previousReleaseId, kept: attached, left: [...left], beganAt: deps.clock.now() };
  return {
    kind: "running",
    progress: { phase: "healing", ...progress },
    waitSeconds: LOOK_SECONDS,
    message: `Release "${previousReleaseId}" comes back.`,
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
      `The document of release "${previousReleaseId}" is not there. Deploy it from its source.`,
    );
  }
  const userData = await deps.memory.loadUserData(key);
  return { kind: "redeploy", document, previousReleaseId, ...(userData !== undefined && { userData }) };
}

function failed(code: ReleaseFailureCode, message: string): RollbackStep {
  return { kind: "failed", code, message, dirty: false };
}
