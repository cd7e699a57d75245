import type { CellStatus, CoverageCell } from "@stackyard/sdk/artifacts";
import type { Cell, FileFailure } from "./cell.ts";

/** How a version stands at a consumer: it is there only when all of its files are. */
export function statusOf(cell: Cell): CellStatus {
  if (isDone(cell)) return /[sS]/.test(cell.files) ? "stored" : "present";
  const failures = Object.values(cell.failures);
  if (failures.length > 0) return failures.some(({ kind }) => kind === "rejected") ? "rejected" : "failed";
  if (cell.overdueAt !== null) return "overdue";
  return cell.announcedAt === null ? "expected" : "announced";
}

/** All of its files stand there. */
export function isDone({ files }: Pick<Cell, "files">): boolean {
  return !files.includes("-");
}

/** Indices of files that have neither come nor failed. */
export function findWaiting({ files, failures }: Pick<Cell, "files" | "failures">): readonly number[] {
  return findMissing({ files }).filter((file) => failures[file] === undefined);
}

/** Indices of files that have not come. */
export function findMissing({ files }: Pick<Cell, "files">): readonly number[] {
  return [...files].flatMap((letter, file) => (letter === "-" ? [file] : []));
}

/** A cell as programs and people see it. */
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
