import type { CellStatus, ConsumerPlace, CoverageCell } from "@stackyard/sdk/artifacts";
import { type Cell, type FileFailure, toPlaceKey } from "./cell.ts";

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
