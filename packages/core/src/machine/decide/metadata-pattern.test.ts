import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMetadataPattern } from "./metadata-pattern.ts";

describe("createMetadataPattern", () => {
  it.each([
    ["^[a-z0-9./-]+:[a-zA-Z0-9._-]+$", "shop/web:1.2", true],
    ["^[a-z0-9./-]+:[a-zA-Z0-9._-]+$", "shop/web:1.2\n", false],
    ["b", "abc", true],
    ["^b", "abc", false],
    ["^.$", "😀", true],
    ["^\\p{L}+$", "Äé", true],
    ["^\\u{1F600}+$", "😀😀", true],
    ["^(?=.*[0-9]).{3,}$", "ab1", true],
    ["^(?=.*[0-9]).{3,}$", "abc", false],
    ["^(a|b)\\1+$", "aa", true],
    ["^a{2000}$", "a".repeat(2000), true],
    ["^a.*b$", "a\rb", false],
    ["^[.]+$", "..", true],
    ["^\\S+$", "a\u00a0b", false],
    ["^[^\\s]+$", "a\u2003b", false],
    ["^[\\S]+$", "ab", true],
    ["^[[:alpha:][b]+$", ":b", true],
    ["^[[:alpha:][b]+$", "zb", false],
    ["^[^]+$", "a\nb", true],
    ["^a*[]$", "a]", false],
    ["^\\[.+\\]$", "[\u2028]", false],
  ])("searches %s in %j: %s", (source, text, found) => {
    expect(createMetadataPattern(source).test(text)).toBe(found);
  });

  it("says the same as JavaScript for patterns that both know", () => {
    const atom = fc.constantFrom(
      ..."a b [ab] [^a] . (?:a|b) \\d \\w (ab) \\s \\S [\\sa] [^\\s] [\\S1] [.] [[:b] \\. \\[ \\] [\\]a] [^] \\W \\D".split(
        " ",
      ),
    );
    const piece = fc
      .tuple(atom, fc.constantFrom("", "*", "+", "?", "{2}", "{1,3}", "*?"))
      .map((parts) => parts.join(""));
    const source = fc
      .tuple(fc.constantFrom("", "^"), fc.array(piece, { maxLength: 4 }), fc.constantFrom("", "$"))
      .map(([start, pieces, end]) => start + pieces.join("") + end);

    fc.assert(
      fc.property(
        source,
        fc.string({ unit: fc.constantFrom(..."ab01_ .:[]\n\r\v\u00a0\u0085\u2003\u2028\ufeff"), maxLength: 12 }),
        (pattern, text) => {
          expect(createMetadataPattern(pattern).test(text)).toBe(new RegExp(pattern, "u").test(text));
        },
      ),
    );
  });

  // JavaScript would need longer than the universe has: 2^20000 ways to part the text.
  it("ends for patterns with a repetition inside another", () => {
    expect(createMetadataPattern("^(a+)+$").test(`${"a".repeat(20_000)}!`)).toBe(false);
  });

  it.each(["[a-", "(", "a{2,1}", "\\p{Nothing}"])("throws for %s", (source) => {
    expect(() => createMetadataPattern(source)).toThrow(SyntaxError);
  });

  it("keeps its source", () => {
    expect([createMetadataPattern("^a+$").source, createMetadataPattern("^a").source]).toEqual(["^a+$", "^a"]);
  });
});
