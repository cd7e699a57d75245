import type { ReleaseTask } from "../release-deps.ts";

/** The state ReleaseLockFailure: gives the locks back and takes orders to halt away. Throws `LOCK_FAILED`. */
export const releaseLock: ReleaseTask = async ({ memory }, { release, state }) => {
  // Without a token the state Lock has failed: what somebody else has then is nothing that was lost.
  await memory.locks.release(release, state.uuid, { wasHeld: state.fencing_token !== undefined });
  await memory.clearHalts(release);
  return { ...state, success: false };
};
