import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PART_BYTES } from "../judge-parts.ts";
import { MAX_PARTS, toPartBytes } from "./part-bytes.ts";

const MIB = 1_048_576;

describe("the length of parts", () => {
  it.each([
    [65 * MIB, 16],
    [16 * MIB * 10_000, 16],
    [16 * MIB * 10_000 + 1, 32],
    [5 * 1_024 ** 4, 1_024],
    [undefined, 32],
  ])("of %s bytes is %s MiB", (size, mib) => {
    expect(toPartBytes(size)).toBe(mib * MIB);
  });

  it("keeps to S3's limits for all that S3 takes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 * 1_024 ** 4 }), (size) => {
        const bytes = toPartBytes(size);

        expect(Math.ceil(size / bytes)).toBeLessThanOrEqual(MAX_PARTS);
        expect([bytes >= PART_BYTES.min, bytes <= PART_BYTES.max * 2]).toEqual([true, true]);
      }),
    );
  });
});
