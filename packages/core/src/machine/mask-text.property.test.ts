import fc from "fast-check";
import { expect, it } from "vitest";
import { createMaskText } from "./mask-text.ts";

/** Few letters, so that values overlap, contain each other and occur often. */
const aText = (minLength: number, maxLength: number) =>
  fc.array(fc.constantFrom("a", "b", "*"), { minLength, maxLength }).map((letters) => letters.join(""));

/** One after the other, the longest first. */
function maskSlowly(values: readonly string[], text: string): string {
  const ordered = [...new Set(values)].sort((a, b) => b.length - a.length);
  return ordered.reduce((masked, value) => masked.replaceAll(value, "***"), text);
}

it("masks many values as it does one after the other", () => {
  const values = fc.uniqueArray(aText(4, 9), { minLength: 40, maxLength: 90 });
  fc.assert(
    fc.property(values, fc.array(aText(0, 60), { maxLength: 4 }), (drawn, texts) => {
      const mask = createMaskText(drawn);
      for (const text of texts) expect(mask(text)).toBe(maskSlowly(drawn, text));
    }),
    { numRuns: 300 },
  );
});
