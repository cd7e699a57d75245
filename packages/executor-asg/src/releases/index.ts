export type { LockFiles, ReleaseLocksOptions, StoredFile, StrongLock, StrongLockRequest } from "../locks/lock-files.ts";
export {
  createDynamoLock,
  createS3LockFiles,
  type DynamoLockOptions,
  type S3LockFilesOptions,
} from "../locks/lock-stores.ts";
export {
  createReleaseLocks,
  lockByUser,
  removeRootLock,
  type UserLock,
  type UserLockDeps,
  unlockByUser,
} from "../locks/release-locks.ts";
export { capacityAfterSuccess } from "../plan/capacity.ts";
export { type ReleasePictureOptions, toReleasePicture } from "../plan/report.ts";
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
  type ReleaseStateMachine,
  type ReleaseStateMachineOptions,
  type ReleaseValues,
  toReleaseStateMachine,
} from "../release-machine.ts";
export {
  type AcquireReleaseLock,
  PRESETS,
  type PresetName,
  type ReleaseConstants,
  type ReleaseKey,
  type ReleaseLocks,
} from "../release-state.ts";
export { createReleases, type Releases, type ReleasesDeps } from "./releases.ts";
