import { describe, expect, it } from "vitest";
import { escapeFilterValue } from "./request-values.ts";

describe("escapeFilterValue", () => {
  it("takes their meaning from wildcards", () => {
    expect(escapeFilterValue("web-*?\\")).toBe("web-\\*\\?\\\\");
  });

  it("leaves other names as they are", () => {
    expect(escapeFilterValue("org/shop.web_1")).toBe("org/shop.web_1");
  });

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
