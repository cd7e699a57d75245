import { describe, expect, it } from "vitest";
import { inParallel } from "./in-parallel.ts";

describe("inParallel", () => {
  it("works on so many at a time, and keeps the order", async () => {
    let [atWork, most] = [0, 0];
    const results = await inParallel([5, 4, 3, 2, 1], 2, async (item) => {
      atWork += 1;
      most = Math.max(most, atWork);
      for (let turn = 0; turn < item; turn += 1) await Promise.resolve();
      atWork -= 1;
      return item * 10;
    });

    expect([results, most]).toEqual([[50, 40, 30, 20, 10], 2]);
  });

  it("begins nothing new after an error", async () => {
    const begun: number[] = [];
    const work = inParallel([1, 2, 3, 4], 2, async (item) => {
      begun.push(item);
      await Promise.resolve();
      if (item === 1) throw new Error("one");
    });

    await expect(work).rejects.toThrow("one");
    expect(begun).toEqual([1, 2]);
  });

  it("has nothing to do for nobody", async () => {
    expect(await inParallel([], 5, async () => 1)).toEqual([]);
  });
});
