import { describe, expect, it } from "vitest";
import type { StoredHistoryEntry } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import { findChanges } from "./find-changes.ts";

/** A history of so many lines, one stack each, from position 1 on; counts what is read. */
function aHistory(lines: number) {
  const reads: number[] = [];
  const items = Array.from({ length: lines }, (_, index) => ({ position: index + 1, stackId: `s${index + 1}` }));
  const listHistory = async (filter: { newestFirst?: boolean }, page: { limit: number; cursor?: string }) => {
    const rest = filter.newestFirst
      ? items.toReversed()
      : items.filter(({ position }) => position > Number(page.cursor ?? 0));
    const found = rest.slice(0, page.limit) as unknown as readonly StoredHistoryEntry[];
    reads.push(found.length);
    const isMore = rest.length > found.length;
    return { items: found, ...(isMore && { cursor: String(found.at(-1)?.position) }) };
  };
  return { reads, store: { queries: { listHistory } } as unknown as Pick<Store, "queries"> };
}

describe("findChanges", () => {
  it("returns a mark, and then the stacks whose history has grown since", async () => {
    expect(await findChanges(aHistory(3).store, undefined)).toEqual({ mark: "3" });
    expect(await findChanges(aHistory(5).store, "3")).toEqual({ mark: "5", stacks: new Set(["s4", "s5"]) });
    expect(await findChanges(aHistory(5).store, "5")).toEqual({ mark: "5", stacks: new Set() });
    expect(await findChanges(aHistory(0).store, undefined)).toEqual({ mark: "0" });
  });

  it("reads at most 2,000 lines: after more, any stack may have changed", async () => {
    const { reads, store } = aHistory(100_000);

    expect(await findChanges(store, "10")).toEqual({ mark: "100000" });
    expect(reads.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(2_001);
  });
});
