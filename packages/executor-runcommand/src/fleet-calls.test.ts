import { describe, expect, it } from "vitest";
import { escapeFilterValue } from "./fleet-calls.ts";

describe("escapeFilterValue", () => {
  it.each([
    ["true", "true"],
    ["a*b?", String.raw`a\*b\?`],
    [String.raw`a\b`, String.raw`a\\b`],
    [String.raw`\*`, String.raw`\\\*`],
    ["", ""],
  ])("makes %j literal", (value, escaped) => {
    expect(escapeFilterValue(value)).toBe(escaped);
  });
});
