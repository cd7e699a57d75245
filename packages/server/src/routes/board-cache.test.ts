import { describe, expect, it } from "vitest";
import { createBoardCache } from "./board-cache.ts";

function aCache() {
  const now = { ms: 1_000_000 };
  const bell = { count: 0 };
  const cache = createBoardCache<number>({ clock: { now: () => now.ms }, bell });
  const computed: string[] = [];
  const get = (key: string) =>
    cache.get(key, async () => {
      computed.push(key);
      return computed.length;
    });
  return { now, bell, cache, computed, get };
}

describe("the boards that were computed last", () => {
  it("are computed once for all who ask at the same time", async () => {
    const { get, computed } = aCache();

    expect(await Promise.all([get("a"), get("a"), get("b"), get("a")])).toEqual([1, 1, 2, 1]);
    expect(computed).toEqual(["a", "b"]);
  });

  it("are computed again after a change, at most twice a second", async () => {
    const { get, now, bell } = aCache();
    await get("a");
    bell.count += 1;
    now.ms += 499;
    expect(await get("a")).toBe(1);
    now.ms += 1;

    expect(await get("a")).toBe(2);
  });

  it("are at most 2 seconds old, because not every change rings", async () => {
    const { get, now } = aCache();
    await get("a");
    now.ms += 1_999;
    expect(await get("a")).toBe(1);
    now.ms += 1;

    expect(await get("a")).toBe(2);
  });

  it("do not keep an error", async () => {
    const { cache, get } = aCache();
    await expect(cache.get("a", async () => Promise.reject(new Error("busy")))).rejects.toThrow("busy");

    expect(await get("a")).toBe(1);
  });

  it("are forgotten, the oldest first, when they are many", async () => {
    const { get, computed } = aCache();
    for (let each = 0; each <= 100; each += 1) await get(String(each));

    await get("100");
    await get("0");

    expect(computed.length).toBe(102);
  });
});
