import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chunk } from "./chunk.ts";

describe("chunk", () => {
  it("cuts a thousand ids into 20 chunks, and into 334 as the predecessor did", () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => `i-${index}`);

    expect(chunk(ids)).toHaveLength(20);
    expect(chunk(ids, 3)).toHaveLength(334);
    expect(chunk(ids, 3).at(-1)).toEqual(["i-999"]);
  });

  it("leaves the rest to the last chunk", () => {
    const ids = Array.from({ length: 51 }, (_, index) => index);

    expect(chunk(ids, 50).map((part) => part.length)).toEqual([50, 1]);
    expect(chunk(ids, 3)).toHaveLength(17);
  });

  it("makes nothing of nothing", () => {
    expect(chunk([], 3)).toEqual([]);
  });

  it.each([0, 51, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses the size %s", (size) => {
    expect(() => chunk(["i-1"], size)).toThrow(expect.objectContaining({ code: "CHUNK_SIZE_INVALID" }));
  });

  it("keeps every id in its place", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.integer({ min: 1, max: 50 }), (ids, size) => {
        const chunks = chunk(ids, size);

        expect(chunks.flat()).toEqual(ids);
        expect(chunks.slice(0, -1).every((part) => part.length === size)).toBe(true);
        expect(chunks.every((part) => part.length > 0)).toBe(true);
      }),
    );
  });
});
