import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutText } from "./cut-text.ts";

describe("cutText", () => {
  it("leaves what fits", () => {
    expect(cutText("abc", 3)).toBe("abc");
  });

  it("ends what does not fit in an ellipsis", () => {
    expect(cutText("abcd", 3)).toBe("ab…");
  });

  it("cuts at the border of a character", () => {
    expect(cutText("a😀😀", 4)).toBe("a😀…");
    expect(cutText("a😀😀", 3)).toBe("a…");
  });

  it("never exceeds the limit and never halves a character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 20 }), (text, max) => {
        const cut = cutText(text, max);

        expect(cut.length).toBeLessThanOrEqual(max);
        expect(cut.isWellFormed()).toBe(true);
        expect(text.startsWith(cut.replace(/…$/, "")) || cut === text).toBe(true);
      }),
    );
  });
});
