import type { AcquireReleaseLock, ReleaseDeps, ReleaseTask, ReleaseWork } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import type { ReleaseState } from "../release-state.ts";

/** What came of the wish for the locks. */
export type LockResult =
  | { readonly kind: "locked"; readonly state: ReleaseState }
  | Extract<AcquireReleaseLock, { kind: "held" }>;

/** Takes the locks under the execution's id, or tells who has them. For whoever may wait. */
export async function tryLock({ memory }: ReleaseDeps, { release, state }: ReleaseWork): Promise<LockResult> {
  const answer = await memory.locks.acquire(release, state.uuid);
  return answer.kind === "held" ? answer : { kind: "locked", state: { ...state, fencing_token: answer.fencingToken } };
}

/** The state Lock. Throws `LOCK_EXISTS` when somebody else has one of them, `LOCK_FAILED` where something may have been taken. */
export const lock: ReleaseTask = async (deps, work) => {
  const result = await tryLock(deps, work);
  if (result.kind === "locked") return result.state;
  throw new ReleaseError("LOCK_EXISTS", result.message);
};
