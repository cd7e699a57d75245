import { toReleasePaths } from "../names/release-paths.ts";
import type { ReleaseConstants } from "../release-constants.ts";
import type { AcquireReleaseLock, ReleaseKey } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import { type LockFile, parseLockFile } from "./lock-file.ts";
import type { LockFiles } from "./lock-files.ts";
import type { ReleaseLocksOptions } from "./release-locks-options.ts";
import type { StrongLock } from "./strong-lock.ts";
import { toLockError } from "./take-file.ts";
import { tellUser } from "./tell-held.ts";

/** A project and one of its configs, in an account. */
export type ProjectConfig = Omit<ReleaseKey, "release_id">;

/** Where a person's lock is. */
export interface UserLockDeps {
  readonly files: LockFiles;
  readonly generation: ReleaseConstants["generation"];
}

/** Who keeps deployers away, and why. */
export interface UserLock {
  readonly user: string;
  readonly reason: string;
}

const MAX_TRIES = 10;
const SOMEBODY = "somebody";
/** Of what a person has written, in messages. */
const MAX_LENGTH = 1_000;

/** The lock of a person, as a refusal. Throws `LOCK_EXISTS` when its file cannot be read. */
export async function findUserLock(
  { files, unlockWords: words }: Pick<ReleaseLocksOptions, "files" | "unlockWords">,
  path: string,
  release: ReleaseKey,
): Promise<Extract<AcquireReleaseLock, { kind: "held" }> | undefined> {
  const found = await files.load(path).catch((error: unknown) => {
    throw toLockError(error, "LOCK_EXISTS");
  });
  const lock = found && parseUserLock(found.text);
  return lock && tellUser(release, { ...lock, words });
}

/** Keeps new releases of the project-config away; one that runs goes on. Gives the lock that is there then: perhaps an older one. */
export async function lockByUser(deps: UserLockDeps, at: ProjectConfig, lock: UserLock): Promise<UserLock> {
  const path = toPaths(deps, at).userLock;
  const text = JSON.stringify({ user: lock.user, lock_reason: lock.reason });
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const found = await deps.files.load(path);
    const present = found && parseUserLock(found.text);
    if (present !== undefined) return present;
    if ((await deps.files.put(path, text, found?.version ?? "absent")) === "written") return lock;
  }
  throw new ReleaseError("LOCK_FAILED", `Others write to ${deps.files.locate(path).place} all the time.`);
}

/** Takes a person's lock away, whoever made it. `undefined`: there was none. */
export async function unlockByUser(deps: UserLockDeps, at: ProjectConfig): Promise<UserLock | undefined> {
  const text = await remove(deps.files, toPaths(deps, at).userLock);
  return text === undefined ? undefined : parseUserLock(text);
}

/** Who has the deployers' own lock now, whether their lease is over or not. `undefined`: nobody, or a file that says nothing. */
export async function findRootLock(
  { files, generation }: UserLockDeps,
  at: ProjectConfig,
): Promise<LockFile | undefined> {
  const found = await files.load(toPaths({ files, generation }, at).lock);
  const lock = found && parseLockFile(found.text);
  return lock?.uuid === "" ? undefined : lock;
}

/** Takes the deployers' own lock away, whoever has it: for a person who knows that the release is dead. False: there was none. */
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
  throw new ReleaseError("LOCK_FAILED", `Others write to ${files.locate(path).place} all the time.`);
}

function toPaths({ generation }: UserLockDeps, at: ProjectConfig) {
  return toReleasePaths({ ...at, release_id: "-" }, generation);
}

/**
 * Reads the file as the predecessor does, so that both see the same lock: JSON with neither a user nor a reason does not lock, keys
 * are compared without case, and others are ignored. What the predecessor cannot read locks, whatever a person has written.
 */
function parseUserLock(text: string): UserLock | undefined {
  if (text === "") return undefined;
  const written: UserLock = { user: SOMEBODY, reason: text.slice(0, MAX_LENGTH) };
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
  return { user: user === "" ? SOMEBODY : user.slice(0, MAX_LENGTH), reason: reason.slice(0, MAX_LENGTH) };
}
