import { expect, it } from "vitest";
import { countChanges } from "./count-changes.ts";

it.each([
  ["a\nb\nc", "a\nb\nc", { places: 0, lines: 0 }],
  ["a\nb\nc", "a\nB\nc", { places: 1, lines: 1 }],
  ["a\nb\nc", "A\nb\nC", { places: 2, lines: 2 }],
  ["a\nb\nc", "a\nc", { places: 1, lines: 1 }],
  ["a\nc", "a\nb\nb\nc", { places: 1, lines: 2 }],
  ["a\nb\nc\nd", "a\nX\nY\nd\ne", { places: 2, lines: 3 }],
  ["a", "", { places: 1, lines: 1 }],
])("compares %j with %j", (before, after, expected) => {
  expect(countChanges(before, after)).toEqual(expected);
});

it("counts texts without a common line as one place, however long they are", () => {
  const long = (line: string) => Array.from({ length: 5_000 }, (_, index) => `${line} ${index}`).join("\n");

  expect(countChanges(long("a"), long("b"))).toEqual({ places: 1, lines: 5_000 });
});
