import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_WHOLE_BYTES, planParts, toPartBytes } from "./plan-parts.ts";

const MIB = 1_024 ** 2;
const part = (size: number) => ({ size, sha256: "ab".repeat(32) });

describe("toPartBytes", () => {
  it.each([
    [1, 64 * MIB],
    [640_000 * MIB, 64 * MIB],
    [640_000 * MIB + 1, 65 * MIB],
  ])("divides %d bytes into parts of %d", (size, expected) =>
    expect(toPartBytes(size, MAX_WHOLE_BYTES)).toBe(expected),
  );

  it("never needs more than 10,000 parts, nor one above 5 GiB, up to the largest object", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 48 * 1_024 ** 4 }), (size) => {
        const bytes = toPartBytes(size, MAX_WHOLE_BYTES);
        expect(Math.ceil(size / bytes)).toBeLessThanOrEqual(10_000);
        expect(bytes).toBeLessThanOrEqual(5 * 1_024 ** 3);
      }),
    );
  });
});

describe("planParts", () => {
  it("numbers parts and says where they begin", () => {
    const plan = planParts(21 * MIB, [part(10 * MIB), part(10 * MIB), part(MIB)]);

    expect(plan?.parts.map(({ number, from, size }) => [number, from, size])).toEqual([
      [1, 0, 10 * MIB],
      [2, 10 * MIB, 10 * MIB],
      [3, 20 * MIB, MIB],
    ]);
  });

  it("tells plans apart by sizes and digests", () => {
    const plans = [
      planParts(16 * MIB, [part(8 * MIB), part(8 * MIB)]),
      planParts(16 * MIB, [part(10 * MIB), part(6 * MIB)]),
      planParts(16 * MIB, [part(8 * MIB), { ...part(8 * MIB), sha256: "cd".repeat(32) }]),
      planParts(16 * MIB, [part(8 * MIB), part(8 * MIB)]),
    ];

    const [first, ...others] = plans.map((plan) => plan?.digest);
    expect(others.map((digest) => digest === first)).toEqual([false, false, true]);
  });

  it.each([
    ["another size together", 17 * MIB, [part(8 * MIB), part(8 * MIB)]],
    ["a small part in the middle", 17 * MIB, [part(8 * MIB), part(MIB), part(8 * MIB)]],
    ["an empty part", 8 * MIB, [part(8 * MIB), part(0)]],
    ["a part above 5 GiB", 5 * 1_024 ** 3 + 1, [part(5 * 1_024 ** 3 + 1)]],
    ["too many parts", 10_001 * 8 * MIB, Array.from({ length: 10_001 }, () => part(8 * MIB))],
    ["no parts", 8 * MIB, []],
  ])("plans nothing for %s", (_what, size, parts) => expect(planParts(size, parts)).toBeUndefined());
});
