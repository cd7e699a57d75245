import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sizeOf, toBounded } from "./bounded.ts";
import { MAX_DATA_BYTES, presentAnswer } from "./present.ts";
import { toVisible, toVisibleText } from "./visible.ts";

describe("toBounded", () => {
  it("keeps any value below its bytes, and what fits unchanged", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 64, max: 4_000 }), (value, maxBytes) => {
        const { value: bounded, isCut } = toBounded(value, maxBytes);

        expect(sizeOf(bounded)).toBeLessThanOrEqual(maxBytes);
        if (!isCut) expect(bounded).toBe(value);
        expect(isCut).toBe(sizeOf(value) > maxBytes);
      }),
    );
  });

  it("cuts between characters, and says how many bytes are missing", () => {
    const { value } = toBounded({ text: "€".repeat(2_000), id: "pr-1" }, 4_200);

    expect(value).toEqual({ text: `${"€".repeat(1_365)}[cut: 1905 more bytes]`, id: "pr-1" });
  });

  it("says how many items and keys are missing", () => {
    const list = Array.from({ length: 300 }, () => "x".repeat(10));
    expect(toBounded(list, 3_000).value).toHaveLength(201);
    expect(toBounded(list, 3_000).value).toContain("[cut: 100 more]");
  });
});

describe("toVisible", () => {
  it("leaves no character that people do not see, in texts and keys", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        expect(JSON.stringify(toVisible(value))).not.toMatch(/[\p{Cf}\p{Co}\u2028\u2029\ud800-\udfff]|\\u00/u);
      }),
    );
  });

  it("keeps languages, tabs, line ends and colored emoji", () => {
    const text = "Grüße\t日本語\nשלום ✔️ 😀";
    expect(toVisibleText(text)).toBe(text);
  });
});

describe("presentAnswer", () => {
  it("is bounded, and its marks differ for each result", () => {
    const data = { log: "x".repeat(1_000_000) };
    const results = [presentAnswer({ data }), presentAnswer({ data })];

    for (const result of results) {
      expect(sizeOf(result)).toBeLessThan(2.2 * MAX_DATA_BYTES);
      expect(result.structuredContent?.note).toContain("Ask for less.");
    }
    expect(results[0]?.content[0]?.text.split("\n")[1]).not.toBe(results[1]?.content[0]?.text.split("\n")[1]);
  });
});
