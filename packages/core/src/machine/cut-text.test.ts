import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutMiddle, cutText, findCut, keepEnd, keepEndBytes, keepStart, keepStartBytes } from "./cut-text.ts";

const texts = fc.string({ unit: "binary", maxLength: 20 });
const lengths = fc.integer({ min: 0, max: 24 });

describe("cutText", () => {
  it("keeps what fits, and marks what it cuts", () => {
    expect(cutText("abc", 3)).toBe("abc");
    expect(cutText("abcd", 3)).toBe("ab…");
  });

  it.each([
    "elie222/rakazo#416",
    "yetone/cumora#185",
    "ayunis-core#1613",
    "mastra-ai/mastra#21726",
    "vertesia/llumiverse#462",
  ])("Reported: %s: an emoji on the border is left out as a whole", () => {
    expect(cutText("a😀😀", 4)).toBe("a😀…");
    expect(cutText("a😀😀", 3)).toBe("a…");
    expect(JSON.stringify(cutText(`${"x".repeat(98)}😀 end`, 100))).not.toContain("\\ud");
  });
});

describe("cutMiddle", () => {
  it("keeps the beginning and the end", () => {
    expect(cutMiddle("abcdefg", 7)).toBe("abcdefg");
    expect(cutMiddle("abcdefgh", 7)).toBe("abc…fgh");
    expect(cutMiddle("abcdefgh", 7, " … ")).toBe("ab … gh");
  });

  it("splits no character on either side", () => {
    expect(cutMiddle("ab😀cdef😀gh", 7)).toBe("ab…gh");
  });
});

describe("cutting a text", () => {
  it("never splits a character, whatever the text", () => {
    fc.assert(
      fc.property(texts, lengths, (text, most) => {
        const cuts = [keepStart(text, most), keepEnd(text, most), cutText(text, most + 1), cutMiddle(text, most + 1)];
        expect(cuts.map((cut) => cut.isWellFormed())).toEqual([true, true, true, true]);
        expect(cuts.map((cut) => cut.length <= most + 1)).toEqual([true, true, true, true]);
        expect(text.startsWith(keepStart(text, most))).toBe(true);
        expect(text.endsWith(keepEnd(text, most))).toBe(true);
        expect(keepStart(text, most).length).toBeGreaterThanOrEqual(Math.min(text.length, most) - 1);
        expect(keepEnd(text, most).length).toBeGreaterThanOrEqual(Math.min(text.length, most) - 1);
      }),
    );
  });

  it("keeps nothing for a limit below 0", () => {
    expect([keepStart("ab", -1), keepEnd("ab", -1), cutText("ab", 0)]).toEqual(["", "", "…"]);
  });

  it("cuts bytes of UTF-8 between characters", () => {
    fc.assert(
      fc.property(texts, lengths, (text, most) => {
        const [start, end] = [keepStartBytes(text, most), keepEndBytes(text, most)];
        expect(Buffer.byteLength(start)).toBeLessThanOrEqual(most);
        expect(Buffer.byteLength(end)).toBeLessThanOrEqual(most);
        expect(text.startsWith(start) && text.endsWith(end)).toBe(true);
        const whole = Math.min(most, Buffer.byteLength(text));
        expect(Buffer.byteLength(start)).toBeGreaterThanOrEqual(whole - 3);
        expect(Buffer.byteLength(end)).toBeGreaterThanOrEqual(whole - 3);
        expect(findCut(Buffer.from(text), most)).toBe(Buffer.byteLength(start));
      }),
    );
  });
});
