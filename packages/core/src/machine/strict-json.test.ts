import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toStrictJson, toStrictText } from "./strict-json.ts";

const ODD = "a\0b\ud83dc\udc00 😀 \\ud83d \\u0000 \\\\ud83d é\n";
const STRICT = "a\ufffdb\ufffdc\ufffd 😀 \\ud83d \\u0000 \\\\ud83d é\n";

describe("toStrictText", () => {
  it("replaces NUL and halves of characters", () => {
    expect(toStrictText(ODD)).toBe(STRICT);
    expect(toStrictText("é😀\n")).toBe("é😀\n");
  });
});

describe("toStrictJson", () => {
  it("Reported: activepieces#13965: replaces what a strict database refuses, in keys and values, and nothing else", () => {
    const json = toStrictJson({ [ODD]: [ODD, 1, null] });

    expect(json).not.toMatch(/(?<!\\)\\u(0000|d83d)/);
    expect(JSON.parse(json)).toEqual({ [STRICT]: [STRICT, 1, null] });
  });

  it("is the JSON of the strict texts, whatever the text", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(ODD, "\ud83d", "\\"))), (texts) => {
        expect(JSON.parse(toStrictJson(texts))).toEqual(texts.map(toStrictText));
      }),
    );
  });
});
