import type { Clock } from "@stackyard/core";
import { ReleaseError } from "../release-error.ts";
import { judgeLock, type LockFile, parseLockFile, toLockText } from "./lock-file.ts";
import type { LockFiles, StoredFile } from "./lock-files.ts";

/** What it takes to write a lock's file. */
export interface LockFileDeps {
  readonly files: LockFiles;
  readonly clock: Clock;
}

/** A file that is a lock, or `undefined` in it where nobody can read it. */
export interface FoundLock {
  readonly lock: LockFile | "absent" | undefined;
  readonly version: string | "absent";
}

/** Whether it is ours now. */
export type TakeFileResult =
  | { readonly kind: "taken"; readonly file: LockFile }
  | { readonly kind: "held"; readonly file: LockFile | undefined };

const MAX_TRIES = 20;
const PAUSE_MS = 50;

/** Reads a lock's file. */
export async function loadLock({ files }: LockFileDeps, path: string): Promise<FoundLock> {
  return toFound(await files.load(path));
}

function toFound(file: StoredFile | undefined): FoundLock {
  if (file === undefined) return { lock: "absent", version: "absent" };
  return { lock: parseLockFile(file.text), version: file.version };
}

/**
 * Makes a lock's file ours when it is free, ours already, or its owner's lease is over: one conditional write over what was read.
 * Throws `LOCK_EXISTS` where nothing can have been written, `LOCK_FAILED` where it may have been.
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
    if (judgeLock(lock, { owner: next.uuid, now: deps.clock.now() }) === "held") return { kind: "held", file };
    const put = deps.files.put(path, toLockText(next), version);
    if ((await put.catch((error) => refuse(error, "LOCK_FAILED"))) === "written") return { kind: "taken", file: next };
    await deps.clock.sleep(PAUSE_MS * tries);
  }
  throw new ReleaseError(
    "LOCK_EXISTS",
    `Too many deployers contend for ${deps.files.locate(path).place}. Deploy again.`,
  );
}

function refuse(error: unknown, code: "LOCK_EXISTS" | "LOCK_FAILED"): never {
  throw toLockError(error, code);
}

/** What became of a change to one's own lock. */
export interface ChangeOwnResult {
  readonly isChanged: boolean;
  /** There was no file. */
  readonly isAbsent: boolean;
  /** Ours before the change, or whose it is instead; `undefined`: nobody's, or not readable. */
  readonly file: LockFile | undefined;
}

/** Changes a lock's file while it is this owner's; `undefined` as what comes next removes it. */
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
  throw new ReleaseError("LOCK_FAILED", `Others write to ${files.locate(path).place} all the time.`);
}

/** An error of a lock's place as the state Lock knows it. */
export function toLockError(error: unknown, code: "LOCK_EXISTS" | "LOCK_FAILED"): ReleaseError {
  if (error instanceof ReleaseError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ReleaseError(code, message, { cause: error });
}

function isFile(lock: FoundLock["lock"]): lock is LockFile {
  return lock !== undefined && lock !== "absent";
}
