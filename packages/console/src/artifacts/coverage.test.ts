import { describe, expect, it } from "vitest";
import { type Cell, findWorst, hasGap, listPlaces } from "./coverage.ts";

const cell: Cell = {
  account: "2",
  region: "eu-west-1",
  status: "present",
  code: null,
  files: 1,
  filesDone: 1,
  announcements: 1,
  verified: true,
  at: "2026-11-20T03:00:00Z",
};

describe("listPlaces", () => {
  it("groups regions by account, in order", () => {
    const rows = [{ cells: [{ ...cell, region: "us-east-1" }, cell] }, { cells: [{ ...cell, account: "1" }, cell] }];

    expect(listPlaces(rows)).toEqual([
      { account: "1", regions: ["eu-west-1"] },
      { account: "2", regions: ["eu-west-1", "us-east-1"] },
    ]);
  });
});

describe("hasGap", () => {
  it("finds what has not arrived, but not of a retired version", () => {
    const cells = [cell, { ...cell, status: "expected" } satisfies Cell];

    const { at: publishedAt } = cell;
    expect(hasGap({ retired: false, cells, publishedAt })).toBe(true);
    expect(hasGap({ retired: true, cells, publishedAt })).toBe(false);
    expect(hasGap({ retired: false, cells: [cell, { ...cell, status: "stored" }], publishedAt })).toBe(false);
    expect(hasGap({ retired: false, cells: [], publishedAt: null })).toBe(true);
  });
});

describe("findWorst", () => {
  it("counts the worst state that does not change by itself", () => {
    const cells: readonly Cell[] = [
      { ...cell, status: "overdue" },
      { ...cell, status: "failed" },
      { ...cell, status: "failed" },
    ];

    expect(findWorst({ cells: [...cells] })).toEqual({ status: "failed", word: "failed", count: 2 });
    expect(findWorst({ cells: [{ ...cell, status: "announced" }] })).toBeUndefined();
  });
});
