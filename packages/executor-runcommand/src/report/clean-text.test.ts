import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findLastLine, toCell, toCleanText } from "./clean-text.ts";

describe("toCleanText", () => {
  it.each([
    ["colours", "\u001b[31mred\u001b[0m", "red"],
    ["a moved cursor", "a\u001b[2J\u001b[1;1Hb", "ab"],
    ["a title of the window", "\u001b]0;owned\u0007ok", "ok"],
    ["a link", "\u001b]8;;https://evil.example\u0007here\u001b]8;;\u0007", "here"],
    ["a sequence that begins with one character", "\u009b31mred", "red"],
    ["a sequence inside a sequence", "\u001b\u001b[0m[31mx", "x"],
    ["a bell, a nul and a backspace", "a\u0007\u0000\bb", "ab"],
    ["a line that is written over", "right\rwrong", "right\nwrong"],
    ["a name that reads from right to left", "i-\u202e1234", "i-1234"],
    ["half a surrogate pair", "a\ud800b", "a\ufffdb"],
  ])("takes out %s", (_what, text, clean) => {
    expect(toCleanText(text)).toBe(clean);
  });

  it("leaves nothing that a terminal would obey, whatever comes", () => {
    const odd = fc.string({
      unit: fc.constantFrom("\u001b", "[", "]", "0", "m", "\u009b", "\u0007", "\u202e", "a", "\r"),
    });

    fc.assert(fc.property(odd, (text) => !/(?![\n\t])\p{Cc}|\u202e/u.test(toCleanText(text))));
  });
});

describe("toCell", () => {
  it("is one line, cut between characters", () => {
    expect([toCell("a\n  b\tc"), toCell("😀😀😀", 2), toCell("😀😀", 2)]).toEqual(["a b c", "😀…", "😀😀"]);
  });
});

describe("findLastLine", () => {
  it("passes over what is blank", () => {
    expect([findLastLine("a\nb\n \u001b[0m\n"), findLastLine(" \n"), findLastLine(undefined)]).toEqual([
      ...["b", undefined, undefined],
    ]);
  });
});
