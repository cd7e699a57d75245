import type { ReleaseConstants } from "../release-constants.ts";
import type { ReleaseKey } from "../release-deps.ts";

/** Where a bucket keeps what belongs to a release. Keys, without a slash before them. */
export interface ReleasePaths {
  /** Of the project-config. */
  readonly root: string;
  /** Of all configs of the project. */
  readonly shared: string;
  /** Of the release. */
  readonly dir: string;
  readonly release: string;
  readonly userData: string;
  /** Of the project-config. */
  readonly lock: string;
  readonly userLock: string;
  /** That the release was there once. */
  readonly releaseLock: string;
  /** Addressed to whichever release runs. */
  readonly halt: string;
  /** Addressed to this release. */
  readonly ownHalt: string;
}

/** The keys of a release; those of the first generation have no level for the account. */
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
