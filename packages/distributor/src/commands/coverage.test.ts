import type { CoverageRow } from "@stackyard/sdk/artifacts";
import { describe, expect, it } from "vitest";
import { formatCoverage } from "./coverage.ts";

const cell = { account: "111122223333", region: "eu-west-1", code: null, files: 1, filesDone: 1, announcements: 1 };
const at = "2026-11-20T06:00:00.000Z";

function aRow(over: Partial<CoverageRow> = {}): CoverageRow {
  return {
    name: "billing-api",
    version: "1",
    manifestSha256: "a".repeat(64),
    publishedAt: at,
    covered: true,
    retired: false,
    cells: [{ ...cell, status: "stored", verified: true, at }],
    ...over,
  };
}

const formatSum = (rows: readonly CoverageRow[]) => formatCoverage(rows, { columns: 80 }).split("\n").at(-1);

describe("the sum of a matrix", () => {
  it("counts versions that stand everywhere", () => {
    expect(formatSum([aRow(), aRow({ version: "2", covered: false })])).toBe("Covered: 1 of 2 versions.");
  });

  it("reports consumers that send no receipts", () => {
    expect(formatSum([aRow({ silent: 1 }), aRow({ version: "2", silent: 2 })])).toBe(
      "Covered: 2 of 2 versions. Not counted: 2 consumers of version 1, which send no receipts.",
    );
  });

  it("reports versions without consumers, and leaves out retired ones", () => {
    expect(formatSum([aRow({ covered: false, cells: [] }), aRow({ retired: true, silent: 1 })])).toBe(
      "Covered: 0 of 1 version. 1 without a registered consumer.",
    );
  });
});
