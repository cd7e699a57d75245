export type { LockFiles, ReleaseLocksOptions, StoredFile, StrongLock, StrongLockRequest } from "../locks/lock-files.ts";
export {
  createDynamoLock,
  createS3LockFiles,
  type DynamoLockOptions,
  type S3LockFilesOptions,
} from "../locks/lock-stores.ts";
export { createReleaseLocks } from "../locks/release-locks.ts";
export { lockByUser, removeRootLock, type UserLock, type UserLockDeps, unlockByUser } from "../locks/user-locks.ts";
export { capacityAfterSuccess } from "../plan/capacity.ts";
export { type ReleasePictureOptions, toReleasePicture } from "../plan/format-release.ts";
export { PRESETS, type PresetName, type ReleaseConstants } from "../presets.ts";
export {
  type Advance,
  advance,
  FIRST_POSITION,
  RELEASE_MACHINES,
  RELEASE_STATE_NAMES,
  type ReleaseMachine,
  type ReleaseOutcome,
  type ReleasePosition,
  type ReleaseRow,
  type ReleaseValues,
} from "../release-machine.ts";
export type { AcquireReleaseLock, ReleaseKey, ReleaseLocks } from "../release-state.ts";
export { type ReleaseStateMachine, type ReleaseStateMachineOptions, toReleaseStateMachine } from "../step-functions.ts";
export { createReleases, type Releases, type ReleasesDeps } from "./releases.ts";
