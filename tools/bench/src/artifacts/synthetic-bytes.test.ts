import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestSynthetic, readSynthetic } from "./synthetic-bytes.ts";

const MIB = 1_048_576;
const read = (from: number, to: number) => Buffer.concat([...readSynthetic(from, to)]);
const WHOLE = read(0, 3 * MIB - 1);

describe("readSynthetic", () => {
  it("returns the same bytes for every range as for the whole", () => {
    const at = fc.integer({ min: 0, max: WHOLE.length - 1 });
    fc.assert(
      fc.property(at, at, (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];

        expect(read(from, to).equals(WHOLE.subarray(from, to + 1))).toBe(true);
      }),
    );
  });
});

describe("digestSynthetic", () => {
  it.each([0, 1, MIB, 2 * MIB + 1])("is the digest of %d bytes", (bytes) => {
    expect(digestSynthetic(bytes)).toBe(createHash("sha256").update(WHOLE.subarray(0, bytes)).digest("hex"));
  });
});
