// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { describe, expect, it } from "vitest";
import { maskTemplate } from "./mask-template.ts";

const mask = (value: unknown) => maskTemplate(value, new Set(["password"]));

describe("maskTemplate", () => {
  it.each([
    ["${metadata.password}"],
    ["postgres://u:${metadata['password']}@h"],
    ["${event.metadata.password}"],
    ["${metadata.image} ${'a' + metadata.password}"],
    ["${metadata.password +}"],
  ])("hides %s as a whole", (text) => {
    expect(mask(text)).toBe("***");
  });

  it.each([
    ["plain password"],
    ["$${metadata.password}"],
    ["${metadata.image}"],
    ["${'metadata.password'}"],
    ["${metadata."],
  ])("shows %s", (text) => {
    expect(mask(text)).toBe(text);
  });

  it("walks lists and maps, and hides references", () => {
    const value = { a: [1, null, "${metadata.password}"], b: { $secret: "x#1" }, c: { d: { $concat: ["a"] } }, e: "e" };

    expect(mask(value)).toEqual({ a: [1, null, "***"], b: "***", c: { d: "***" }, e: "e" });
  });

  it("shows everything when no key is sensitive", () => {
    expect(maskTemplate("${metadata.password}", new Set())).toBe("${metadata.password}");
  });
});
