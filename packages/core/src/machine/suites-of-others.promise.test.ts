import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MACHINE_LIMITS } from "./document/compile-context.ts";
import { createProblemList } from "./document/problem-list.ts";
import { readYaml } from "./document/read-yaml.ts";
import { toValue } from "./document/tree.ts";
import { compileCel } from "./expression/compile-expression.ts";

const root = join(import.meta.dirname, "../../../..");

/** Facts of a suite: its tests, and why some of them are left out or have another result here. */
interface Suite<Case> {
  readonly total: number;
  readonly leftOut: Readonly<Record<string, number>>;
  /** Names of tests by the reason. */
  readonly differences: Readonly<Record<string, readonly string[]>>;
  readonly cases: readonly Case[];
}

function loadSuite<Case>(name: string): Suite<Case> {
  return JSON.parse(readFileSync(join(root, "packages/core/fixtures/suites", `${name}.json`), "utf8"));
}

/** A value that JSON does not have: of `map` pairs, of the others what CEL calls them. */
interface Special {
  readonly $: "bytes" | "type" | "int" | "double" | "map";
  readonly of: string;
}

interface CelCase {
  readonly name: string;
  readonly expr: string;
  readonly bindings?: Readonly<Record<string, unknown>>;
  readonly value?: unknown;
  readonly error?: true;
}

interface YamlCase {
  readonly name: string;
  readonly yaml: string;
  readonly value?: unknown;
  readonly error?: true;
}

/** Returns the names of the cases that do not have the result of the suite. */
function listOthers<Case extends { readonly name: string }>(
  { cases }: Suite<Case>,
  isSame: (each: Case) => boolean,
): readonly string[] {
  return cases.filter((each) => !isSame(each)).map(({ name }) => name);
}

function isSpecial(value: unknown): value is Special {
  return typeof value === "object" && value !== null && "$" in value;
}

/** Returns an expression that is true where the given one has a value that a result cannot have. */
function toComparison(expr: string, { $: kind, of }: Special): string {
  if (of === "NaN") return `(${expr}) != (${expr})`;
  const unsigned = BigInt(kind === "int" ? of : 0) >= 2n ** 63n ? "u" : "";
  const written = {
    bytes: `b'${of.replaceAll(/../g, String.raw`\x$&`)}'`,
    type: of,
    int: `${of}${unsigned}`,
    double: `double("${of}")`,
    map: of,
  };
  return `(${expr}) == ${written[kind]}`;
}

function toPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toPlain);
  // A result is JSON, which is read without a negative zero.
  if (!isSpecial(value)) return Object.is(value, -0) ? 0 : value;
  const { $: kind, of } = value;
  if (kind === "double") return Number(of);
  if (kind === "int") return BigInt(of);
  const pairs: unknown = of;
  return Array.isArray(pairs) ? Object.fromEntries(pairs.map(([key, item]) => [String(key), toPlain(item)])) : value;
}

function isSameCel({ expr, bindings = {}, value, error }: CelCase): boolean {
  const isCompared = isSpecial(value) && value.$ !== "map";
  const compiled = compileCel(isCompared ? toComparison(expr, value) : expr, Object.keys(bindings));
  if (compiled.kind === "faults") return error === true;
  const values = Object.fromEntries(Object.entries(bindings).map(([name, bound]) => [name, toPlain(bound)]));
  const evaluated = compiled.cel.evaluate(values);
  if (evaluated.kind === "error") return error === true;
  return error !== true && isEqual(evaluated.value, isCompared ? true : toPlain(value));
}

function isSameYaml({ yaml, value, error }: YamlCase): boolean {
  const tree = readYaml(yaml, MACHINE_LIMITS, createProblemList({ strict: false, maxProblems: 10 }));
  return tree === undefined ? error === true : error !== true && isEqual(toValue(tree), value);
}

function isEqual(a: unknown, b: unknown): boolean {
  try {
    expect(a).toEqual(b);
    return true;
  } catch {
    return false;
  }
}

/** Returns the row of a suite in the docs. */
function toRow(name: string, { total, cases, leftOut, differences }: Suite<unknown>): string {
  const others = Object.values(differences).flat().length;
  const left = Object.entries(leftOut).map(([what, count]) => `${count} ${what}`);
  return `| ${name} | ${total} | ${left.join(", ")} | ${cases.length - others} of ${cases.length} |`;
}

/** Returns the list in the docs of why some tests of a suite have another result. */
function toReasons(name: string, { differences }: Suite<unknown>): string {
  const reasons = Object.entries(differences).map(([why, names]) => `- ${why} (${names.length})`);
  return [`Other results of ${name}:`, "", ...reasons].join("\n");
}

describe("suites of others", () => {
  const cel = loadSuite<CelCase>("cel-spec");
  const yaml = loadSuite<YamlCase>("yaml-test-suite");

  it("cel-spec: expressions have its results, but those that are listed with the reason", () => {
    expect(listOthers(cel, isSameCel)).toEqual(inOrder(cel));
  });

  it("yaml-test-suite: documents have its results, but those that are listed with the reason", () => {
    expect(listOthers(yaml, isSameYaml)).toEqual(inOrder(yaml));
  });

  it("are published with what passes, and why the rest does not (update it with `npm run generate`)", async () => {
    const path = join(root, "docs/testing.md");
    const page = readFileSync(path, "utf8");
    const table = [
      "| suite | tests | not run | pass |",
      "|---|---|---|---|",
      toRow("cel-spec", cel),
      toRow("yaml-test-suite", yaml),
    ];
    const lists = [toReasons("cel-spec", cel), toReasons("yaml-test-suite", yaml)];
    const block = /(<!-- begin suites: .*? -->\n\n).*?(\n\n<!-- end suites -->)/s;
    const content = [table.join("\n"), ...lists].join("\n\n");

    expect(block.test(page)).toBe(true);
    await expect(
      page.replace(block, (_, begin: string, end: string) => `${begin}${content}${end}`),
    ).toMatchFileSnapshot(path);
  });
});

function inOrder({ cases, differences }: Suite<{ readonly name: string }>): readonly string[] {
  const listed = new Set(Object.values(differences).flat());
  return cases.map(({ name }) => name).filter((name) => listed.has(name));
}
