import {
  ARTIFACT_NAME,
  ARTIFACT_VERSION,
  type CellStatus,
  type ConsumerPlace,
  type CoverageCell,
  type Manifest,
  type ReceivedReceipt,
} from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import {
  AccountId,
  changeParsed,
  createParser,
  Instant,
  listRecords,
  Moment,
  type RecordDeps,
  Region,
  Sha256,
  strictObject,
} from "./records.ts";
import type { ListedVersion, VersionId } from "./versions.ts";

/** How a file failed: `failed` can succeed later, `rejected` cannot. */
export const FileFailure = strictObject({
  kind: Type.Enum(["failed", "rejected"]),
  code: Type.String({ maxLength: 64 }),
  at: Instant,
});
export type FileFailure = Static<typeof FileFailure>;

/** The rewritten template of a consumer. */
export const RewrittenFile = strictObject({ sha256: Sha256, at: Instant });
export type RewrittenFile = Static<typeof RewrittenFile>;

const byIndex = "^(0|[1-9]\\d{0,2})$";

/** One artifact version at one consumer, as a record under `cell/<name>/<version>/<account>/<region>`. */
export const Cell = strictObject({
  v: Type.Literal(1),
  name: Type.String({ pattern: ARTIFACT_NAME }),
  version: Type.String({ pattern: ARTIFACT_VERSION }),
  account: AccountId,
  region: Region,
  manifestSha256: Sha256,
  /** The bucket of the files; missing in records written by earlier versions. */
  bucket: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  /**
   * One character per file, in the order of the manifest: `-` missing, `s` stored, `p` present already; upper case when the
   * digest was verified. A thousand files must fit into a record easily.
   */
  files: Type.String({ pattern: "^[-sSpP]{1,1000}$" }),
  /** Failures of missing files, by file index. */
  failures: Type.Record(Type.String({ pattern: byIndex }), FileFailure),
  /** Digests of rewritten templates, by file index. */
  rewritten: Type.Record(Type.String({ pattern: byIndex }), RewrittenFile),
  expectedAt: Instant,
  announcedAt: Moment,
  /** Last announcement of all files. Earlier failures do not count. */
  resetAt: Moment,
  announcements: Type.Integer({ minimum: 0 }),
  overdueAt: Moment,
  /** Announcements by the sweep since then. */
  sweeps: Type.Integer({ minimum: 0 }),
  alarmedAt: Moment,
  /** Last receipt that counted. */
  heardAt: Moment,
});
export type Cell = Static<typeof Cell>;

/** The version of an artifact that a cell belongs to. */
export interface CellSubject {
  readonly name: string;
  readonly version: string;
  readonly manifestSha256: string;
  readonly files: number;
}

/** Parses a record. Returns undefined for an invalid one. */
export const parseCell = createParser(Cell);

/** Returns the prefix of all cells of a version. Cells of longer names can share it. */
function toCellsPrefix({ name, version }: VersionId): string {
  return `cell/${name}/${version}/`;
}

/** Returns the record key of a cell. */
function toCellKey({ name, version, account, region }: ConsumerPlace & VersionId): string {
  return `${toCellsPrefix({ name, version })}${account}/${region}`;
}

/** Returns the version that the cells of a listed version belong to. */
export function toSubject({ name, version, record }: ListedVersion): CellSubject {
  return { name, version, manifestSha256: record.manifestSha256, files: record.files };
}

/** Creates the cell of a version that a consumer should get. */
export function createCell(
  { name, version, manifestSha256, files }: CellSubject,
  { account, region }: ConsumerPlace,
  at: number,
): Cell {
  return {
    v: 1,
    name,
    version,
    account,
    region,
    manifestSha256,
    files: "-".repeat(files),
    failures: {},
    rewritten: {},
    expectedAt: at,
    announcedAt: null,
    resetAt: null,
    announcements: 0,
    overdueAt: null,
    sweeps: 0,
    alarmedAt: null,
    heardAt: null,
  };
}

/**
 * An event of a cell. `at`: epoch milliseconds; `file`: index in the manifest; `bucket`: the consumer's current bucket. A new
 * bucket resets the cell.
 */
export type CellEvent =
  /** `all`: all files; `missing`: only missing files, by the sweep. */
  | {
      readonly kind: "announced";
      readonly at: number;
      readonly scope: "all" | "missing";
      readonly bucket?: string | undefined;
    }
  | FileArrived
  | FileFailed
  | { readonly kind: "overdue"; readonly at: number }
  | { readonly kind: "alarmed"; readonly at: number }
  /** The consumer's bucket was checked. */
  | {
      readonly kind: "seen";
      readonly at: number;
      readonly matching: readonly number[];
      readonly lost: readonly number[];
      readonly bucket?: string | undefined;
    };

/** The consumer has the file, with the digest of the manifest. */
export interface FileArrived {
  readonly kind: "stored" | "present";
  readonly at: number;
  readonly file: number;
  readonly verified: boolean;
  /** Digest of a rewritten template. */
  readonly rewrittenSha256?: string;
  readonly bucket?: string | undefined;
}

/** The consumer does not have the file. */
export interface FileFailed {
  readonly kind: "failed" | "rejected";
  readonly at: number;
  readonly file: number;
  readonly code: string;
  readonly bucket?: string | undefined;
}

/**
 * Applies an event to a cell. Returns the same object when nothing changes. Receipts can arrive in any order and repeatedly, with
 * the same result: an arrived file stays arrived, and of several failures the latest counts.
 */
export function reduceCell(known: Cell, event: CellEvent): Cell {
  const cell = "bucket" in event ? moveTo(known, event.bucket) : known;
  switch (event.kind) {
    case "announced":
      return announce(cell, event.at, event.scope);
    case "stored":
    case "present":
      return arrive(cell, event);
    case "failed":
    case "rejected":
      return fail(cell, event);
    case "overdue":
      return cell.overdueAt === null ? { ...cell, overdueAt: event.at } : cell;
    case "alarmed":
      return cell.alarmedAt === null ? { ...cell, alarmedAt: event.at } : cell;
    case "seen":
      return see(cell, event);
  }
}

function moveTo(cell: Cell, bucket: string | undefined): Cell {
  if (bucket === undefined || bucket === cell.bucket) return cell;
  if (cell.bucket === undefined) return { ...cell, bucket };
  const nothing = { files: "-".repeat(cell.files.length), failures: {}, rewritten: {}, heardAt: null };
  return { ...cell, ...nothing, bucket, sweeps: 0, overdueAt: null, alarmedAt: null };
}

function announce(cell: Cell, at: number, scope: "all" | "missing"): Cell {
  if (at <= (cell.announcedAt ?? -1)) return cell;
  const announced = { ...cell, announcedAt: at, announcements: cell.announcements + 1 };
  if (scope === "missing") return { ...announced, sweeps: cell.sweeps + 1 };
  const failures = Object.fromEntries(Object.entries(cell.failures).filter(([, failure]) => failure.at >= at));
  return { ...announced, resetAt: at, failures, sweeps: 0, overdueAt: null, alarmedAt: null };
}

function arrive(cell: Cell, { kind, at, file, verified, rewrittenSha256 }: FileArrived): Cell {
  const before = cell.files[file];
  if (before === undefined) return cell;
  const letter = merge(before, kind === "stored" ? "s" : "p", verified);
  const rewritten =
    rewrittenSha256 === undefined ? cell.rewritten : rewrite(cell, file, { sha256: rewrittenSha256, at });
  const changes = { files: replaceAt(cell.files, file, letter), failures: without(cell.failures, file), rewritten };
  return { ...cell, ...changes, heardAt: Math.max(cell.heardAt ?? 0, at) };
}

/** Merges two receipts: stored wins over present, verified over unverified. */
function merge(before: string, letter: "s" | "p", verified: boolean): string {
  const merged = before.toLowerCase() === "s" ? "s" : letter;
  const isVerified = verified || before === "S" || before === "P";
  return isVerified ? merged.toUpperCase() : merged;
}

function rewrite(cell: Cell, file: number, later: RewrittenFile): Cell["rewritten"] {
  const known = cell.rewritten[file];
  const isLater = known === undefined || later.at > known.at || (later.at === known.at && later.sha256 > known.sha256);
  return isLater ? { ...cell.rewritten, [file]: later } : cell.rewritten;
}

function fail(cell: Cell, { kind, at, file, code }: FileFailed): Cell {
  if (cell.files[file] === undefined || at < (cell.resetAt ?? 0)) return cell;
  const heard = { ...cell, heardAt: Math.max(cell.heardAt ?? 0, at) };
  if (cell.files[file] !== "-") return heard;
  const failure = { kind, code, at };
  const known = cell.failures[file];
  return known !== undefined && !isWorse(failure, known)
    ? heard
    : { ...heard, failures: { ...cell.failures, [file]: failure } };
}

function isWorse(one: FileFailure, other: FileFailure): boolean {
  if (one.at !== other.at) return one.at > other.at;
  return one.kind === other.kind ? one.code > other.code : one.kind === "rejected";
}

function see(cell: Cell, { at, matching, lost }: CellEvent & { kind: "seen" }): Cell {
  const letters = [...cell.files];
  let failures = cell.failures;
  let rewritten = cell.rewritten;
  for (const file of matching) {
    if (letters[file] === undefined) continue;
    letters[file] = merge(letters[file], "p", true);
    failures = without(failures, file);
  }
  for (const file of lost) {
    if (letters[file] === undefined) continue;
    letters[file] = "-";
    rewritten = without(rewritten, file);
  }
  const files = letters.join("");
  return files === cell.files
    ? cell
    : { ...cell, files, failures, rewritten, heardAt: Math.max(cell.heardAt ?? 0, at) };
}

function without<Value>(values: Readonly<Record<string, Value>>, file: number): Record<string, Value> {
  const { [file]: _, ...rest } = values;
  return rest;
}

function replaceAt(text: string, index: number, letter: string): string {
  return text.slice(0, index) + letter + text.slice(index + 1);
}

/**
 * Converts a receipt to an event of the version's cell. Returns undefined when the receipt concerns none of its files: files
 * are matched by key and digest.
 */
export function toCellEvent(receipt: ReceivedReceipt, manifest: Manifest): FileArrived | FileFailed | undefined {
  const { status, code, verified, sourceSha256, storedSha256, artifact } = receipt;
  const index = manifest.files.findIndex(({ key }) => key === artifact.key);
  const file = manifest.files[index];
  // The receipt of a retirement reports a deleted file.
  if (file === undefined || code === "RETIRED") return undefined;
  const at = Date.parse(receipt.at);
  if (status === "failed" || status === "rejected") {
    const isAnother = sourceSha256 !== null && sourceSha256 !== file.sha256;
    return isAnother ? undefined : { kind: status, at, file: index, code: code ?? "UNKNOWN" };
  }
  if (sourceSha256 !== file.sha256) return undefined;
  const isRewritten = storedSha256 !== null && storedSha256 !== file.sha256;
  return { kind: status, at, file: index, verified, ...(isRewritten ? { rewrittenSha256: storedSha256 } : {}) };
}

/** Returns the status of a version at a consumer. It counts as stored only when all files arrived. */
export function statusOf(cell: Cell): CellStatus {
  if (isDone(cell)) return /[sS]/.test(cell.files) ? "stored" : "present";
  const failures = Object.values(cell.failures);
  if (failures.length > 0) return failures.some(({ kind }) => kind === "rejected") ? "rejected" : "failed";
  if (cell.overdueAt !== null) return "overdue";
  return cell.announcedAt === null ? "expected" : "announced";
}

/** Returns true when all files arrived. */
export function isDone({ files }: Pick<Cell, "files">): boolean {
  return !files.includes("-");
}

/** Returns the indices of files that neither arrived nor failed. */
export function findWaiting({ files, failures }: Pick<Cell, "files" | "failures">): readonly number[] {
  return findMissing({ files }).filter((file) => failures[file] === undefined);
}

/** Returns the indices of missing files. */
export function findMissing({ files }: Pick<Cell, "files">): readonly number[] {
  return [...files].flatMap((letter, file) => (letter === "-" ? [file] : []));
}

/** Converts a cell for API and command output. */
export function toCoverageCell(cell: Cell): CoverageCell {
  const { account, region, files, announcements } = cell;
  const status = statusOf(cell);
  const missing = findMissing(cell).length;
  return {
    account,
    region,
    status,
    announcements,
    code: findFirstFailure(cell)?.code ?? null,
    files: files.length,
    filesDone: files.length - missing,
    verified: /^[SP]+$/.test(files),
    at: new Date(instantOf(cell, status)).toISOString(),
  };
}

function findFirstFailure({ failures }: Cell): FileFailure | undefined {
  const first = Object.keys(failures).sort((one, other) => Number(one) - Number(other))[0];
  return first === undefined ? undefined : failures[first];
}

function instantOf(cell: Cell, status: CellStatus): number {
  const { expectedAt, announcedAt, overdueAt, heardAt } = cell;
  if (status === "expected") return expectedAt;
  if (status === "announced") return announcedAt ?? expectedAt;
  if (status === "overdue") return overdueAt ?? expectedAt;
  return heardAt ?? expectedAt;
}

/** Who has a version, and who should have it. */
export interface CoverageFacts {
  readonly cells: readonly Pick<Cell, "account" | "region" | "files">[];
  readonly expected: readonly ConsumerPlace[];
}

/** `covered`: all expected consumers have it, and there is at least one. */
export type CoverageVerdict =
  | { readonly kind: "covered"; readonly consumers: number }
  | { readonly kind: "open"; readonly missing: readonly ConsumerPlace[] };

/** Decides whether all expected consumers have a version. A consumer without a cell does not. */
export function decideCovered({ cells, expected }: CoverageFacts): CoverageVerdict {
  const done = new Set(cells.filter(isDone).map(toPlaceKey));
  const missing = expected.filter((place) => !done.has(toPlaceKey(place)));
  return expected.length > 0 && missing.length === 0
    ? { kind: "covered", consumers: expected.length }
    : { kind: "open", missing };
}

/** Returns a unique key of account and region. */
export function toPlaceKey({ account, region }: ConsumerPlace): string {
  return `${account}/${region}`;
}

/** Options of the sweep. */
export interface SweepOptions {
  /** Time after which a cell is overdue; doubles with each announcement. Default: 15 minutes. */
  readonly overdueMs?: number;
}

/** The action for a cell. `announce`: the cell is overdue; announce these files (indices in the manifest) again. */
export type SweepAction =
  | { readonly kind: "announce"; readonly cell: Cell; readonly files: readonly number[] }
  | { readonly kind: "alarm"; readonly cell: Cell };

const OVERDUE_MS = 15 * 60_000;
/** Announcements by the sweep before the alarm. */
const MAX_SWEEPS = 3;

/**
 * Decides what to do now about cells of consumers that send receipts. Failed files wait for an operator. Files without a receipt
 * for 15 minutes are announced again, and twice more after 30 and 60 minutes. Two hours later the cell raises an alarm.
 */
export function decideSweep(
  cells: readonly Cell[],
  now: number,
  { overdueMs = OVERDUE_MS }: SweepOptions = {},
): readonly SweepAction[] {
  return cells.flatMap((cell) => decide(cell, now, overdueMs));
}

function decide(cell: Cell, now: number, overdueMs: number): readonly SweepAction[] {
  const files = findWaiting(cell);
  const dueAt = (cell.announcedAt ?? cell.expectedAt) + overdueMs * 2 ** cell.sweeps;
  if (isDone(cell) || files.length === 0 || now < dueAt) return [];
  if (cell.sweeps < MAX_SWEEPS) return [{ kind: "announce", cell, files }];
  return cell.alarmedAt === null ? [{ kind: "alarm", cell }] : [];
}

/** Decides the events of a cell from its state. An empty list changes nothing. */
type DecideCellEvents = (cell: Cell) => readonly CellEvent[];

/** Changes a cell, or creates it. Concurrent changes are both applied. Returns the current cell. */
export async function changeCell(
  deps: RecordDeps,
  subject: CellSubject,
  place: ConsumerPlace,
  decide: DecideCellEvents,
): Promise<Cell> {
  const fresh = createCell(subject, place, deps.clock.now());
  const changed = await changeParsed(deps, {
    key: toCellKey(fresh),
    parse: parseCell,
    change(known) {
      // A cell of another manifest belongs to a removed publication, whose files can have another order.
      const before = known?.manifestSha256 === fresh.manifestSha256 ? known : fresh;
      return decide(before).reduce(reduceCell, before);
    },
  });
  return changed ?? fresh;
}

/** Lists the cells of a version by account and region. */
export async function listCells(
  deps: Pick<RecordDeps, "records" | "clock">,
  version: VersionId,
): Promise<readonly Cell[]> {
  const cells = await listRecords(deps, toCellsPrefix(version), parseCell);
  // The prefix of version 1 of "a" also matches cells of the artifact "a/1".
  return cells.filter((cell) => cell.name === version.name && cell.version === version.version);
}

/** Finds a consumer's cell of a version. */
export async function findCell(
  { records, clock }: Pick<RecordDeps, "records" | "clock">,
  key: ConsumerPlace & VersionId,
): Promise<Cell | undefined> {
  return parseCell((await records.get(toCellKey(key), clock.now()))?.value);
}
