import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAllowedKey } from "./allowed-key.ts";

describe("isAllowedKey", () => {
  it.each([
    "tts-cloud/build-artifact-consumer/dev/40/packaged.yaml",
    "a",
    "a b/c+d/ü.zip",
    "a/100%/b",
    "a/%zz/b",
    "a/...",
    "a/.hidden",
    ".stackyard-tools/a",
    "x/.stackyard/a",
    "k".repeat(1_024),
    "a/%2541",
  ])("takes %j", (key) => {
    expect(isAllowedKey(key)).toBe(true);
  });

  it.each([
    ["nothing", ""],
    ["too long", "k".repeat(1_025)],
    ["too long in bytes", "ü".repeat(513)],
    ["a slash at the beginning", "/a"],
    ["a slash at the end", "a/"],
    ["an empty segment", "a//b"],
    ["a dot", "a/./b"],
    ["two dots", "a/../b"],
    ["two dots alone", ".."],
    ["a backslash", "a\\b"],
    ["a control character", "a\u0001b"],
    ["a deletion", "a\u007fb"],
    ["half a character", "a\ud800"],
    ["two dots, encoded", "a/%2e%2E/b"],
    ["two dots, encoded twice", "a/%252e%252e/b"],
    ["a slash at the end, encoded", "a%2f"],
    ["an empty segment by encoding", "a/%2fb"],
    ["a backslash, encoded", "a%5cb"],
    ["a control character, encoded twice", "a%2500b"],
    ["what the consumer keeps for itself", ".stackyard/registry"],
    ["that, encoded", "%2estackyard/registry"],
    ["that alone", ".stackyard"],
  ])("refuses %s", (_what, key) => {
    expect(isAllowedKey(key)).toBe(false);
  });

  it("takes no key that leaves its place, however it was encoded", () => {
    const dots = fc.constantFrom("..", "%2e.", ".%2E", "%2e%2e", "%252e%2e");
    const part = fc.stringMatching(/^[a-z]{0,5}$/);

    fc.assert(
      fc.property(part, dots, part, (before, up, after) => {
        expect(isAllowedKey(`${before}/${up}/${after}`)).toBe(false);
      }),
    );
  });

  it("crashes on no text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (key) => typeof isAllowedKey(key) === "boolean"));
  });
});
