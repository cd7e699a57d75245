import type { CoverageCell, CoverageRow } from "@stackyard/sdk/artifacts";

/** Returns a version that no consumer has stored yet. */
export function aRow(row: Partial<CoverageRow> = {}): CoverageRow {
  return {
    name: "app",
    version: "1.0.0",
    manifestSha256: "0".repeat(64),
    publishedAt: "2026-01-01T00:00:00.000Z",
    covered: false,
    retired: false,
    cells: [],
    ...row,
  };
}

/** Returns a version of one file that one consumer has stored. */
export function aCell(cell: Partial<CoverageCell> = {}): CoverageCell {
  return {
    account: "222222222222",
    region: "eu-west-1",
    status: "stored",
    code: null,
    files: 1,
    filesDone: 1,
    announcements: 1,
    verified: true,
    at: "2026-01-01T00:00:00.000Z",
    ...cell,
  };
}
