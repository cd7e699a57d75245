import { toReleasePaths } from "../plan/names.ts";
import {
  type AcquireReleaseLock,
  type ReleaseConstants,
  ReleaseError,
  type ReleaseKey,
  type ReleaseLocks,
} from "../release-state.ts";
import {
  changeOwn,
  drawToken,
  type LockFile,
  type LockFiles,
  loadLock,
  parseLockFile,
  type ReleaseLocksOptions,
  type StrongLock,
  takeFile,
  tellRoot,
  tellUsed,
  tellUser,
  toLockError,
} from "./lock-files.ts";

/** How long a lock lasts that nobody renews. */
export const RELEASE_LEASE_MS = 30 * 60_000;

interface Locking extends ReleaseLocksOptions {
  readonly leaseMs: number;
}

/**
 * The locks of project-configs, in the predecessor's places and order: a person's, the release id's (which is never removed), the
 * root in a file, the root in the table. Each is one conditional write, and what was taken is given back when a later one is held.
 */
export function createReleaseLocks(options: ReleaseLocksOptions): ReleaseLocks {
  const locking = { leaseMs: RELEASE_LEASE_MS, ...options };
  return {
    acquire: (release, owner) => acquire(locking, release, owner),
    renew: (release, owner) => renew(locking, release, owner),
    release: (release, owner, { wasHeld = true } = {}) => giveBack(locking, release, { owner, wasHeld }),
    keep: (release, owner) => keep(locking, release, owner),
  };
}

async function acquire(locking: Locking, release: ReleaseKey, owner: string): Promise<AcquireReleaseLock> {
  const { files, strong, unlockWords: words } = locking;
  const paths = toReleasePaths(release, locking.generation);
  const person = await findUserLock(locking, paths.userLock, release);
  if (person !== undefined) return person;
  const used = await takeFile(locking, paths.releaseLock, (file) => toUsed(locking, owner, file));
  if (used.kind === "held") return tellUsed(release, used.file);
  const root = await takeFile(locking, paths.lock, (file) =>
    toRoot(locking, { owner, release: release.release_id }, file),
  );
  if (root.kind === "held") return tellRoot(release, { file: root.file, at: files.locate(paths.lock), words });
  if (strong !== undefined && (await takeStrong(locking, paths.lock, owner)) === "held") {
    await removeOwn(locking, paths.lock, owner);
    return tellRoot(release, { file: undefined, at: strong.locate(paths.lock), words });
  }
  return addToken(locking, release, { owner, file: root.file });
}

/**
 * The number is drawn while the lock is ours and written over the lock as it was before: whoever draws later has a higher one, and
 * whoever lost the lock meanwhile has none.
 */
async function addToken(
  locking: Locking,
  release: ReleaseKey,
  { owner, file }: { readonly owner: string; readonly file: LockFile },
): Promise<AcquireReleaseLock> {
  if (file.token !== undefined) return { kind: "acquired", fencingToken: file.token };
  const { root, lock } = toReleasePaths(release, locking.generation);
  try {
    const token = await drawToken(locking, `${root}/lock-token`);
    const now = await changeOwn(locking, lock, { owner, toNext: (own) => ({ ...own, token }) });
    if (now.isChanged) return { kind: "acquired", fencingToken: token };
    return tellRoot(release, { file: now.file, at: locking.files.locate(lock), words: locking.unlockWords });
  } catch (error) {
    throw toLockError(error, "LOCK_FAILED");
  }
}

async function takeStrong(locking: Locking, path: string, owner: string): Promise<"taken" | "held"> {
  try {
    return (await locking.strong?.take(path, { owner, until: toUntil(locking) })) ?? "taken";
  } catch (error) {
    throw toLockError(error, "LOCK_FAILED");
  }
}

async function renew(locking: Locking, release: ReleaseKey, owner: string): Promise<"held" | "released" | "lost"> {
  const { lock, releaseLock } = toReleasePaths(release, locking.generation);
  const until = toUntil(locking);
  try {
    const own = await changeOwn(locking, lock, { owner, toNext: (file) => toRenewed(file, until) });
    const request = own.file?.until === undefined ? { owner } : { owner, until };
    if (own.isChanged && ((await locking.strong?.renew(lock, request)) ?? true)) return "held";
    const { lock: used } = await loadLock(locking, releaseLock);
    const isReleased = used !== undefined && used !== "absent" && used.uuid === owner && used.released !== undefined;
    return isReleased ? "released" : "lost";
  } catch (error) {
    throw toLockError(error, "LOCK_FAILED");
  }
}

interface GiveBack {
  readonly owner: string;
  readonly wasHeld: boolean;
}

async function giveBack(locking: Locking, release: ReleaseKey, { owner, wasHeld }: GiveBack): Promise<void> {
  const { lock, releaseLock } = toReleasePaths(release, locking.generation);
  try {
    const released = new Date(locking.clock.now()).toISOString();
    // First the note: a clean-up that is delivered again must be able to tell "given back" from "lost".
    const note = await changeOwn(locking, releaseLock, { owner, toNext: (file) => ({ ...file, released }) });
    const isOurs = [await locking.strong?.release(lock, owner), await removeRoot(locking, lock, owner)];
    const isAgain = note.isChanged && note.file?.released !== undefined;
    if (!wasHeld || isAgain || !isOurs.includes(false)) return;
    await changeOwn(locking, releaseLock, { owner, toNext: ({ released: _, ...file }) => file });
  } catch (error) {
    throw toLockError(error, "LOCK_FAILED");
  }
  const { place } = locking.files.locate(lock);
  throw new ReleaseError(
    "LOCK_FAILED",
    `The lock ${place} is another's now, so release ${release.release_id} cannot give it back. Find out who took it.`,
  );
}

/** False: somebody else has it, or nobody can read whose it is. A file without an owner goes as ours does. */
async function removeRoot(locking: Locking, path: string, owner: string): Promise<boolean> {
  for (const each of [owner, ""]) {
    const { isChanged, isAbsent } = await changeOwn(locking, path, { owner: each, toNext: () => undefined });
    if (isChanged || isAbsent) return true;
  }
  return false;
}

async function keep(locking: Locking, release: ReleaseKey, owner: string): Promise<void> {
  const { lock } = toReleasePaths(release, locking.generation);
  await changeOwn(locking, lock, { owner, toNext: ({ until: _, ...file }) => file });
  await locking.strong?.renew(lock, { owner });
}

async function removeOwn(locking: Locking, path: string, owner: string): Promise<void> {
  await changeOwn(locking, path, { owner, toNext: () => undefined });
}

function toUntil({ clock, leaseMs }: Locking): number {
  return clock.now() + leaseMs;
}

function toBy({ by }: Locking): Pick<LockFile, "by"> {
  return by === undefined ? {} : { by };
}

/** A release id's file has no end. */
function toUsed(locking: Locking, owner: string, file: LockFile | undefined): LockFile {
  return file?.uuid === owner ? file : { uuid: owner, ...toBy(locking) };
}

function toRoot(
  locking: Locking,
  { owner, release }: { readonly owner: string; readonly release: string },
  file: LockFile | undefined,
): LockFile {
  const until = toUntil(locking);
  if (file?.uuid === owner) return toRenewed(file, until);
  return { uuid: owner, until: new Date(until).toISOString(), release, ...toBy(locking) };
}

/** A lock that is kept for a person stays without an end. */
function toRenewed(file: LockFile, until: number): LockFile {
  return file.until === undefined ? file : { ...file, until: new Date(until).toISOString() };
}

/** A project and one of its configs, in an account. */
type ProjectConfig = Omit<ReleaseKey, "release_id">;

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
async function findUserLock(
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
