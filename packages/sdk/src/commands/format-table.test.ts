import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { formatTable, toCell, truncateText } from "./format-table.ts";

describe("formatTable", () => {
  it("does not pad all rows of a pipe for one long name", () => {
    const long = "x".repeat(255);
    const rows = [
      ["STACK", "STATE"],
      ["pr-1", "LIVE"],
      [long, "LIVE"],
    ];

    expect(formatTable(rows)).toBe(`STACK  STATE\npr-1   LIVE\n${long}  LIVE`);
  });

  it("aligns columns, numbers at their right", () => {
    const rows = [
      ["NAME", "COUNT", "WHY"],
      ["a", "10", ""],
      ["long", "1", "x"],
    ];

    expect(formatTable(rows, { numbers: [1] })).toBe("NAME  COUNT  WHY\na        10\nlong      1  x");
  });

  it("counts no colors, wide characters twice, and what is combined once", () => {
    const rows = [
      ["\u001b[1mbold\u001b[22m", "1"],
      ["日本語", "2"],
      ["👩‍👩‍👧‍👦 e\u0301", "3"],
      ["longest", "4"],
    ];

    const lines = formatTable(rows).split("\n");

    expect(lines).toEqual(["\u001b[1mbold\u001b[22m     1", "日本語   2", "👩‍👩‍👧‍👦 e\u0301     3", "longest  4"]);
  });

  it("puts a cell with line breaks into one line, so that it looks like no other row", () => {
    expect(formatTable([["a\nSTACK  forged\r\n\tx", "b"]])).toBe("a STACK  forged x  b");
  });

  it("fits a terminal: cuts the widest columns first, and the first one last", () => {
    const rows = [
      ["ID", "STATE", "REASON"],
      ["a-rather-long-stack-id", "PREPARING", "The state PREPARING has no transition for the event OPENED."],
    ];

    const table = formatTable(rows, { columns: 50 });

    expect(table).toBe("ID                      STATE      REASON\na-rather-long-stack-id  PREPARING  The state PREP…");
    const narrow = formatTable(rows, { columns: 30 });
    expect(narrow.split("\n")[1]).toBe("a-rather-…  PREPARI…  The sta…");
  });

  it.each([10, 20, 33, 47, 80])("never is wider than %d columns where its columns leave room for that", (columns) => {
    const row = ["スタック-日本語-long-id", "\u001b[31mERROR\u001b[39m of a task", "x".repeat(300)];

    const widths = formatTable([row], { columns })
      .split("\n")
      .map((line) => [...stripVTControlCharacters(line)].length);

    expect(Math.max(...widths)).toBeLessThanOrEqual(Math.max(columns, 28));
  });

  it("is whole without a terminal", () => {
    const long = "x".repeat(5_000);

    expect(formatTable([["a", long]])).toBe(`a  ${long}`);
  });

  it("never cuts numbers, and leaves the last column to the terminal where that is wanted", () => {
    const rows = [["a".repeat(20), "123456789012", "why ".repeat(20).trim()]];

    const table = formatTable(rows, { columns: 40, numbers: [1], keepLast: true });

    expect(table).toBe(`aaaaaaaaaaaaaaa…  123456789012  ${"why ".repeat(20).trim()}`);
  });
});

describe("truncateText", () => {
  it.each([
    ["short", 5, "short"],
    ["longer", 5, "long…"],
    ["日本語", 5, "日本…"],
    ["日本語", 4, "日…"],
    ["\u001b[31mred and more\u001b[39m", 4, "\u001b[31mred…\u001b[0m"],
    ["any", 0, ""],
  ])("cuts %j to %d columns", (text, width, cut) => {
    expect(truncateText(text, width)).toBe(cut);
  });
});

it.each([
  ["a\u001b]0;title\u0007b\u001b[2Jc\rd", 80, "abc d"],
  ["\u001b\u001b[0m[2Jx", 80, "[2Jx"],
  ["two\nlines", 80, "two lines"],
  ["1234567890", 5, "1234…"],
  ["\u202egnp.exe", 80, "gnp.exe"],
])("makes a cell of %j", (text, most, expected) => {
  expect(toCell(text, most)).toBe(expected);
});
