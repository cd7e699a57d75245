import type { ReleaseConstants } from "../presets.ts";
import type { ReleaseKey } from "../release-state.ts";

/** Returns the keys of a release. Keys of the first generation do not contain the account. */
export function toReleasePaths(key: ReleaseKey, generation: ReleaseConstants["generation"]): ReleasePaths {
  const account = generation === "odin" ? `${key.aws_account_id}/` : "";
  const project = `${account}${key.project_name}`;
  const root = `${project}/${key.config_name}`;
  const dir = `${root}/${key.release_id}`;
  return {
    root,
    shared: `${project}/_shared`,
    dir,
    release: `${dir}/release`,
    userData: `${dir}/userdata`,
    lock: `${root}/lock`,
    userLock: `${root}/user-lock`,
    releaseLock: `${dir}/lock`,
    halt: `${root}/halt`,
    ownHalt: `${dir}/halt`,
  };
}

/** Keys of the objects of a release, without a leading slash. */
interface ReleasePaths {
  /** The folder of the project-config. */
  readonly root: string;
  /** The folder of all configs of the project. */
  readonly shared: string;
  /** The folder of the release. */
  readonly dir: string;
  readonly release: string;
  readonly userData: string;
  /** The lock of the project-config. */
  readonly lock: string;
  readonly userLock: string;
  /** Marks the release id as used. */
  readonly releaseLock: string;
  /** Halts any running release. */
  readonly halt: string;
  /** Halts this release. */
  readonly ownHalt: string;
}
