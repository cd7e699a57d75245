import { settlePromises } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { mapLimited } from "./map-limited.ts";

describe("mapLimited", () => {
  it("gives the answers in the order of the items, with so many at a time", async () => {
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

  it("begins nothing more after a failure", async () => {
    const begun: number[] = [];
    const work = async (item: number): Promise<void> => {
      begun.push(item);
      if (item === 1) throw new Error("no");
    };

    await expect(mapLimited([0, 1, 2, 3], 1, work)).rejects.toThrow("no");
    expect(begun).toEqual([0, 1]);
  });
});
