import type { Manifest, ReceivedReceipt } from "@stackyard/sdk/artifacts";
import { type Cell, type FileFailure, NEVER_OBSERVED, OBSERVED_DIGITS, type RewrittenFile } from "./cell.ts";

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
  /** The consumer's bucket was checked, no earlier than `at`. */
  | {
      readonly kind: "seen";
      readonly at: number;
      readonly matching: readonly number[];
      readonly lost: readonly number[];
      readonly bucket?: string | undefined;
    };

/** The consumer has the file, with the digest of the manifest. `at`: when the consumer observed it. */
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
 * the same result: an arrived file stays arrived, and of several failures the latest counts. Only a later look at the bucket finds
 * that a file is lost, and only a later receipt or look that it is back.
 */
export function reduceCell(known: Cell, event: CellEvent): Cell {
  const cell = "bucket" in event ? moveTo(known, event) : known;
  if (cell === undefined) return known;
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

/** Returns a cell for the bucket that its consumer has now: facts about an earlier bucket do not apply to it. */
export function inBucket(cell: Cell, bucket: string | null | undefined): Cell {
  return moveTo(cell, { at: Number.POSITIVE_INFINITY, bucket: bucket ?? undefined }) ?? cell;
}

/** Returns undefined for an event of another bucket that is older than what is known of the present one. */
function moveTo(cell: Cell, { at, bucket }: { readonly at: number; readonly bucket?: string | undefined }) {
  if (bucket === undefined || bucket === cell.bucket) return cell;
  if (cell.bucket === undefined) return { ...cell, bucket };
  if (at < (cell.heardAt ?? 0)) return undefined;
  const { length } = cell.files;
  const none = { files: "-".repeat(length), observed: NEVER_OBSERVED.repeat(length) };
  const nothing = { ...none, lostAt: {}, failures: {}, rewritten: {}, heardAt: null };
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
  if (before === undefined || at < findLostAt(cell, file)) return cell;
  const letter = merge(before, kind === "stored" ? "s" : "p", verified);
  const rewritten =
    rewrittenSha256 === undefined ? cell.rewritten : rewrite(cell, file, { sha256: rewrittenSha256, at });
  const changes = { files: replaceAt(cell.files, file, letter), failures: without(cell.failures, file), rewritten };
  return { ...observe(cell, file, at), ...changes, heardAt: Math.max(cell.heardAt ?? 0, at) };
}

/** Returns when a file was last seen missing; 0 for one that never was. */
function findLostAt(cell: Cell, file: number): number {
  return cell.lostAt[file] ?? (cell.files[file] === "-" ? findObservedAt(cell, file) : 0);
}

/** Returns true for knowledge about a file that is older than what is known. */
function isOld(cell: Cell, file: number, at: number): boolean {
  return at < findObservedAt(cell, file);
}

function findObservedAt({ observed }: Cell, file: number): number {
  return Number.parseInt(observed.slice(file * OBSERVED_DIGITS, (file + 1) * OBSERVED_DIGITS), 36);
}

function observe(cell: Cell, file: number, at: number): Cell {
  const latest = Math.max(findObservedAt(cell, file), at).toString(36).padStart(OBSERVED_DIGITS, "0");
  return { ...cell, observed: replaceAt(cell.observed, file * OBSERVED_DIGITS, latest) };
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
  if (cell.files[file] === undefined || at < (cell.resetAt ?? 0) || isOld(cell, file, at)) return cell;
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
  const found = matching.reduce((known, file) => seeOne(known, { file, at, isLost: false }), cell);
  const seen = lost.reduce((known, file) => seeOne(known, { file, at, isLost: true }), found);
  return seen.files === cell.files ? seen : { ...seen, heardAt: Math.max(cell.heardAt ?? 0, at) };
}

interface SeenInBucket {
  readonly file: number;
  readonly at: number;
  readonly isLost: boolean;
}

function seeOne(cell: Cell, { file, at, isLost }: SeenInBucket): Cell {
  const before = cell.files[file];
  if (before === undefined || isOld(cell, file, at)) return cell;
  const letter = isLost ? "-" : merge(before, "p", true);
  const known = isLost
    ? { rewritten: without(cell.rewritten, file), lostAt: { ...cell.lostAt, [file]: at } }
    : { failures: without(cell.failures, file) };
  return { ...observe(cell, file, at), ...known, files: replaceAt(cell.files, file, letter) };
}

function without<Value>(values: Readonly<Record<string, Value>>, file: number): Record<string, Value> {
  const { [file]: _, ...rest } = values;
  return rest;
}

function replaceAt(text: string, index: number, part: string): string {
  return text.slice(0, index) + part + text.slice(index + part.length);
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
