import type { Page } from "@stackyard/core/engine";
import { describe, expect, it } from "vitest";
import { collectRows, MOST_PAGES } from "./row-pages.ts";

/** Pages of rows, each its number; counts the pages that were read. */
function aList(pages: number, rowsOf: number) {
  const read: number[] = [];
  async function* load(first: number): AsyncGenerator<readonly number[]> {
    for (let page = first; page < pages; page += 1) {
      read.push(page);
      yield Array.from({ length: rowsOf }, (_, index) => page * rowsOf + index);
    }
  }
  return { read, load };
}

async function readAll(
  { load }: Pick<ReturnType<typeof aList>, "load">,
  limit: number,
  isWanted = (_: number) => true,
) {
  const pages: Page<number>[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<number> = await collectRows({ cursor, limit, isWanted, load });
    pages.push(page);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pages;
}

describe("rows that are stored in pages", () => {
  it("are each collected once, whatever the limit", async () => {
    for (const limit of [1, 3, 4, 5, 12, 100]) {
      const pages = await readAll(aList(3, 4), limit);

      expect(pages.flatMap(({ items }) => items)).toEqual(Array.from({ length: 12 }, (_, index) => index));
      expect(Math.max(...pages.map(({ items }) => items.length))).toBe(Math.min(limit, 12));
    }
  });

  it("of which few are wanted are found behind pages without any, each request with a bound (appsmith#8505, iTwinUI#1043)", async () => {
    const list = aList(35, 200);
    const wanted = new Set([5, 6_990, 6_991]);
    const counts: number[] = [];
    const load = (first: number) => {
      counts.push(list.read.length);
      return list.load(first);
    };

    const pages = await readAll({ load }, 100, (row) => wanted.has(row));

    expect(pages.map(({ items }) => items)).toEqual([[5], [], [], [6_990, 6_991]]);
    expect(counts).toEqual([0, MOST_PAGES, 2 * MOST_PAGES, 3 * MOST_PAGES]);
  });

  it("end a page at about 1 MiB", async () => {
    const rows = Array.from({ length: 200 }, () => "x".repeat(20_000));
    async function* load() {
      yield rows;
    }

    const page = await collectRows({ cursor: undefined, limit: 1_000, isWanted: () => true, load });

    expect(page.items).toHaveLength(53);
    expect(page.cursor).toBe("0.53");
  });

  it("refuse the cursor of another list", async () => {
    const { load } = aList(1, 1);

    await expect(collectRows({ cursor: "a1.3.AQ", limit: 1, isWanted: () => true, load })).rejects.toMatchObject({
      code: "USAGE",
    });
  });
});
