import type { Store } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { findNewestPosition, loadHistoryAfter } from "./history-tail.ts";

/** Lists so many entries, newest first, behind cursors that say nothing of positions. */
function storeWith(count: number): Store {
  const list: Store["listHistory"] = async (_, { cursor = "x", limit }) => {
    const from = cursor.length - 1;
    const items = Array.from({ length: Math.min(limit, count - from) }, (__, n) => ({ position: count - from - n }));
    const next = from + items.length;
    return { items, ...(next < count ? { cursor: "x".repeat(next + 1) } : {}) } as never;
  };
  return { listHistory: list } as unknown as Store;
}

describe("loadHistoryAfter", () => {
  it.each([
    [0, 0, []],
    [3, 3, []],
    [3, 1, [2, 3]],
    [450, 447, [448, 449, 450]],
  ])("gives of %i entries those after %i, oldest first", async (count, position, expected) => {
    const entries = await loadHistoryAfter(storeWith(count), {}, position);

    expect(entries.map((entry) => entry.position)).toEqual(expected);
  });

  it("reads over many pages", async () => {
    const entries = await loadHistoryAfter(storeWith(1_000), {}, 10);

    expect(entries.map((entry) => entry.position)).toEqual(Array.from({ length: 990 }, (_, n) => n + 11));
  });

  it("does not read for ever", async () => {
    await expect(loadHistoryAfter(storeWith(20_000), {}, 1)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("knows the newest position", async () => {
    expect([await findNewestPosition(storeWith(0)), await findNewestPosition(storeWith(7))]).toEqual([0, 7]);
  });
});
