import { defined } from "@stackyard/core";
import { toReleasePaths } from "../plan/release-paths.ts";
import { ReleaseError } from "../release-errors.ts";
import type { AcquireReleaseLock, ReleaseKey, ReleaseLocks } from "../release-state.ts";
import { formatRootLock, formatUsedId } from "./held-lock.ts";
import {
  changeOwn,
  createToken,
  type LockFile,
  loadLock,
  type ReleaseLocksOptions,
  takeFile,
  toLockError,
} from "./lock-files.ts";
import { findUserLock } from "./user-locks.ts";

/** Default lease of a lock. */
export const RELEASE_LEASE_MS = 30 * 60_000;

interface Locking extends ReleaseLocksOptions {
  readonly leaseMs: number;
}

/**
 * Creates the locks of releases, in the predecessor's locations and order: the person's lock, the release id (which is
 * never removed), the root lock in a file, and the root lock in the table. Each is one conditional write. If a later
 * one is held, the earlier ones are released.
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
  if (used.kind === "held") return formatUsedId(release, used.file);
  const root = await takeFile(locking, paths.lock, (file) =>
    toRoot(locking, { owner, release: release.release_id }, file),
  );
  if (root.kind === "held") return formatRootLock(release, { file: root.file, at: files.locate(paths.lock), words });
  if (strong !== undefined && (await takeStrong(locking, paths.lock, owner)) === "held") {
    await removeOwn(locking, paths.lock, owner);
    return formatRootLock(release, { file: undefined, at: strong.locate(paths.lock), words });
  }
  return addToken(locking, release, { owner, file: root.file });
}

/**
 * Assigns the fencing token while the lock is owned, and writes it over the version taken: a later owner always has a
 * higher token, and an owner that lost the lock gets none.
 */
async function addToken(
  locking: Locking,
  release: ReleaseKey,
  { owner, file }: { readonly owner: string; readonly file: LockFile },
): Promise<AcquireReleaseLock> {
  if (file.token !== undefined) return { kind: "acquired", fencingToken: file.token };
  const { root, lock } = toReleasePaths(release, locking.generation);
  try {
    const token = await createToken(locking, `${root}/lock-token`);
    const now = await changeOwn(locking, lock, { owner, toNext: (own) => ({ ...own, token }) });
    if (now.isChanged) return { kind: "acquired", fencingToken: token };
    return formatRootLock(release, { file: now.file, at: locking.files.locate(lock), words: locking.unlockWords });
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
    // First mark the id as released, so that a repeated clean-up can distinguish "released" from "lost".
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
    `The lock ${place} has another owner, so release ${release.release_id} cannot release it. Find out who took it.`,
  );
}

/**
 * Releases one lock file. Returns false if another owner has it, or if it is unreadable. A file without an owner is
 * removed.
 */
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
  return defined({ by });
}

/** Returns the file of a release id, which does not expire. */
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

/** Renews a file's expiry. A lock that is kept for a person has none. */
function toRenewed(file: LockFile, until: number): LockFile {
  return file.until === undefined ? file : { ...file, until: new Date(until).toISOString() };
}
