import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMetadataPattern } from "./metadata-pattern.ts";

function search(source: string, text: string): string {
  const pattern = createMetadataPattern(source);
  return pattern.kind === "linear" ? pattern.search(text) : `refused: ${pattern.construct}`;
}

const toFound = (found: boolean) => (found ? "found" : "not-found");

describe("createMetadataPattern", () => {
  it.each([
    ["^[a-z0-9./-]+:[a-zA-Z0-9._-]+$", "shop/web:1.2", true],
    ["^[a-z0-9./-]+:[a-zA-Z0-9._-]+$", "shop/web:1.2\n", false],
    ["b", "abc", true],
    ["^b", "abc", false],
    ["^.$", "😀", true],
    ["^\\p{L}+$", "Äé", true],
    ["^\\p{Script=Greek}+$", "αβ", true],
    ["^[\\p{gc=Lu}_]+$", "A_", true],
    ["^\\u{1F600}+$", "😀😀", true],
    ["^\\uD83D\\uDE00$", "😀", true],
    ["^[\\u{1F600}-\\u{1F602}\\uD83D\\uDE05]+$", "😁😅", true],
    ["^\\cJ\\x41\\0$", "\nA\0", true],
    ["^[\\b\\-&&^-]+$", "\b-&^", true],
    ["^(?<name>a)+$", "aa", true],
    ["^a{1000}$", "a".repeat(1000), true],
    ["^.{1,1000}$", "a".repeat(1000), true],
    ["^a.*b$", "a\rb", false],
    ["^[.]+$", "..", true],
    ["^\\S+$", "a\u00a0b", false],
    ["^[^\\s]+$", "a\u2003b", false],
    ["^[\\S]+$", "ab", true],
    ["^[^\\S]+$", " \u2003", true],
    ["^[[:alpha:][b]+$", ":b", true],
    ["^[[:alpha:][b]+$", "zb", false],
    ["^[^]+$", "a\nb", true],
    ["^a*[]$", "a]", false],
    ["^\\[.+\\]$", "[\u2028]", false],
    ["^release-2024-12-31-[a-z]+$", "release-2024-12-31-a", true],
  ])("searches %s in %j: %s", (source, text, found) => {
    expect(search(source, text)).toBe(toFound(found));
  });

  it("finds what JavaScript finds", () => {
    const atom = fc.constantFrom(
      ..."a b [ab] [^a] . (?:a|b) \\d \\w (ab) (?<n>b) \\s \\S [\\sa] [^\\s] [\\S1] [^\\S_] [.] [[:b] \\. \\[ \\] [\\]a] [^] [] \\W \\D \\b \\B \\x61 \\u0062 [\\u0061-b] [a-] [-b] [0-9-a] [\\b] \\p{L} [\\P{L}] \\cJ | ()".split(
        " ",
      ),
    );
    const piece = fc
      .tuple(atom, fc.constantFrom("", "*", "+", "?", "{2}", "{1,3}", "{0}", "{2,}", "*?"))
      .map(([text, count]) => (["|", "\\b", "\\B"].includes(text) ? text : text + count));
    const named = (text: string) => text.split("(?<n>").length > 2;
    const source = fc
      .tuple(fc.constantFrom("", "^"), fc.array(piece, { maxLength: 4 }), fc.constantFrom("", "$"))
      .map(([start, pieces, end]) => start + pieces.join("") + end)
      .filter((text) => !named(text));

    fc.assert(
      fc.property(
        source,
        fc.string({ unit: fc.constantFrom(..."ab01_ .:[]-\n\r\v\b\u00a0\u0085\u2003\u2028\ufeffÄ"), maxLength: 12 }),
        (pattern, text) => {
          expect(search(pattern, text)).toBe(toFound(new RegExp(pattern, "u").test(text)));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  // A backtracking engine needs longer for each of them than the universe has.
  it.each([
    "^(a+)+$",
    "^release-2024-([a-z0-9]+)+$",
    "^([a-z]+)+[\\S]$",
    "^([a-z]+)+[^]*x$",
    "^(?:a|aa)+[^\\S]$",
    "^(a?){300}b$",
  ])("ends for %s", (source) => {
    expect(search(source, `release-2024-${"a".repeat(20_000)}!`)).toBe("not-found");
  });

  it("does not search a text that would take too many steps", () => {
    expect(search("^(?:[ab]*a){300}[ab]{600}x$", "ab".repeat(30_000))).toBe("too-long");
  });

  it.each([
    ["^(?=.*[0-9]).{3,}$", 'the look-ahead "(?="'],
    ["^(?!x)a$", 'the look-ahead "(?!"'],
    ["(?<=a)b", 'the look-behind "(?<="'],
    ["(?<!a)b", 'the look-behind "(?<!"'],
    ["^(a|b)\\1+$", 'the back-reference "\\1"'],
    ["^(?<x>a|b)\\k<x>$", 'the back-reference "\\k<x>"'],
    ["^(?i:a)$", 'the modifier "(?i:"'],
    ["^\\uD83D$", 'half a surrogate pair, "\\uD83D"'],
    ["^\\p{Changes_When_Lowercased}$", 'the property "\\p{Changes_When_Lowercased}"'],
    ["^a{1001}$", 'the oversized count "{1001}"'],
    ["^a{20241231,}$", 'the oversized count "{20241231,}"'],
    ["^((a{10}){10}){11}?$", 'the oversized count "{11}?"'],
    ["^[a-z]{900}(b{900})(c{900})$", 'the oversized count "{900}"'],
    ["^(?:abc{2}d){500}$", 'the oversized count "{500}"'],
  ])("refuses %s, naming what cannot be searched in linear time", (source, construct) => {
    expect(createMetadataPattern(source)).toEqual({ kind: "not-linear", source, construct });
  });

  it("takes or refuses any regular expression", () => {
    const piece = fc.constantFrom(
      ..."a b [ ] ( ) (? (?: (?= \\ \\1 \\u0061 \\p{L} { } {2} {3,} * + ? | ^ $ - . é 😀".split(" "),
    );
    const isValid = (source: string) => {
      try {
        return new RegExp(source, "u") !== undefined;
      } catch {
        return false;
      }
    };
    const source = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));

    fc.assert(
      fc.property(source, fc.string({ maxLength: 6 }), (pattern, text) => {
        if (!isValid(pattern)) expect(() => createMetadataPattern(pattern)).toThrow(SyntaxError);
        else expect(search(pattern, text)).toMatch(/^(?:found|not-found|refused: the .+)$/);
      }),
      { numRuns: 3_000 },
    );
  });

  it.each(["[a-", "(", "a{2,1}", "\\p{Nothing}"])("throws for %s", (source) => {
    expect(() => createMetadataPattern(source)).toThrow(SyntaxError);
  });

  it("keeps its source", () => {
    expect([createMetadataPattern("^a+$").source, createMetadataPattern("^a").source]).toEqual(["^a+$", "^a"]);
  });
});
