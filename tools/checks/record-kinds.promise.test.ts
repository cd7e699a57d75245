import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";

const CALL = /defineRecordKind\(\{\n(.*?)\n\}\)/gs;

/** Returns a text of a call. */
function textOf(call: string, field: string): string {
  return new RegExp(`\\b${field}: "([^"]*)"`).exec(call)?.[1] ?? "";
}

const files = globSync("packages/*/src/**/*.ts", { cwd: repositoryRoot }).filter((file) => !file.endsWith(".test.ts"));
const kinds = files
  .flatMap((file) => [...readFileSync(join(repositoryRoot, file), "utf8").matchAll(CALL)])
  .map(([, call = ""]) => ({
    prefix: textOf(call, "prefix"),
    row: `| ${textOf(call, "holds")} | ${textOf(call, "kept")} |`,
  }));

it("no kind of records has a prefix with which another begins: its lists would contain the other's records", () => {
  expect(kinds.length).toBeGreaterThan(7);
  for (const kind of kinds) {
    expect(kind.prefix).toMatch(/^([a-z-]+\/)+$/);
    expect(kinds.filter((other) => other !== kind && other.prefix.startsWith(kind.prefix))).toEqual([]);
  }
});

it("docs/operations.md says of each kind how long it is kept", () => {
  const page = readFileSync(join(repositoryRoot, "docs/operations.md"), "utf8");

  expect(kinds.filter(({ row }) => !page.includes(row))).toEqual([]);
});
