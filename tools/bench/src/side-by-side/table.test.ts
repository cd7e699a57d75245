import { describe, expect, it } from "vitest";
import { toMarkdownTable, toTextTable } from "./table.ts";

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
