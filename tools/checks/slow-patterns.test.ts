import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findSlowness, findSlowPatterns } from "./slow-patterns.ts";

const ROOT = join(import.meta.dirname, "../..");

describe("findSlowness", () => {
  it.each([
    "/^\\s*#.*$/gm",
    "/^\\s+on/m",
    "/\\n+$/",
    "/\\s*\\n\\s*/g",
    "/[.,;:!?]+$/",
    "/(?:a+)+b/",
    "/x(a*)*y/",
    "/x(?:\\s*,?)+y/",
    "/(?:\\/+|b)$/",
    "/(\\s+)$/",
  ])("finds %s, whose steps grow with the square of a text", (literal) => {
    expect(findSlowness(literal)).toBeDefined();
  });

  it.each([
    "/^\\s*#.*$/",
    "/^[^\\S\\n]*#.*$/gm",
    "/(?<!\\n)\\n+$/",
    "/\\s+/g",
    "/\\d+(?:\\.\\d*)?/y",
    "/^\\/[a-z]+(-[a-z]+)*$/",
    "/a+(?:b?)/",
    "/[*+]\\/x+/",
    "/^\\s*import/g",
  ])("finds nothing in %s", (literal) => {
    expect(findSlowness(literal)).toBeUndefined();
  });

  it("finds them in a source with their lines, and not in its texts", () => {
    const source = 'const a = "/\\n+$/";\nexport const b = /\\n+$/;\n// /\\n+$/';
    expect(findSlowPatterns("a.ts", source)).toMatchObject([{ line: 2, pattern: "/\\n+$/" }]);
  });
});

it("no pattern of a source is slow: write what it must not follow before a repeat, or read by lines or by code", () => {
  const files = globSync("{packages,apps}/*/src/**/*.{ts,tsx}", { cwd: ROOT });
  const sources = files.filter((file) => !/\.test(-d)?\.tsx?$|\/testing\//.test(file));
  const found = sources.flatMap((file) => {
    const slow = findSlowPatterns(file, readFileSync(join(ROOT, file), "utf8"));
    return slow.map(({ line, pattern, why }) => `${file}:${line} ${pattern}: ${why}`);
  });
  expect(found).toEqual([]);
});
