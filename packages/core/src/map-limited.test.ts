import { describe, expect, it } from "vitest";
import { mapLimited } from "./map-limited.ts";
import { settlePromises } from "./testing/fake-clock.ts";

describe("mapLimited", () => {
  it("returns the results in order, with at most `limit` calls at a time", async () => {
    let running = 0;
    let most = 0;
    const work = async (item: number): Promise<number> => {
      running += 1;
      most = Math.max(most, running);
      for (let n = 0; n < 5 - item; n += 1) await settlePromises();
      running -= 1;
      return item * 10;
    };

    expect(await mapLimited([0, 1, 2, 3, 4], 2, work)).toEqual([0, 10, 20, 30, 40]);
    expect(most).toBe(2);
    expect(await mapLimited([], 2, work)).toEqual([]);
  });

  it("starts no further call after a failure", async () => {
    const begun: number[] = [];
    const work = async (item: number): Promise<void> => {
      begun.push(item);
      if (item === 1) throw new Error("no");
    };

    await expect(mapLimited([0, 1, 2, 3], 1, work)).rejects.toThrow("no");
    expect(begun).toEqual([0, 1]);
  });

  it("awaits running calls before it throws the first error", async () => {
    const ended: number[] = [];
    const work = async (item: number): Promise<void> => {
      if (item === 1) throw new Error("no");
      await settlePromises();
      ended.push(item);
      throw new Error("later");
    };

    await expect(mapLimited([1, 2, 3, 4, 5, 6], 2, work)).rejects.toThrow("no");
    expect(ended).toEqual([2]);
  });
});
