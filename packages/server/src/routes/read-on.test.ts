import type { Page, PageInput } from "@stackyard/core/engine";
import { expect, it, vi } from "vitest";
import { readOn } from "./read-on.ts";

/** A store that looks at three rows for a page, and shows those of `own`. */
const listOf = (rows: readonly string[]) =>
  vi.fn(async ({ limit, cursor = "" }: PageInput): Promise<Page<string>> => {
    const rest = rows.filter((row) => row > cursor);
    const own = rest
      .slice(0, 3)
      .filter((row) => row.endsWith("own"))
      .slice(0, limit);
    const end = own.length === limit ? own.at(-1) : rest[2];
    return end === undefined || end === rest.at(-1) ? { items: own } : { items: own, cursor: end };
  });
const rowsOf = (kinds: string) =>
  [...kinds].map((kind, index) => `${String(index).padStart(3, "0")}-${kind === "o" ? "own" : "other"}`);

it("fills a page up where others have many rows between", async () => {
  const list = listOf(rowsOf("xxxxoxxxxxxoxxo"));

  expect(await readOn(list, { limit: 2 })).toEqual({ items: ["004-own", "011-own"], cursor: "011-own" });
  expect(await readOn(list, { limit: 2, cursor: "011-own" })).toEqual({ items: ["014-own"] });
});

it("ends without a cursor where only others have rows", async () => {
  expect(await readOn(listOf(rowsOf("x".repeat(25))), { limit: 2 })).toEqual({ items: [] });
});

it("ends after ten searches, from where it can be continued", async () => {
  const list = listOf(rowsOf("x".repeat(40)));

  expect(await readOn(list, { limit: 2 })).toEqual({ items: [], cursor: "029-other" });
  expect(list).toHaveBeenCalledTimes(10);
});

it("does not fill up a page that its bytes have ended", async () => {
  const list = vi.fn(async () => ({ items: ["x".repeat(600_000)], cursor: "next" }));

  expect((await readOn(list, { limit: 9 })).cursor).toBe("next");
  expect(list).toHaveBeenCalledTimes(1);
});
