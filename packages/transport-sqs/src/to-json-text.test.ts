import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toJsonText } from "./to-json-text.ts";

/** What SQS takes in a body. */
const ALLOWED = /^[ -\ud7ff\ue000-\ufffd]*$/;

describe("toJsonText", () => {
  it.each([["\u0000\u001f"], ["\ufffe\uffff"], ["🚀"], ["\ud800"], ["é漢\u007f"]])(
    "escapes what a queue refuses in %j",
    (text) => {
      const json = toJsonText({ text });

      expect(json).toMatch(ALLOWED);
      expect(JSON.parse(json)).toEqual({ text });
    },
  );

  it("leaves plain JSON as it is", () => {
    expect(toJsonText({ a: [1, "ü", null] })).toBe('{"a":[1,"ü",null]}');
  });

  it("reads back as it was, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 20 }), (text) => {
        const json = toJsonText(text);
        return ALLOWED.test(json) && JSON.parse(json) === text;
      }),
    );
  });
});
