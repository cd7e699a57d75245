import type { Page, PageInput } from "@stackyard/core/engine";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pageOfReadable } from "./readable-page.ts";

/** A list of a store, whose cursor is the last row of a page. */
const listOf =
  (rows: readonly string[]) =>
  async (input: PageInput): Promise<Page<string>> => {
    const { limit, cursor = "" } = input;
    const rest = rows.filter((row) => row > cursor);
    const items = rest.slice(0, limit);
    const last = items.at(-1);
    return rest.length > items.length && last !== undefined ? { items, cursor: last } : { items };
  };
const own = async (items: readonly string[]) => ({
  views: items.map((item) => (item.endsWith("own") ? item : undefined)),
});
const rowsOf = (kinds: readonly boolean[]) =>
  kinds.map((isOwn, index) => `${String(index).padStart(4, "0")}-${isOwn ? "own" : "other"}`);

async function walk(rows: readonly string[], limit: number): Promise<readonly Page<string>[]> {
  const pages: Page<string>[] = [];
  let cursor: string | undefined;
  do {
    const page = await pageOfReadable(
      { list: listOf(rows), show: own },
      { limit, ...(cursor !== undefined && { cursor }) },
    );
    pages.push(page);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pages;
}

describe("a page of what a caller may read", () => {
  it("has no cursor for what was left out, however many rows these are", async () => {
    expect(await walk(rowsOf(Array<boolean>(350).fill(false)), 1)).toEqual([{ items: [] }]);
  });

  it("is full, and its cursor is its last item", async () => {
    const rows = rowsOf([false, true, false, false, true, true, false]);

    expect(await walk(rows, 2)).toEqual([
      { items: ["0001-own", "0004-own"], cursor: "0004-own" },
      { items: ["0005-own"] },
    ]);
  });

  it("says the same whatever rows of others are between", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { maxLength: 250 }),
        fc.integer({ min: 1, max: 7 }),
        async (kinds, limit) => {
          const rows = rowsOf(kinds);
          const pages = await walk(rows, limit);
          const readable = rows.filter((row) => row.endsWith("own"));
          expect(pages.flatMap(({ items }) => items)).toEqual(readable);
          for (const { items, cursor } of pages.slice(0, -1)) expect(cursor).toBe(items.at(-1));
          expect(pages).toHaveLength(Math.max(1, Math.ceil(readable.length / limit)));
          for (const { items } of pages.slice(0, -1)) expect(items).toHaveLength(limit);
        },
      ),
      { numRuns: 60 },
    );
  });
});
