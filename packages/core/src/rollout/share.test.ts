import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toConcurrency, toCount } from "./share.ts";

describe("toCount", () => {
  it.each([
    ["0", 100, 0],
    ["10", 3, 10],
    [7, 100, 7],
    ["10%", 25, 2],
    ["33%", 100, 33],
    ["99%", 1, 0],
    ["100%", 7, 7],
    ["0%", 7, 0],
    // 0.29 * 100 is 28.999999999999996.
    ["29%", 100, 29],
  ])("makes %s of %d rows %d", (share, total, count) => {
    expect(toCount(share, total)).toBe(count);
  });

  it("never returns more than the total for a percentage, and rounds down", () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100_000), (percent, total) => {
        const count = toCount(`${percent}%`, total);

        expect(count * 100).toBeLessThanOrEqual(percent * total);
        expect((count + 1) * 100).toBeGreaterThan(percent * total);
      }),
    );
  });
});

describe("toConcurrency", () => {
  it("lets at least one run", () => {
    expect(toConcurrency("10%", 5)).toBe(1);
    expect(toConcurrency("10%", 50)).toBe(5);
  });
});
