import { describe, expect, it } from "vitest";
import { isPlainName } from "./plain-name.ts";

describe("isPlainName", () => {
  it.each([
    "ada",
    "ada@example.org",
    "Ada Lovelace",
    "Жанна",
    "山田太郎",
    "o'neil",
    "\u00e9ve",
    "repo:acme/web:ref:refs/heads/main",
  ])("is true for %j", (text) => expect(isPlainName(text)).toBe(true));

  it.each(
    [
      ["", 7, null, { toString: () => "ada" }, "a".repeat(257)],
      [
        "ada\u200b",
        "ada\u200d",
        "ada\u2060",
        "\ufeffada",
        "ada\u00ad",
        "ad\u034fa",
        "ada\u3164",
        "ada\ufe0f",
        "ada\u{e0061}",
      ],
      ["\u202eada", "\u2066ada", "ada\u061c", "ada\u200e"],
      ["ada\u2028x", "ada\u2029", "ada\nx", "ada\u0085", "a\u001bb", "ada\u0000"],
      [" ada", "ada ", "ada\u00a0x", "ada\u3000x", "e\u0301ve", "ada\ud800"],
    ].flat(),
  )("is false for %j", (text) => expect(isPlainName(text)).toBe(false));
});
