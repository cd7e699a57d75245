import fc from "fast-check";
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

  it.each([0, -1, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    "loses no item silently: a size of %d is refused",
    (size) => {
      expect(() => chunk([1, 2, 3], size)).toThrow(RangeError);
    },
  );

  it("keeps every item in its place", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.integer({ min: 1, max: 50 }), (items, size) => {
        const parts = chunk(items, size);

        expect(parts.flat()).toEqual(items);
        expect(parts.slice(0, -1).every((part) => part.length === size)).toBe(true);
        expect(parts.every((part) => part.length > 0)).toBe(true);
      }),
    );
  });
});
