import { describe, expect, it } from "vitest";
import { NO_STACKS } from "./deploy-counts.ts";
import { countPerBlock, toWaveBlocks } from "./wave-blocks.ts";

describe("toWaveBlocks", () => {
  it("has a block for each stack, in the order of the wave", () => {
    const counts = { ...NO_STACKS, done: 2, failed: 1, sent: 1, unsent: 1 };

    expect(toWaveBlocks(counts)).toEqual(["done", "done", "failed", "sent", "unsent"]);
    expect(countPerBlock(counts)).toBe(1);
  });

  it.each([
    [{ done: 69, failed: 1, sent: 2 }, 2, 36],
    [{ done: 9_990, failed: 1, unsent: 9 }, 167, 60],
  ])("shows the worst of several stacks, so that one failed of thousands is seen", (some, perBlock, blocks) => {
    const counts = { ...NO_STACKS, ...some };

    expect(countPerBlock(counts)).toBe(perBlock);
    expect(toWaveBlocks(counts)).toHaveLength(blocks);
    expect(toWaveBlocks(counts).filter((part) => part === "failed")).toHaveLength(1);
  });

  it("has none of a wave without stacks", () => {
    expect(toWaveBlocks(NO_STACKS)).toEqual([]);
  });
});
