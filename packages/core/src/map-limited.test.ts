import { describe, expect, it } from "vitest";
import { mapLimited, mapOrAbort } from "./map-limited.ts";
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

const never = new AbortController().signal;

describe("mapOrAbort", () => {
  it("works on each item once, with so many at a time", async () => {
    const done: number[] = [];
    let [now, most] = [0, 0];

    const results = await mapOrAbort([1, 2, 3, 4, 5, 6, 7], 3, never, async (item) => {
      now += 1;
      most = Math.max(most, now);
      await settlePromises();
      now -= 1;
      done.push(item);
      return -item;
    });

    expect([done.toSorted(), most]).toEqual([[1, 2, 3, 4, 5, 6, 7], 3]);
    expect(results).toEqual([-1, -2, -3, -4, -5, -6, -7]);
  });

  it("notifies the others of a failure, waits for them and starts nothing more", async () => {
    const events: string[] = [];

    const ended = mapOrAbort(["bad", "slow", "late"], 2, never, async (item, signal) => {
      events.push(`begin ${item}`);
      if (item === "bad") throw new Error("bad");
      while (!signal.aborted) await settlePromises();
      await settlePromises();
      events.push(`end ${item}`);
    });

    await expect(ended).rejects.toThrow("bad");
    expect(events).toEqual(["begin bad", "begin slow", "end slow"]);
  });

  it("ends with the caller's signal, also when no item fails", async () => {
    const controller = new AbortController();
    const done: number[] = [];

    const ended = mapOrAbort([1, 2, 3], 1, controller.signal, async (item) => {
      done.push(item);
      controller.abort(new Error("over"));
    });

    await expect(ended).rejects.toThrow("over");
    expect(done).toEqual([1]);
  });
});
