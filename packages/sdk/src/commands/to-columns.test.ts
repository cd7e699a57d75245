import { expect, it } from "vitest";
import { toColumns } from "./to-columns.ts";

it("puts columns under one another, numbers at the right", () => {
  expect(
    toColumns(
      [
        ["NAME", "COUNT", "WHY"],
        ["a", "10", ""],
        ["long", "1", "x"],
      ],
      [1],
    ),
  ).toBe("NAME  COUNT  WHY\na        10\nlong      1  x");
});
