import { isAllowedKey } from "@stackyard/consumer";
import { isManifestKey } from "@stackyard/sdk/artifacts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

/** What the publisher and the consumer say of a key. */
const judge = (key: string) => ({ manifest: isManifestKey(key), consumer: isAllowedKey(key) });
const BOTH = { manifest: true, consumer: true };
const NEITHER = { manifest: false, consumer: false };

/** The rule once more, as it is written down, step by step. */
function isKey(key: string): boolean {
  const bytes = new TextEncoder().encode(key).length;
  if (
    bytes < 1 ||
    bytes > 1_024 ||
    new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(key)) !== key
  )
    return false;
  const texts = [key, decode(key), decode(decode(key))];
  return texts.every((text) => !isTricky(text) && !isReserved(text));
}

function isTricky(text: string): boolean {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const isForbidden = codes.some((code) => code < 0x20 || code === 0x7f || code === 0x5c);
  return isForbidden || text.split("/").some((segment) => ["", ".", ".."].includes(segment));
}

function isReserved(text: string): boolean {
  return text === ".stackyard" || text.startsWith(".stackyard/");
}

/** Character by character; what is no sequence stays. */
function decode(text: string): string {
  let decoded = "";
  for (let at = 0; at < text.length; at += 1) {
    const hex = text.slice(at + 1, at + 3);
    const isSequence = text[at] === "%" && /^[0-9A-Fa-f]{2}$/.test(hex);
    decoded += isSequence ? String.fromCharCode(Number(`0x${hex}`)) : text[at];
    if (isSequence) at += 2;
  }
  return decoded;
}

describe("the rule on keys, of publishers and of consumers", () => {
  it.each([
    ["1,023 bytes", "k".repeat(1_023)],
    ["1,024 bytes", "k".repeat(1_024)],
    ["1,024 bytes of two each", "ü".repeat(512)],
    ["1,023 bytes of three each", "€".repeat(341)],
    ["1,024 bytes of four each", "😀".repeat(256)],
    ["1,024 bytes of mixed lengths", `${"€".repeat(341)}k`],
    ["a percent sign alone", "a/100%"],
    ["a malformed sequence", "a/%g0/%2/%"],
    ["a malformed sequence that becomes a letter", "a/%%36%31"],
    ["bytes that are no UTF-8", "a/%ff%c0%ae"],
    ["dots that would need a third decoding", "a/%25252e%25252e/b"],
    ["three dots", "a/.../b"],
    ["dots at the ends of names", "a./.b"],
    ["the reserved name further below", "a/.stackyard/b"],
    ["a longer name than the reserved one", ".stackyard2/b"],
    ["the reserved name in other letters", ".Stackyard/b"],
    ["a control character of the second kind", "a\u0085b"],
    ["white space", "a b/\u00a0\u2028"],
    ["a byte order mark", "\ufeffa"],
    ["what shells and URLs mind", "a?b#c&d=e+f:g*"],
  ])("takes %s", (_what, key) => {
    expect([judge(key), isKey(key)]).toEqual([BOTH, true]);
  });

  it.each([
    ["nothing", ""],
    ["1,025 bytes", "k".repeat(1_025)],
    ["1,025 bytes, of which one character has two", `${"k".repeat(1_023)}ü`],
    ["1,026 bytes of two each", "ü".repeat(513)],
    ["1,026 bytes of three each", "€".repeat(342)],
    ["1,028 bytes of four each", "😀".repeat(257)],
    ["a slash alone", "/"],
    ["a slash at the beginning", "/a"],
    ["a slash at the end", "a/"],
    ["an empty segment", "a//b"],
    ["a dot", "./a"],
    ["two dots at the end", "a/.."],
    ["a line feed", "a\nb"],
    ["a null", "a\0"],
    ["a deletion", "\u007f"],
    ["a backslash", "a\\b"],
    ["the first half of a character", "a\ud83d"],
    ["the second half of a character", "\ude00a"],
    ["halves in the wrong order", "\ude00\ud83d"],
    ["a slash at the beginning, encoded", "%2Fa"],
    ["an empty segment, encoded twice", "a%252f%252fb"],
    ["a dot, encoded in part", "a/%2e"],
    ["two dots, encoded by turns", "a/.%252E/b"],
    ["a sequence that another one completes", "a/%2%65%2%65/b"],
    ["a line feed, encoded", "a%0ab"],
    ["a deletion, encoded twice", "a%257Fb"],
    ["a backslash, encoded twice", "a%255cb"],
    ["the reserved folder", ".stackyard/known/x"],
    ["the reserved folder, its slash encoded", ".stackyard%2fknown"],
    ["the reserved folder, encoded twice", "%252estackyard/known"],
    ["the reserved folder, a letter encoded", ".st%61ckyard/known"],
  ])("refuses %s", (_what, key) => {
    expect([judge(key), isKey(key)]).toEqual([NEITHER, false]);
  });

  it("is one rule for any key made of what matters", () => {
    const pieces = ["a", "ü", "😀", ".", "..", "/", "\\", "%", "%2", "%2e", "%2F", "%25", "%252e", "%5c", "%00", "%7f"];
    const more = [".stackyard", ".stackyard/", "2e", "65", "\u0000", "\u007f", "\ud800", "\udc00", " ", "+"];
    const key = fc.array(fc.constantFrom(...pieces, ...more), { maxLength: 8 }).map((parts) => parts.join(""));

    fc.assert(
      fc.property(key, (text) => {
        expect(judge(text)).toEqual(isKey(text) ? BOTH : NEITHER);
      }),
      { numRuns: 5_000 },
    );
  });

  it("is one rule for any text, up to and beyond the longest key", () => {
    const long = fc
      .tuple(fc.constantFrom("k", "ü", "€", "😀"), fc.integer({ min: 240, max: 1_030 }), fc.string({ maxLength: 3 }))
      .map(([unit, count, rest]) => unit.repeat(count) + rest);

    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), long), (text) => {
        expect(judge(text)).toEqual(isKey(text) ? BOTH : NEITHER);
      }),
      { numRuns: 2_000 },
    );
  });
});
