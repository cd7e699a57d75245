import { describe, expect, it } from "vitest";
import { chunk } from "./chunk.ts";

describe("chunk", () => {
  it.each([
    [[], []],
    [[1], [[1]]],
    [[1, 2], [[1, 2]]],
    [
      [1, 2, 3, 4, 5],
      [[1, 2], [3, 4], [5]],
    ],
  ])("cuts %j into parts of two", (items, parts) => {
    expect(chunk(items, 2)).toEqual(parts);
  });
});
