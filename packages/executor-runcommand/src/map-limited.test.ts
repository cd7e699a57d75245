import { settlePromises } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { mapLimited } from "./map-limited.ts";

describe("mapLimited", () => {
  it("keeps the order, with so many at a time", async () => {
    let running = 0;
    let most = 0;
    const work = async (item: number): Promise<number> => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      return item * 2;
    };

    expect(await mapLimited([1, 2, 3, 4, 5], 2, work)).toEqual([2, 4, 6, 8, 10]);
    expect(most).toBe(2);
  });

  it("ends with the first failure", async () => {
    const done: number[] = [];
    const work = async (item: number): Promise<void> => {
      if (item === 2) throw new Error("no");
      done.push(item);
    };

    await expect(mapLimited([1, 2, 3], 1, work)).rejects.toThrow("no");
    expect(done).toEqual([1]);
  });

  it("begins nothing more behind the back of whoever was told of the failure", async () => {
    const begun: number[] = [];
    const work = async (item: number): Promise<void> => {
      begun.push(item);
      await settlePromises();
      if (item === 1) throw new Error("no");
    };

    await expect(mapLimited([1, 2, 3, 4, 5, 6], 2, work)).rejects.toThrow("no");
    await settlePromises();
    expect(begun).toEqual([1, 2]);
  });

  it("does nothing with nothing", async () => {
    expect(await mapLimited([], 4, async () => 1)).toEqual([]);
  });
});
