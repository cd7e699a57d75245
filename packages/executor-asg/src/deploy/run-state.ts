import { findAwsFault } from "@stackyard/aws";
import { isStackyardError } from "@stackyard/core";
import type { ReleaseTaskName } from "../release-machine.ts";
import {
  type AcquireReleaseLock,
  type ReleaseDeps,
  ReleaseError,
  type ReleaseFailureCode,
  type ReleaseState,
  type ReleaseTask,
  type ReleaseWork,
  toReleaseError,
} from "../release-state.ts";
import { checkHealthy, deploy, stopDeploy } from "./deploy.ts";
import { cleanUpFailure, cleanUpSuccess, detachForFailure, detachForSuccess, retireKept } from "./detach.ts";
import { validateResources } from "./validate.ts";

/** The states that work on a release that has been read. */
export type ReleaseWorkName = Exclude<ReleaseTaskName, "Validate">;

/** What a state does, how its errors are called that have no class, and whether it may only work under the release's lock. */
interface StateFacts {
  readonly task: ReleaseTask;
  readonly code: ReleaseFailureCode;
  readonly needsLock?: boolean;
  /** When it fails, something may be left behind. */
  readonly leaves?: boolean;
}

const STATES: Readonly<Record<ReleaseWorkName, StateFacts>> = {
  Lock: { task: lock, code: "LOCK_FAILED" },
  ValidateResources: { task: validateResources, code: "BAD_RELEASE", needsLock: true },
  Deploy: { task: deploy, code: "DEPLOY_FAILED", needsLock: true },
  CheckHealthy: { task: checkHealthy, code: "HEALTH_CHECK_FAILED", needsLock: true },
  DetachForSuccess: { task: detachForSuccess, code: "DETACH_FAILED", needsLock: true },
  CleanUpSuccess: { task: cleanUpSuccess, code: "CLEAN_UP_FAILED", needsLock: true, leaves: true },
  DetachForFailure: { task: detachForFailure, code: "DETACH_FAILED" },
  CleanUpFailure: { task: cleanUpFailure, code: "CLEAN_UP_FAILED", leaves: true },
  ReleaseLockFailure: { task: releaseLock, code: "LOCK_FAILED", leaves: true },
  RetireKept: { task: retireKept, code: "CLEAN_UP_FAILED" },
};

/**
 * Performs one state: the heartbeat of the lock, then the state's task. What takes traffic or groups from the old release is done only
 * while the lock is this release's. After a clean-up that failed the lock has no end any more: a person has to look. Throws
 * `ReleaseError` only; repeatable after a crash.
 */
export async function runState(deps: ReleaseDeps, name: ReleaseWorkName, work: ReleaseWork): Promise<ReleaseState> {
  const { task, code, needsLock = false, leaves = false } = STATES[name];
  try {
    if (needsLock && (await holdLock(deps, name, work)) === "released") return await endAgain(deps, work);
    if (name === "CleanUpSuccess") await tellTooLate(deps, work);
    return await task(deps, work);
  } catch (error) {
    deps.signal.throwIfAborted();
    if (leaves) await keepLock(deps, work);
    throw toFailure(error, name, code);
  }
}

/** The name of a task, as the predecessor's dispatcher is given it. */
export function isReleaseWorkName(name: unknown): name is ReleaseWorkName {
  return typeof name === "string" && Object.hasOwn(STATES, name);
}

async function holdLock(deps: ReleaseDeps, name: ReleaseWorkName, work: ReleaseWork): Promise<"held" | "released"> {
  const { release, state } = work;
  const renewed = deps.memory.locks.renew(release, state.uuid);
  const standing = await renewed.catch((error: unknown) => tellHeartbeat(deps, name, work, error));
  if (standing === "held") return standing;
  // Only the last state gives the locks back: this is its second delivery, and another release may be at work already.
  if (standing === "released" && name === "CleanUpSuccess") return standing;
  const what = standing === "lost" ? "went to somebody else, or was removed" : "was given back";
  const code = name === "CleanUpSuccess" ? "CLEAN_UP_FAILED" : "LOCK_FAILED";
  throw new ReleaseError(code, `The lock of release ${release.release_id} ${what}, so ${name} is not done.`);
}

/** A heartbeat that meets an error is one of the state, which is tried again as often as the state's own. */
async function tellHeartbeat(
  deps: ReleaseDeps,
  name: ReleaseWorkName,
  work: ReleaseWork,
  cause: unknown,
): Promise<never> {
  const why = cause instanceof Error ? cause.message : String(cause);
  const code = name === "Deploy" ? "RELEASE_HALTED" : STATES[name].code;
  const told = new ReleaseError(code, `The lock could not be renewed before ${name}: ${why}`, { cause });
  if (name === "Deploy") return stopDeploy(deps, work, told);
  throw told;
}

async function endAgain({ memory }: ReleaseDeps, { release, state }: ReleaseWork): Promise<ReleaseState> {
  await memory.locks.release(release, state.uuid);
  await memory.clearHalts(release, { outcome: "too-late" });
  return { ...state, success: true };
}

/** Traffic has moved: an order that comes now is answered, not obeyed. */
async function tellTooLate(deps: ReleaseDeps, { release }: ReleaseWork): Promise<void> {
  const halts = await deps.memory.listHalts(release).catch(() => []);
  if (!halts.some(({ kind }) => kind === "release")) return;
  const reason = "The new servers had the traffic already. Go back with a rollback.";
  deps.report(`An order to halt came too late. ${reason}`);
  await deps.memory.clearHalts(release, { outcome: "too-late", reason });
}

async function keepLock({ memory, logger }: ReleaseDeps, { release, state }: ReleaseWork): Promise<void> {
  try {
    await memory.locks.keep(release, state.uuid);
  } catch (error) {
    logger.error("the lock of a release that failed could not be kept", { error, release: release.release_id });
  }
}

function toFailure(error: unknown, name: ReleaseWorkName, code: ReleaseFailureCode): ReleaseError {
  if (isStackyardError(error) || findAwsFault(error).code !== "INTERNAL")
    return toReleaseError(code, error, `${name} has failed.`);
  const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new ReleaseError("RELEASE_PANIC", `${name} has failed by a fault of the deployer. ${why}`, { cause: error });
}

/** What came of the wish for the locks. */
type LockResult =
  | { readonly kind: "locked"; readonly state: ReleaseState }
  | Extract<AcquireReleaseLock, { kind: "held" }>;

/** Takes the locks under the execution's id, or tells who has them. For whoever may wait. */
export async function tryLock({ memory }: ReleaseDeps, { release, state }: ReleaseWork): Promise<LockResult> {
  const answer = await memory.locks.acquire(release, state.uuid);
  return answer.kind === "held" ? answer : { kind: "locked", state: { ...state, fencing_token: answer.fencingToken } };
}

/** The state Lock. Throws `LOCK_EXISTS` when somebody else has one of them, `LOCK_FAILED` where something may have been taken. */
async function lock(deps: ReleaseDeps, work: ReleaseWork): Promise<ReleaseState> {
  const result = await tryLock(deps, work);
  if (result.kind === "locked") return result.state;
  throw new ReleaseError("LOCK_EXISTS", result.message);
}

/** The state ReleaseLockFailure: gives the locks back and takes orders to halt away. Throws `LOCK_FAILED`. */
async function releaseLock({ memory }: ReleaseDeps, { release, state }: ReleaseWork): Promise<ReleaseState> {
  // Without a token the state Lock has failed: what somebody else has then is nothing that was lost.
  await memory.locks.release(release, state.uuid, { wasHeld: state.fencing_token !== undefined });
  await memory.clearHalts(release);
  return { ...state, success: false };
}
