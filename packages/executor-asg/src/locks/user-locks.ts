import { keepStart } from "@stackyard/core";
import { toReleasePaths } from "../plan/release-paths.ts";
import type { ReleaseConstants } from "../presets.ts";
import { ReleaseError } from "../release-errors.ts";
import type { AcquireReleaseLock, ReleaseKey } from "../release-state.ts";
import { formatUserLock } from "./held-lock.ts";
import {
  type LockFile,
  type LockFiles,
  parseLockFile,
  type ReleaseLocksOptions,
  type StrongLock,
  toLockError,
} from "./lock-files.ts";

/** A project and config in an account. */
type ProjectConfig = Omit<ReleaseKey, "release_id">;

/** Storage of a person's lock. */
export interface UserLockDeps {
  readonly files: LockFiles;
  readonly generation: ReleaseConstants["generation"];
}

/** A person's lock. */
export interface UserLock {
  readonly user: string;
  readonly reason: string;
}

const MAX_TRIES = 10;

const UNKNOWN_USER = "unknown";

/** Maximum length of a person's text in messages. */
const MAX_LENGTH = 1_000;

/** Returns the lock of a person as a refusal. Throws `LOCK_EXISTS` if its file cannot be read. */
export async function findUserLock(
  { files, unlockWords: words }: Pick<ReleaseLocksOptions, "files" | "unlockWords">,
  path: string,
  release: ReleaseKey,
): Promise<Extract<AcquireReleaseLock, { kind: "held" }> | undefined> {
  const found = await files.load(path).catch((error: unknown) => {
    throw toLockError(error, "LOCK_EXISTS");
  });
  const lock = found && parseUserLock(found.text);
  return lock && formatUserLock(release, { ...lock, words });
}

/**
 * Locks a project and config for a person; a running release continues. Returns the lock, which may be an older one.
 */
export async function lockByUser(deps: UserLockDeps, at: ProjectConfig, lock: UserLock): Promise<UserLock> {
  const path = toPaths(deps, at).userLock;
  const text = JSON.stringify({ user: lock.user, lock_reason: lock.reason });
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const found = await deps.files.load(path);
    const present = found && parseUserLock(found.text);
    if (present !== undefined) return present;
    if ((await deps.files.put(path, text, found?.version ?? "absent")) === "written") return lock;
  }
  throw new ReleaseError("LOCK_FAILED", `Too many concurrent writes to ${deps.files.locate(path).place}. Try again.`);
}

/** Removes a person's lock. Returns undefined if no lock exists. */
export async function unlockByUser(deps: UserLockDeps, at: ProjectConfig): Promise<UserLock | undefined> {
  const text = await remove(deps.files, toPaths(deps, at).userLock);
  return text === undefined ? undefined : parseUserLock(text);
}

/** Returns the owner of the deployer's own lock, even if its lease has expired. Undefined: no owner, or unknown. */
export async function findRootLock(
  { files, generation }: UserLockDeps,
  at: ProjectConfig,
): Promise<LockFile | undefined> {
  const found = await files.load(toPaths({ files, generation }, at).lock);
  const lock = found && parseLockFile(found.text);
  return lock?.uuid === "" ? undefined : lock;
}

/**
 * Removes the deployer's own lock of any owner, for a person who knows that the release is dead. Returns false if no
 * lock exists.
 */
export async function removeRootLock(
  deps: UserLockDeps & { readonly strong?: StrongLock },
  at: ProjectConfig,
): Promise<boolean> {
  const path = toPaths(deps, at).lock;
  await deps.strong?.remove(path);
  return (await remove(deps.files, path)) !== undefined;
}

async function remove(files: LockFiles, path: string): Promise<string | undefined> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const found = await files.load(path);
    if (found === undefined) return undefined;
    if ((await files.remove(path, found.version)) === "removed") return found.text;
  }
  throw new ReleaseError("LOCK_FAILED", `Too many concurrent writes to ${files.locate(path).place}. Try again.`);
}

function toPaths({ generation }: UserLockDeps, at: ProjectConfig) {
  return toReleasePaths({ ...at, release_id: "-" }, generation);
}

/**
 * Parses the file as the predecessor does, so that both see the same lock: JSON without a user and a reason is not a
 * lock, keys are case-insensitive, and other keys are ignored. A file that the predecessor cannot parse is a lock.
 */
function parseUserLock(text: string): UserLock | undefined {
  if (text === "") return undefined;
  const written: UserLock = { user: UNKNOWN_USER, reason: keepStart(text, MAX_LENGTH) };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return written;
  }
  if (value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) return written;
  const fields = new Map(Object.entries(value).map(([key, field]) => [key.toLowerCase(), field ?? ""]));
  const user: unknown = fields.get("user") ?? "";
  const reason: unknown = fields.get("lock_reason") ?? "";
  if (typeof user !== "string" || typeof reason !== "string") return written;
  if (user === "" && reason === "") return undefined;
  return { user: user === "" ? UNKNOWN_USER : keepStart(user, MAX_LENGTH), reason: keepStart(reason, MAX_LENGTH) };
}
