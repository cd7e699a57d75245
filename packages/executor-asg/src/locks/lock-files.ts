import { type Clock, parseJson } from "@stackyard/core";
import type { ReleaseConstants } from "../presets.ts";
import { ReleaseError } from "../release-errors.ts";

/** A file as read. */
export interface StoredFile {
  readonly text: string;
  /** Changes with each write: an ETag, or the version of a record. */
  readonly version: string;
}

/** Small files with conditional writes that store locks: objects in a bucket, or records of the yard. */
export interface LockFiles {
  /** Returns the file, or undefined if it does not exist. */
  load(path: string): Promise<StoredFile | undefined>;
  /**
   * Writes over the version read, or a new file. `conflict`: another writer changed the file. After an error the result
   * is unknown.
   */
  put(path: string, text: string, over: string | "absent"): Promise<"written" | "conflict">;
  /** Removes the version read. A missing file counts as removed. */
  remove(path: string, version: string): Promise<"removed" | "conflict">;
  /** Returns the location of the file for people, and the command that removes it. */
  locate(path: string): { readonly place: string; readonly removeCommand?: string };
}

/** Content of a lock file. The predecessor's contains only the owner. */
export interface LockFile {
  /** The owner. Empty: no owner. */
  readonly uuid: string;
  /** ISO 8601, by the owner's clock. Missing: the lock does not expire, as the predecessor's. */
  readonly until?: string;
  /** Increases with each release of the project and config. */
  readonly token?: number;
  /** Who deploys, for messages. */
  readonly by?: string;
  /** The release that owns the lock. */
  readonly release?: string;
  /** In the file of a release id: when its owner released the project and config. ISO 8601. */
  readonly released?: string;
}

/** Maximum difference between the clocks of the lock's owner and another deployer, each being wrong by two minutes. */
export const CLOCKS_APART_MS = 5 * 60_000;

/** State of a lock, as seen by a deployer. */
type LockVerdict = "free" | "ours" | "lapsed" | "held";

/**
 * Evaluates a lock for a deployer that wants it. An expired lease is taken over only after a delay, because the owner's
 * clock may be behind. An unreadable file (`undefined`) counts as held, for safety.
 */
function evaluateLock(
  file: LockFile | "absent" | undefined,
  { owner, now }: { readonly owner: string; readonly now: number },
): LockVerdict {
  if (file === undefined) return "held";
  if (file === "absent" || file.uuid === "") return "free";
  if (file.uuid === owner) return "ours";
  const until = file.until === undefined ? Number.NaN : Date.parse(file.until);
  return now > until + CLOCKS_APART_MS ? "lapsed" : "held";
}

/** Parses a lock file. Returns undefined if it is not a lock; ignores unknown fields. */
export function parseLockFile(text: string): LockFile | undefined {
  const value = parseJson(text);
  // The predecessor treats an empty file as a lock without an owner.
  if (value === null) return { uuid: "" };
  if (typeof value !== "object" || Array.isArray(value)) return undefined;
  const { uuid: owner, until, token, by, release, released } = value as Partial<Record<keyof LockFile, unknown>>;
  const uuid = owner ?? "";
  if (typeof uuid !== "string") return undefined;
  return {
    uuid,
    // A lock with an unreadable expiry does not expire.
    ...(typeof until === "string" ? { until } : {}),
    ...(typeof token === "number" ? { token } : {}),
    ...(typeof by === "string" ? { by } : {}),
    ...(typeof release === "string" ? { release } : {}),
    ...(typeof released === "string" ? { released } : {}),
  };
}

/** Formats a lock file. The predecessor reads only `uuid`. */
function toLockText({ uuid, until, token, by, release, released }: LockFile): string {
  return JSON.stringify({ uuid, until, token, by, release, released });
}

/** Dependencies for writing lock files. */
interface LockFileDeps {
  readonly files: LockFiles;
  readonly clock: Clock;
}

/** A lock file; `lock` is undefined if it cannot be parsed. */
interface FoundLock {
  readonly lock: LockFile | "absent" | undefined;
  readonly version: string | "absent";
}

/** Result of taking a lock file. */
type TakeFileResult =
  | { readonly kind: "taken"; readonly file: LockFile }
  | { readonly kind: "held"; readonly file: LockFile | undefined };

const MAX_TRIES = 20;

const PAUSE_MS = 50;

/** Loads a lock file. */
export async function loadLock({ files }: LockFileDeps, path: string): Promise<FoundLock> {
  const file = await files.load(path);
  if (file === undefined) return { lock: "absent", version: "absent" };
  return { lock: parseLockFile(file.text), version: file.version };
}

/**
 * Takes a lock file if it is free, owned already, or its owner's lease has expired: one conditional write over the
 * version read. Throws `LOCK_EXISTS` if nothing was written, `LOCK_FAILED` if something may have been.
 */
export async function takeFile(
  deps: LockFileDeps,
  path: string,
  toNext: (file: LockFile | undefined) => LockFile,
): Promise<TakeFileResult> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { lock, version } = await loadLock(deps, path).catch((error) => refuse(error, "LOCK_EXISTS"));
    const file = isFile(lock) ? lock : undefined;
    const next = toNext(file);
    if (evaluateLock(lock, { owner: next.uuid, now: deps.clock.now() }) === "held") return { kind: "held", file };
    const put = deps.files.put(path, toLockText(next), version);
    if ((await put.catch((error) => refuse(error, "LOCK_FAILED"))) === "written") return { kind: "taken", file: next };
    await deps.clock.sleep(PAUSE_MS * tries);
  }
  throw new ReleaseError(
    "LOCK_EXISTS",
    `Too many concurrent writes to ${deps.files.locate(path).place}. Deploy again.`,
  );
}

function refuse(error: unknown, code: "LOCK_EXISTS" | "LOCK_FAILED"): never {
  throw toLockError(error, code);
}

/** Result of changing one's own lock. */
interface ChangeOwnResult {
  readonly isChanged: boolean;
  /** The file does not exist. */
  readonly isAbsent: boolean;
  /** The owner's content before the change, or the other owner's; undefined if it has no owner or cannot be parsed. */
  readonly file: LockFile | undefined;
}

/** Changes a lock file while this owner has it. If `next` returns undefined, removes it. */
export async function changeOwn(
  deps: LockFileDeps,
  path: string,
  { owner, toNext }: { readonly owner: string; readonly toNext: (file: LockFile) => LockFile | undefined },
): Promise<ChangeOwnResult> {
  const { files, clock } = deps;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { lock, version } = await loadLock(deps, path);
    const file = isFile(lock) ? lock : undefined;
    if (file?.uuid !== owner) return { isChanged: false, isAbsent: lock === "absent", file };
    const next = toNext(file);
    const done = next === undefined ? files.remove(path, version) : files.put(path, toLockText(next), version);
    if ((await done) !== "conflict") return { isChanged: true, isAbsent: false, file };
    await clock.sleep(PAUSE_MS * tries);
  }
  throw new ReleaseError("LOCK_FAILED", `Too many concurrent writes to ${files.locate(path).place}. Try again.`);
}

/** Converts an error of the lock storage to an error of the state Lock. */
export function toLockError(error: unknown, code: "LOCK_EXISTS" | "LOCK_FAILED"): ReleaseError {
  if (error instanceof ReleaseError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ReleaseError(code, message, { cause: error });
}

function isFile(lock: FoundLock["lock"]): lock is LockFile {
  return lock !== undefined && lock !== "absent";
}

const MAX_TOKEN_TRIES = 50;

/**
 * Returns the next fencing token of a project and config: a counter in a file that outlives all locks. Never returns
 * the same token twice.
 */
export async function createToken(deps: LockFileDeps, path: string): Promise<number> {
  for (let tries = 0; tries < MAX_TOKEN_TRIES; tries += 1) {
    const { lock, version } = await loadLock(deps, path);
    const last = lock === "absent" ? undefined : lock?.token;
    const token = (last ?? 0) + 1;
    if ((await deps.files.put(path, toLockText({ uuid: "", token }), version)) === "written") return token;
  }
  throw new ReleaseError("LOCK_FAILED", `Too many concurrent writes to ${deps.files.locate(path).place}. Try again.`);
}

/** Options of the release locks: their storage and lease. */
export interface ReleaseLocksOptions {
  readonly files: LockFiles;
  readonly clock: Clock;
  readonly generation: ReleaseConstants["generation"];
  /** The predecessor's lock table, if used. */
  readonly strong?: StrongLock;
  /**
   * Must exceed the longest time without a heartbeat: the slow start of a target group, 15 min, under Step Functions.
   * Default: 30 min.
   */
  readonly leaseMs?: number;
  /** Who deploys, for the message to other deployers. */
  readonly by?: string;
  /** Extra arguments of the unlock command, such as `--region`, `eu-west-1`. Default: none. */
  readonly unlockWords?: readonly string[];
}

/** Owner of a lock, and its expiry unless renewed (epoch ms). Without `until` it does not expire. */
export interface StrongLockRequest {
  readonly owner: string;
  readonly until?: number;
}

/** A second storage of the root lock with atomic writes: the predecessor's table. */
export interface StrongLock {
  /** Takes the lock; idempotent for the same owner, and updates the expiry. */
  take(path: string, request: StrongLockRequest): Promise<"taken" | "held">;
  /** Renews the lock. Returns false if this owner no longer has it. */
  renew(path: string, request: StrongLockRequest): Promise<boolean>;
  /** Releases the lock. A missing lock counts as released. Returns false if another owner has it. */
  release(path: string, owner: string): Promise<boolean>;
  /** Removes the lock of any owner, for people. */
  remove(path: string): Promise<void>;
  /** Returns the location of the lock for people, and the command that removes it. */
  locate(path: string): { readonly place: string; readonly removeCommand: string };
}
