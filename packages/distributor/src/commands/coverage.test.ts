import type { CoverageRow } from "@stackyard/sdk/artifacts";
import { describe, expect, it } from "vitest";
import { tellCoverage } from "./coverage.ts";

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

const tellSum = (rows: readonly CoverageRow[]) => tellCoverage(rows, { columns: 80 }).split("\n").at(-1);

describe("the sum of a matrix", () => {
  it("counts versions that stand everywhere", () => {
    expect(tellSum([aRow(), aRow({ version: "2", covered: false })])).toBe("Standing everywhere: 1 of 2 versions.");
  });

  it("tells of consumers that nobody waits for", () => {
    expect(tellSum([aRow({ silent: 1 }), aRow({ version: "2", silent: 2 })])).toBe(
      "Standing everywhere: 2 of 2 versions. Not counted: 2 consumers of the first generation, which cannot answer.",
    );
  });

  it("tells of versions that nobody wants, and leaves out retired ones", () => {
    expect(tellSum([aRow({ covered: false, cells: [] }), aRow({ retired: true, silent: 1 })])).toBe(
      "Standing everywhere: 0 of 1 version. 1 should stand nowhere: no consumer is registered for it.",
    );
  });
});
