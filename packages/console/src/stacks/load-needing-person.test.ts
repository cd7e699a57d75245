import type { MainCondition } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import type { PagePart } from "../api/use-pages.ts";
import { loadInTurn, loadWorstFirst, type StackPart } from "./load-needing-person.ts";

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

describe("loadWorstFirst", () => {
  /** A server with these stacks, which lists them by id. */
  function aYard(stacks: Readonly<Record<string, MainCondition>>) {
    const asked: StackPart[] = [];
    const load = async ({ mainCondition, needsPerson }: StackPart, { cursor = "0", limit }: PagePart) => {
      asked.push({ ...(mainCondition && { mainCondition }), ...(needsPerson !== undefined && { needsPerson }) });
      const all = Object.entries(stacks)
        .map(([id, condition]) => ({ id, mainCondition: condition }))
        .filter((stack) => needsPerson === (stack.mainCondition !== "healthy"))
        .filter((stack) => mainCondition === undefined || stack.mainCondition === mainCondition);
      const end = Number(cursor) + limit;
      return { items: all.slice(Number(cursor), end), ...(end < all.length && { cursor: String(end) }) };
    };
    return { asked, load };
  }

  const some = { a: "healthy", b: "approval", c: "degraded", d: "failed", e: "healthy" } as const;

  it.each([3, 4, 10])("lists the worst first, and no stack twice, %d a page", async (limit) => {
    const { load } = aYard(some);
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await loadWorstFirst({ limit, signal, ...(cursor !== undefined && { cursor }) }, load);
      ids.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);

    expect(ids).toEqual(["d", "c", "b", "a", "e"]);
  });

  it("needs two requests as long as those that need a person fit a page", async () => {
    const { asked, load } = aYard(some);
    await loadWorstFirst({ limit: 100, signal }, load);

    expect(asked).toEqual([{ needsPerson: true }, { needsPerson: false }]);
  });

  it("asks for each condition in turn where they do not fit", async () => {
    const { load } = aYard({ a: "degraded", b: "degraded", c: "failed" });

    expect((await loadWorstFirst({ limit: 2, signal }, load)).items.map(({ id }) => id)).toEqual(["c", "a"]);
  });
});
