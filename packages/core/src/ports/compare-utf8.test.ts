import fc from "fast-check";
import { expect, it } from "vitest";
import { compareUtf8 } from "./compare-utf8.ts";

it("has the order of the bytes, for any texts", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "é", "\ud7ff", "\ue000", "\uffff", "😀", "𝒳"),
    maxLength: 6,
  });
  const property = fc.property(text, text, (a, b) => {
    expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
  });
  fc.assert(property, { numRuns: 2_000 });
});

it("has the order of the bytes for half of a pair, which is written as U+FFFD", () => {
  for (const [a, b] of [
    ["x\ud800", "x"],
    ["x\ud800", "x\ue000"],
    ["\ud800a", "\ud800b"],
    ["x", "x"],
  ] as const) {
    expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }
});
