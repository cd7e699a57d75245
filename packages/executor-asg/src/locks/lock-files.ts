import type { Clock } from "@stackyard/core";
import { type AcquireReleaseLock, type ReleaseConstants, ReleaseError, type ReleaseKey } from "../release-state.ts";

/** A file as it stood when it was read. */
export interface StoredFile {
  readonly text: string;
  /** Changes with each write: an ETag, or a record's version. */
  readonly version: string;
}

/** Small files with conditional writes, in which locks are kept: objects of a bucket, or the yard's records. */
export interface LockFiles {
  /** `undefined`: there is none. */
  load(path: string): Promise<StoredFile | undefined>;
  /** Over what was read, or where nothing was; `conflict`: somebody wrote meanwhile. An error leaves open whether it is written. */
  put(path: string, text: string, over: string | "absent"): Promise<"written" | "conflict">;
  /** What was read; gone already is `removed` too. */
  remove(path: string, version: string): Promise<"removed" | "conflict">;
  /** Where a person finds the file, and the command that takes it away. */
  locate(path: string): { readonly place: string; readonly removeCommand?: string };
}

/** What a lock's file says. The predecessor's has the owner alone. */
export interface LockFile {
  /** The owner. Empty: nobody. */
  readonly uuid: string;
  /** ISO 8601, by the owner's clock. Absent: for ever, as the predecessor's are. */
  readonly until?: string;
  /** Grows with each release of the project-config. */
  readonly token?: number;
  /** Who deploys, for people. */
  readonly by?: string;
  /** The release that has the lock. */
  readonly release?: string;
  /** In the file of a release id: when its owner gave the project-config back. ISO 8601. */
  readonly released?: string;
}

/** The two clocks of a lock's owner and of whoever wants it may be apart by so much, each being wrong by two minutes. */
export const CLOCKS_APART_MS = 5 * 60_000;

/** Whose a lock is. */
type LockVerdict = "free" | "ours" | "lapsed" | "held";

/**
 * Whose a lock is, for somebody who wants it. A lease that is over is taken over only after a while: the owner's clock may be
 * behind. `undefined` as `file`: there is a file that nobody can read, which is held for safety.
 */
function judgeLock(
  file: LockFile | "absent" | undefined,
  { owner, now }: { readonly owner: string; readonly now: number },
): LockVerdict {
  if (file === undefined) return "held";
  if (file === "absent" || file.uuid === "") return "free";
  if (file.uuid === owner) return "ours";
  const until = file.until === undefined ? Number.NaN : Date.parse(file.until);
  return now > until + CLOCKS_APART_MS ? "lapsed" : "held";
}

/** What a file says; `undefined`: it is no lock. Fields of others are left out. */
export function parseLockFile(text: string): LockFile | undefined {
  const value = parseJson(text);
  // The predecessor reads nothing at all as a lock without an owner.
  if (value === null) return { uuid: "" };
  if (typeof value !== "object" || Array.isArray(value)) return undefined;
  const { uuid: owner, until, token, by, release, released } = value as Partial<Record<keyof LockFile, unknown>>;
  const uuid = owner ?? "";
  if (typeof uuid !== "string") return undefined;
  return {
    uuid,
    // An end that nobody can read is none, so the lock is held for ever.
    ...(typeof until === "string" ? { until } : {}),
    ...(typeof token === "number" ? { token } : {}),
    ...(typeof by === "string" ? { by } : {}),
    ...(typeof release === "string" ? { release } : {}),
    ...(typeof released === "string" ? { released } : {}),
  };
}

/** The file's text. The predecessor reads `uuid` and leaves the rest alone. */
function toLockText({ uuid, until, token, by, release, released }: LockFile): string {
  return JSON.stringify({ uuid, until, token, by, release, released });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What it takes to write a lock's file. */
interface LockFileDeps {
  readonly files: LockFiles;
  readonly clock: Clock;
}

/** A file that is a lock, or `undefined` in it where nobody can read it. */
interface FoundLock {
  readonly lock: LockFile | "absent" | undefined;
  readonly version: string | "absent";
}

/** Whether it is ours now. */
type TakeFileResult =
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
interface ChangeOwnResult {
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

const MAX_TRIES_DRAW_TOKEN = 50;

/** The next fencing token of a project-config: a count in a file that outlives every lock. Never the same twice. */
export async function drawToken(deps: LockFileDeps, path: string): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES_DRAW_TOKEN; tries += 1) {
    const { lock, version } = await loadLock(deps, path);
    const last = lock === "absent" ? undefined : lock?.token;
    const token = (last ?? 0) + 1;
    if ((await deps.files.put(path, toLockText({ uuid: "", token }), version)) === "written") return token;
  }
  throw new ReleaseError("LOCK_FAILED", `Others write to ${deps.files.locate(path).place} all the time.`);
}

type Held = Extract<AcquireReleaseLock, { kind: "held" }>;

/** Where a lock is that somebody else has. `file`: what it says, where it can be read. */
interface HeldLock {
  readonly file: LockFile | undefined;
  readonly at: { readonly place: string; readonly removeCommand?: string };
  /** Of the command that unlocks. */
  readonly words?: readonly string[] | undefined;
}

/** Another release of the project-config is under way, or one has left something behind. */
export function tellRoot(release: ReleaseKey, { file, at, words }: HeldLock): Held {
  const by = toOwner(file);
  const end =
    file?.until === undefined
      ? "It has no end: its release runs, or has left something behind."
      : `It ends some minutes after ${file.until} if nobody renews it.`;
  const commands = [toUnlockCommand(release, { root: true, words }), ...(at.removeCommand ? [at.removeCommand] : [])];
  return {
    kind: "held",
    what: "root",
    by,
    message:
      `Lock Already Exists: ${tellConfig(release)} is locked by ${by} in ${at.place}. ${end} Wait for that release, or halt it. ` +
      `Only if you know that it is dead, remove the lock: ${commands.join(" or: ")}`,
  };
}

/** The release id has been used before. */
export function tellUsed(release: ReleaseKey, file: LockFile | undefined): Held {
  const by = toOwner(file);
  const id = JSON.stringify(release.release_id);
  return {
    kind: "held",
    what: "used",
    by,
    message: `Lock Already Exists: the release id ${id} of ${tellConfig(release)} was used by ${by}, and each id is good for one release. Give the release a new id; "stackyard release deploy" does so.`,
  };
}

/** A person keeps deployers away. */
export function tellUser(
  release: ReleaseKey,
  { user, reason, words }: { readonly user: string; readonly reason: string; readonly words?: HeldLock["words"] },
): Held {
  const why = reason === "" ? "" : `: ${reason}`;
  return {
    kind: "held",
    what: "user",
    by: user,
    message: `Lock Already Exists: ${tellConfig(release)} was locked by ${user}${why}. When the reason is gone, remove the lock: ${toUnlockCommand(release, { words })}`,
  };
}

function tellConfig({ project_name, config_name }: ReleaseKey): string {
  return `"${project_name}" "${config_name}"`;
}

function toOwner(file: LockFile | undefined): string {
  if (file === undefined || file.uuid === "") return "somebody";
  const owner = file.release === undefined ? file.uuid : `release ${file.release}`;
  return file.by === undefined ? owner : `${owner} (${file.by})`;
}

/** What the command needs beside the project-config. */
interface UnlockCommandOptions {
  /** The deployers' own lock, not that of a person. */
  readonly root?: boolean;
  /** Where the locks are, such as `--region`, `eu-west-1`. */
  readonly words?: readonly string[] | undefined;
}

/** The command that takes a lock of a project-config away. */
function toUnlockCommand(
  { aws_account_id, project_name, config_name }: Omit<ReleaseKey, "release_id">,
  { root = false, words = [] }: UnlockCommandOptions = {},
): string {
  const all = [project_name, config_name, "--account", aws_account_id, ...words, ...(root ? ["--root"] : [])];
  return `stackyard release unlock ${all.map(quote).join(" ")}`;
}

/** For a shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Where the locks are, and how long they last without a heartbeat. */
export interface ReleaseLocksOptions {
  readonly files: LockFiles;
  readonly clock: Clock;
  readonly generation: ReleaseConstants["generation"];
  /** The predecessor's table, where there is one. */
  readonly strong?: StrongLock;
  /**
   * Longer than the longest time in which nobody looks: the slow start of a target group, 15 min, under Step Functions.
   * Default: 30 min.
   */
  readonly leaseMs?: number;
  /** Who deploys, for the person who is refused. */
  readonly by?: string;
  /** What the command that unlocks needs to find the locks, such as `--region`, `eu-west-1`. Default: nothing. */
  readonly unlockWords?: readonly string[];
}

/** Who wants a lock, and until when unless it is renewed (epoch ms). No `until`: for ever. */
export interface StrongLockRequest {
  readonly owner: string;
  readonly until?: number;
}

/** A second place for the root lock, with one atomic write: the predecessor's table. */
export interface StrongLock {
  /** Idempotent for the same owner; gives the new end too. */
  take(path: string, request: StrongLockRequest): Promise<"taken" | "held">;
  /** False: it is not this owner's any more. */
  renew(path: string, request: StrongLockRequest): Promise<boolean>;
  /** Not there: released. False: somebody else has it, and keeps it. */
  release(path: string, owner: string): Promise<boolean>;
  /** Takes it away from whoever has it: for people. */
  remove(path: string): Promise<void>;
  /** Where a person finds it, and the command that takes it away. */
  locate(path: string): { readonly place: string; readonly removeCommand: string };
}
