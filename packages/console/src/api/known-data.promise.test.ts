import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const SOURCE = join(import.meta.dirname, "..");

/** Data that are missing, taken for data that are empty. */
const EMPTY_INSTEAD = /\b(?:data|counts)\??(?:\??\.\w+)* \?\? (?:\[\]|\{\}|""|0|false|[A-Z_]+)(?!\w)/g;

/** The same of a list that is loaded by pages, and of what a part of a page keeps by itself. */
const EMPTY_LIST = /\bitems\?\.\w+\(.*\) \?\? (?:\[\]|0)|\bknown \?\? (?:\[\]|0)/g;

function findEmptyInstead(text: string): readonly string[] {
  return [EMPTY_INSTEAD, EMPTY_LIST].flatMap((pattern) => [...text.matchAll(pattern)].map(([found]) => found));
}

/** The loads of which a part of a page renders what there is, without a word where they have failed. */
function findSilent(text: string): readonly string[] {
  if (!/\bitemsOf\b[^;]*\buse-load\.ts"/.test(text)) return [];
  const used = [...text.matchAll(/\bitemsOf\((\w+)\)/g)].map(([, load]) => `${load}`);
  return [...new Set(used)].filter(
    (load) => !new RegExp(`(?:query=\\{${load}\\}|hasFailed\\(${load}\\)|${load}\\.error)`).test(text),
  );
}

describe("data that are not known", () => {
  it.each([
    "const rows = query.data ?? [];",
    "list(query.data?.items ?? [])",
    "const { items = [] } = previews.data ?? {};",
    'explain(query.data ?? "")',
    "const calendar = data ?? NO_CALENDAR;",
    "(counts?.groups ?? []).flatMap(toNote)",
    "const exists = (query.data?.items.length ?? 0) > 0;",
    "const workers = processes.items?.filter(({ gone }) => !gone) ?? [];",
    "findTime(known ?? [], at)",
  ])("are not taken for none: %s", (text) => {
    expect(findEmptyInstead(text)).toHaveLength(1);
  });

  it("are said to be missing where the rest is shown", () => {
    const text = `import { itemsOf } from "../api/use-load.ts"; itemsOf(one); itemsOf(other); <MissingNotice query={other} />`;

    expect(findSilent(text)).toEqual(["one"]);
  });

  it("are so on every page", () => {
    const files = globSync("**/*.{ts,tsx}", { cwd: SOURCE }).filter((path) => !/\.test\.tsx?$|^testing\//.test(path));
    expect(files.length).toBeGreaterThan(300);
    const found = files.flatMap((path) => {
      const text = readFileSync(join(SOURCE, path), "utf8");
      return [...findEmptyInstead(text), ...findSilent(text)].map((each) => `${path}: ${each}`);
    });

    expect(found).toEqual([]);
  });
});
