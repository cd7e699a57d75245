import type { MainCondition } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import type { PagePart } from "../api/use-pages.ts";
import { loadInTurn } from "./load-needing-person.ts";

const CONDITIONS = ["failed", "degraded", "approval"] as const;
const { signal } = new AbortController();

/** A server with so many stacks of each condition. */
function aServer(counts: Readonly<Record<string, number>>) {
  return async (condition: MainCondition, { cursor = "0", limit }: PagePart) => {
    const all = Array.from({ length: counts[condition] ?? 0 }, (_, index) => `${condition}-${index}`);
    const end = Number(cursor) + limit;
    return { items: all.slice(Number(cursor), end), ...(end < all.length && { cursor: String(end) }) };
  };
}

async function readAll(counts: Readonly<Record<string, number>>) {
  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const part = { limit: 3, signal, ...(cursor !== undefined && { cursor }) };
    const page = await loadInTurn(CONDITIONS, part, aServer(counts));
    pages.push([...page.items]);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pages;
}

describe("loadInTurn", () => {
  it("fills each page, worst condition first, so that a row's number says its page", async () => {
    expect(await readAll({ failed: 2, degraded: 4, approval: 1 })).toEqual([
      ["failed-0", "failed-1", "degraded-0"],
      ["degraded-1", "degraded-2", "degraded-3"],
      ["approval-0"],
    ]);
  });

  it("ends where no stack has a condition", async () => {
    expect(await readAll({})).toEqual([[]]);
    expect(await readAll({ approval: 3 })).toEqual([["approval-0", "approval-1", "approval-2"], []]);
  });
});
