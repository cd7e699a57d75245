import { findAwsFault } from "@stackyard/aws";
import { isStackyardError } from "@stackyard/core";
import { readHalts } from "../halt.ts";
import { ReleaseError, type ReleaseFailureCode, toReleaseError } from "../release-errors.ts";
import type { ReleaseTaskName } from "../release-machine.ts";
import type { AcquireReleaseLock, ReleaseDeps, ReleaseState, ReleaseTask, ReleaseWork } from "../release-state.ts";
import { checkHealthy } from "./check-healthy.ts";
import { deploy, stopDeploy } from "./deploy.ts";
import { cleanUpFailure, cleanUpSuccess, detachForFailure, detachForSuccess, retireKept } from "./detach.ts";
import { validateResources } from "./validate.ts";

/** The tasks of a validated release. */
export type ReleaseWorkName = Exclude<ReleaseTaskName, "Validate">;

/** Task of a state, the code of its unclassified errors, and whether it requires the release's lock. */
interface StateFacts {
  readonly task: ReleaseTask;
  readonly code: ReleaseFailureCode;
  readonly needsLock?: boolean;
  /** True if a failure may leave resources behind. */
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
 * Runs one state: renews the lock, then runs the task. States that take traffic or groups from the old release require
 * the lock. A failed clean-up makes the lock permanent: a person has to decide. Throws only `ReleaseError`; repeatable
 * after a crash.
 */
export async function runState(deps: ReleaseDeps, name: ReleaseWorkName, work: ReleaseWork): Promise<ReleaseState> {
  const { task, code, needsLock = false, leaves = false } = STATES[name];
  try {
    if (needsLock && (await holdLock(deps, name, work)) === "released") return await endAgain(deps, work);
    if (name === "CleanUpSuccess") await reportTooLate(deps, work);
    return await task(deps, work);
  } catch (error) {
    deps.signal.throwIfAborted();
    if (leaves) await keepLock(deps, work);
    throw toFailure(error, name, code);
  }
}

/** Returns whether a name is a task of the predecessor's dispatcher. */
export function isReleaseWorkName(name: unknown): name is ReleaseWorkName {
  return typeof name === "string" && Object.hasOwn(STATES, name);
}

async function holdLock(deps: ReleaseDeps, name: ReleaseWorkName, work: ReleaseWork): Promise<"held" | "released"> {
  const { release, state } = work;
  const renewed = deps.memory.locks.renew(release, state.uuid);
  const standing = await renewed.catch((error: unknown) => failHeartbeat(deps, name, work, error));
  if (standing === "held") return standing;
  // Only the last state releases the locks: this is its second delivery, and another release may be running.
  if (standing === "released" && name === "CleanUpSuccess") return standing;
  const what = standing === "lost" ? "was lost to another owner, or was removed" : "was released";
  const code = name === "CleanUpSuccess" ? "CLEAN_UP_FAILED" : "LOCK_FAILED";
  throw new ReleaseError(code, `The lock of release ${release.release_id} ${what}, so ${name} did not run.`);
}

/** Fails the state after a failed heartbeat, with the same retries. */
async function failHeartbeat(
  deps: ReleaseDeps,
  name: ReleaseWorkName,
  work: ReleaseWork,
  cause: unknown,
): Promise<never> {
  const why = cause instanceof Error ? cause.message : String(cause);
  const code = name === "Deploy" ? "RELEASE_HALTED" : STATES[name].code;
  const told = new ReleaseError(code, `Cannot renew the lock before ${name}: ${why}`, { cause });
  if (name === "Deploy") return stopDeploy(deps, work, told);
  throw told;
}

async function endAgain({ memory }: ReleaseDeps, { release, state }: ReleaseWork): Promise<ReleaseState> {
  await memory.locks.release(release, state.uuid);
  await memory.clearHalts(release, { outcome: "too-late" });
  return { ...state, success: true };
}

/** Answers a halt request after traffic has moved: it has no effect. */
async function reportTooLate(deps: ReleaseDeps, work: ReleaseWork): Promise<void> {
  const halts = await readHalts(deps, work);
  if (halts === "unreadable" || !halts.some(({ kind }) => kind === "release")) return;
  const reason = "The new servers already have the traffic. Use a rollback.";
  deps.report(`A halt request came too late. ${reason}`);
  await deps.memory.clearHalts(work.release, { outcome: "too-late", reason });
}

async function keepLock({ memory, logger }: ReleaseDeps, { release, state }: ReleaseWork): Promise<void> {
  try {
    await memory.locks.keep(release, state.uuid);
  } catch (error) {
    logger.error("cannot keep the lock of a failed release", { error, release: release.release_id });
  }
}

function toFailure(error: unknown, name: ReleaseWorkName, code: ReleaseFailureCode): ReleaseError {
  if (isStackyardError(error) || findAwsFault(error).code !== "INTERNAL")
    return toReleaseError(code, error, `${name} failed.`);
  const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new ReleaseError("RELEASE_PANIC", `${name} failed because of a bug in the deployer. ${why}`, { cause: error });
}

/** Result of `tryLock`. */
type LockResult =
  | { readonly kind: "locked"; readonly state: ReleaseState }
  | Extract<AcquireReleaseLock, { kind: "held" }>;

/** Acquires the locks with the execution's id, or returns their owner, so that the caller can wait. */
export async function tryLock({ memory }: ReleaseDeps, { release, state }: ReleaseWork): Promise<LockResult> {
  const answer = await memory.locks.acquire(release, state.uuid);
  return answer.kind === "held" ? answer : { kind: "locked", state: { ...state, fencing_token: answer.fencingToken } };
}

/**
 * Runs the state Lock. Throws `LOCK_EXISTS` if another owner has a lock, `LOCK_FAILED` if something may have been
 * written.
 */
async function lock(deps: ReleaseDeps, work: ReleaseWork): Promise<ReleaseState> {
  const result = await tryLock(deps, work);
  if (result.kind === "locked") return result.state;
  throw new ReleaseError("LOCK_EXISTS", result.message);
}

/** Runs the state ReleaseLockFailure: releases the locks and clears halt requests. Throws `LOCK_FAILED`. */
async function releaseLock({ memory }: ReleaseDeps, { release, state }: ReleaseWork): Promise<ReleaseState> {
  // Without a token the state Lock has failed, so a lock of another owner was never lost.
  await memory.locks.release(release, state.uuid, { wasHeld: state.fencing_token !== undefined });
  await memory.clearHalts(release);
  return { ...state, success: false };
}
