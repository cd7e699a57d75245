import { describe, expect, it } from "vitest";
import { countCorridor, formatCorridor, type ScriptCoverage } from "./count-corridor.ts";

const root = new URL("file:///repo/");

/** A script with its top level, which ran, and functions that ran so often. */
function aScript(path: string, ...counts: readonly number[]): ScriptCoverage {
  const topLevel = { functionName: "", ranges: [{ startOffset: 0, endOffset: 900, count: 1 }] };
  const functions = counts.map((count, index) => ({
    functionName: index === 0 ? "" : `f${index}`,
    ranges: [{ startOffset: 10 * (index + 1), endOffset: 10 * (index + 2), count }],
  }));
  return { url: `file:///repo/${path}`, functions: [topLevel, ...functions] };
}

const count = (...scripts: readonly ScriptCoverage[]) => countCorridor(scripts, { root, read: () => "a\nb\n" });

describe("countCorridor", () => {
  it("counts files in which a function ran, and not those that were only loaded", () => {
    expect(
      count(
        aScript("packages/b/src/x/y.ts", 0, 2, 1),
        aScript("packages/a/src/z.ts", 1),
        aScript("packages/a/src/loaded.ts", 0),
      ),
    ).toEqual([
      { package: "a", path: "packages/a/src/z.ts", lines: 2, functions: 1 },
      { package: "b", path: "packages/b/src/x/y.ts", lines: 2, functions: 2 },
    ]);
  });

  it("counts a function where the top level is not recorded again", () => {
    const [, ...functions] = aScript("packages/a/src/z.ts", 3).functions;

    expect(count({ url: "file:///repo/packages/a/src/z.ts", functions })).toMatchObject([{ functions: 1 }]);
  });

  it("counts sources of packages only", () => {
    const others = ["packages/a/dist/z.js", "tools/a/src/z.ts", "node_modules/a/packages/b/src/z.ts"];

    expect(count(...others.map((path) => aScript(path, 1)), { ...aScript("", 1), url: "node:fs" })).toEqual([]);
    expect(count({ ...aScript("", 1), url: "file:///elsewhere/packages/a/src/z.ts" })).toEqual([]);
  });

  it("counts a file once that was loaded twice", () => {
    const again = { ...aScript("packages/a/src/z.ts", 1, 1), url: "file:///repo/packages/a/src/z.ts?stamp=1" };

    expect(count(aScript("packages/a/src/z.ts", 1), again)).toMatchObject([{ functions: 2 }]);
  });
});

describe("formatCorridor", () => {
  it("groups by package and ends with the total", () => {
    const text = formatCorridor(
      count(aScript("packages/b/src/x/y.ts", 1), aScript("packages/b/src/z.ts", 1), aScript("packages/a/src/z.ts", 1)),
    );

    expect(text.split("\n").map((line) => line.trim().replaceAll(/ +/g, " "))).toEqual([
      "a: 1 file, 2 lines lines run",
      "z.ts 2 1",
      "",
      "b: 2 files, 4 lines lines run",
      "x/y.ts 2 1",
      "z.ts 2 1",
      "",
      "One event runs through 3 files, 6 lines.",
    ]);
  });
});
