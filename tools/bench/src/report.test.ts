import { describe, expect, it } from "vitest";
import { replaceSection, toMarkdownTable, toTextTable } from "./report.ts";

const page = "before\n<!-- begin x: written by the benchmark -->\nold\n<!-- end x -->\nafter\n";

describe("replaceSection", () => {
  it("replaces what stands between the marks and nothing else", () => {
    const replaced = replaceSection(page, "x", "new\n");

    expect(replaced).toBe("before\n<!-- begin x: written by the benchmark -->\n\nnew\n\n<!-- end x -->\nafter\n");
    expect(replaceSection(replaced, "x", "new")).toBe(replaced);
  });

  it.each([
    ["no marks", "before"],
    ["no end", "<!-- begin x: written by the benchmark -->"],
    ["the marks twice", page + page],
  ])("refuses a page with %s", (_, text) => {
    expect(() => replaceSection(text, "x", "new")).toThrow('The page needs "<!-- begin x');
  });
});

const table = {
  title: "Rates",
  head: ["who", "a second"],
  rows: [
    ["a|b", "10"],
    ["long name", "1,000"],
  ],
};

describe("toTextTable", () => {
  it("aligns names to the left and figures to the right", () => {
    expect(toTextTable(table).split("\n")).toEqual([
      "Rates",
      "who        a second",
      "a|b              10",
      "long name     1,000",
    ]);
  });
});

describe("toMarkdownTable", () => {
  it("escapes what would end a cell", () => {
    expect(toMarkdownTable(table).split("\n")).toEqual([
      "Rates",
      "",
      "| who | a second |",
      "| --- | --- |",
      "| a\\|b | 10 |",
      "| long name | 1,000 |",
    ]);
  });
});
