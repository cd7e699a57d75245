import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { containsText, joinTexts, lowerAscii, replaceText, splitText, upperAscii } from "./cel-functions.ts";
import { createMeter } from "./meter.ts";

const short = fc.string({ unit: fc.constantFrom("a", "b", "ä"), maxLength: 8 });

describe("text functions", () => {
  it("agree with those of JavaScript where both mean the same", () => {
    fc.assert(
      fc.property(short, short, short, (text, part, by) => {
        expect(containsText(createMeter(), text, part)).toBe(text.includes(part));
        expect(splitText(createMeter(), text, part)).toEqual(text.split(part));
        expect(replaceText(createMeter(), text, part, by)).toBe(text.replaceAll(part, () => by));
        expect(joinTexts(createMeter(), splitText(createMeter(), text, part), part)).toBe(text);
      }),
    );
  });

  it("replace and split no more often than asked", () => {
    fc.assert(
      fc.property(short, fc.integer({ min: 1, max: 9 }), (text, times) => {
        expect(splitText(createMeter(), text, "a", BigInt(times)).length).toBeLessThanOrEqual(times);
        let expected = text;
        for (let time = 0; time < times; time++) expected = expected.replace("a", "c");
        expect(replaceText(createMeter(), text, "a", "c", BigInt(times))).toBe(expected);
      }),
    );
  });

  it("take a limit beyond every count", () => {
    expect(splitText(createMeter(), "a-b", "-", 2n ** 62n)).toEqual(["a", "b"]);
    expect(replaceText(createMeter(), "ab", "", "_", 2n ** 62n)).toBe("_a_b_");
    expect(replaceText(createMeter(), "ab", "b", "_", 2n ** 62n)).toBe("a_");
    expect(replaceText(createMeter(), "ab", "b", "_", 0n)).toBe("ab");
  });

  it("keep a character of two units together", () => {
    expect(splitText(createMeter(), "a🌲", "")).toEqual(["a", "🌲"]);
  });

  it("change no letter but those of ASCII", () => {
    expect([lowerAscii("AZÄİ"), upperAscii("azäß")]).toEqual(["azÄİ", "AZäß"]);
  });

  it("charge a search by both lengths when the part is long", () => {
    const hay = "a".repeat(60_000);

    expect(containsText(createMeter(), hay, "b".repeat(250))).toBe(false);
    expect(() => containsText(createMeter(), hay, "b".repeat(1000))).toThrow("steps");
  });

  it("refuse to join what is no text", () => {
    expect(() => joinTexts(createMeter(), ["a", 1n])).toThrow("join() needs a list of texts");
  });
});
