import { expect, it } from "vitest";
import { toCell } from "./to-cell.ts";
import { toLength } from "./to-length.ts";

it.each([
  [0, "0s"],
  [-3, "0s"],
  [59.9, "59s"],
  [60, "1m"],
  [150, "2m 30s"],
  [3_600, "1h"],
  [3_661, "1h 1m"],
  [172_800, "2d"],
])("tells %d seconds as %s", (seconds, text) => {
  expect(toLength(seconds)).toBe(text);
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
