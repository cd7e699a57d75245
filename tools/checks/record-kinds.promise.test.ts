import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";

const CALL = /= defineRecordKind\(\{(\n.*?\n *\}\)|[^\n]*\}\))/gs;

/** Returns a text of a call. */
function textOf(call: string, field: string): string {
  return new RegExp(`\\b${field}: "([^"]*)"`).exec(call)?.[1] ?? "";
}

const files = globSync("packages/*/src/**/*.ts", { cwd: repositoryRoot }).filter((file) => !file.endsWith(".test.ts"));
const texts = files.map((file) => readFileSync(join(repositoryRoot, file), "utf8"));
const kinds = texts
  .flatMap((text) => [...text.matchAll(CALL)])
  .map(([, call = ""]) => ({
    prefix: textOf(call, "prefix"),
    row: `| ${textOf(call, "holds")} | ${textOf(call, "kept")} |`,
  }));

it("reads each declaration, on one line too", () => {
  const declared = texts.flatMap((text) => [...text.matchAll(/= defineRecordKind\b/g)]);

  expect(kinds).toHaveLength(declared.length);
  expect([...'const marks = defineRecordKind({ prefix: "marks/" });'.matchAll(CALL)]).toHaveLength(1);
});

it("no kind of records has a prefix with which another begins: its lists would contain the other's records", () => {
  expect(kinds.length).toBeGreaterThan(7);
  for (const kind of kinds) {
    expect(kind.prefix).toMatch(/^([a-z-]+\/)+$/);
    expect(kinds.filter((other) => other !== kind && other.prefix.startsWith(kind.prefix))).toEqual([]);
  }
});

it("docs/yard-reference.md says of each kind how long it is kept (update it with `npm run generate`)", async () => {
  const page = readFileSync(join(repositoryRoot, "docs/yard-reference.md"), "utf8");
  const rows = kinds.map(({ row }) => row).sort();
  const table = ["| record | kept for |", "|---|---|", ...rows].join("\n");
  const block = /(<!-- begin records: .*? -->\n\n).*?(\n<!-- end records -->)/s;

  expect(block.test(page)).toBe(true);
  await expect(page.replace(block, (_, begin: string, end: string) => `${begin}${table}\n${end}`)).toMatchFileSnapshot(
    join(repositoryRoot, "docs/yard-reference.md"),
  );
});
