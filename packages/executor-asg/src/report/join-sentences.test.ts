import { describe, expect, it } from "vitest";
import { joinSentences } from "./join-sentences.ts";

describe("joinSentences", () => {
  it.each([
    [["Timeout: Halting Release", "Look."], "Timeout: Halting Release. Look."],
    [["Wrong image.", "Why?", "Then no"], "Wrong image. Why? Then no"],
    [["Timeout: Halting Release"], "Timeout: Halting Release"],
  ])("joins %j", (sentences, text) => {
    expect(joinSentences(sentences)).toBe(text);
  });
});
