export { capacityAfterSuccess } from "../capacity/capacity-after-success.ts";
export { createDynamoLock, type DynamoLockOptions } from "../lock/dynamo-lock.ts";
export type { LockFiles, StoredFile } from "../lock/lock-files.ts";
export { createReleaseLocks } from "../lock/release-locks.ts";
export type { ReleaseLocksOptions } from "../lock/release-locks-options.ts";
export { createS3LockFiles, type S3LockFilesOptions } from "../lock/s3-lock-files.ts";
export type { StrongLock, StrongLockRequest } from "../lock/strong-lock.ts";
export { lockByUser, removeRootLock, type UserLock, type UserLockDeps, unlockByUser } from "../lock/user-lock.ts";
export {
  type Advance,
  advance,
  FIRST_POSITION,
  type ReleaseOutcome,
  type ReleasePosition,
  type ReleaseValues,
} from "../machine/advance.ts";
export { RELEASE_MACHINES } from "../machine/release-machine.ts";
export type { ReleaseMachine, ReleaseRow } from "../machine/release-row.ts";
export {
  type ReleaseStateMachine,
  type ReleaseStateMachineOptions,
  toReleaseStateMachine,
} from "../machine/release-state-machine.ts";
export { RELEASE_STATE_NAMES } from "../machine/state-name.ts";
export { PRESETS, type PresetName, type ReleaseConstants } from "../release-constants.ts";
export type { AcquireReleaseLock, ReleaseKey, ReleaseLocks } from "../release-deps.ts";
export { type ReleasePictureOptions, toReleasePicture } from "../report/to-release-picture.ts";
export { createReleases, type Releases } from "./create-releases.ts";
export type { ReleasesDeps } from "./releases-deps.ts";
