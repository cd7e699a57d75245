import { describe, expect, it } from "vitest";
import { arrangeBlocks, toBlocks } from "./arrange-blocks.ts";

describe("toBlocks", () => {
  it("has a block for each stack, worst first", () => {
    const counts = new Map([
      ["healthy", 2],
      ["failed", 1],
    ] as const);

    expect(toBlocks(counts, 1)).toEqual(["failed", "healthy", "healthy"]);
  });

  it("shows the worst of each group, so that six broken ones among 10,000 are seen", () => {
    const blocks = toBlocks(
      new Map([
        ["degraded", 6],
        ["healthy", 9_994],
      ] as const),
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
    [13, 3, 6],
  ])("sets %i blocks in %i columns of %i", (count, columns, rows) => {
    expect(arrangeBlocks(count)).toEqual({ columns, rows });
  });
});
