import type { MainCondition } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { arrangeBlocks, toBlocks } from "./arrange-blocks.ts";

const countsOf = (counts: readonly (readonly [MainCondition, number])[]) => ({
  all: new Map(counts),
  needy: new Map<MainCondition, number>(),
});

describe("toBlocks", () => {
  it("has a block for each stack, worst first", () => {
    const counts = countsOf([
      ["healthy", 2],
      ["failed", 1],
    ]);

    expect(toBlocks(counts, 1)).toEqual(["failed", "healthy", "healthy"]);
  });

  it("shows the worst of each group, so that six broken ones among 10,000 are seen", () => {
    const blocks = toBlocks(
      countsOf([
        ["degraded", 6],
        ["healthy", 9_994],
      ]),
      20,
    );

    expect(blocks.length).toBe(500);
    expect(blocks[0]).toBe("degraded");
    expect(blocks[1]).toBe("healthy");
  });
});

describe("arrangeBlocks", () => {
  it.each([
    [0, 1, 1],
    [4, 1, 4],
    [13, 2, 7],
  ])("sets %i blocks in %i columns of %i", (count, columns, rows) => {
    expect(arrangeBlocks(count)).toEqual({ columns, rows });
  });
});
