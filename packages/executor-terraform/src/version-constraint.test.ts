import { describe, expect, it } from "vitest";
import { allowsVersion, isVersionConstraint } from "./version-constraint.ts";

describe("allowsVersion", () => {
  it.each([
    ["1.11.4", "1.11.4", true],
    ["= 1.11.4", "1.11.5", false],
    ["!= 1.11.4", "1.11.5", true],
    [">= 1.6, < 2.0", "1.11.4", true],
    [">= 1.6, < 2.0", "2.0.0", false],
    ["> 1.11.4", "1.11.4", false],
    ["<= 1.11", "1.11.0", true],
    ["~> 1.11.0", "1.11.9", true],
    ["~> 1.11.0", "1.12.0", false],
    ["~> 1.9", "1.11.4", true],
    ["~> 1.9", "2.0.0", false],
    ["~> 1.9", "1.8.9", false],
    [">= 1.12.0", "1.12.0-beta1", false],
    ["> 1.12.0-alpha", "1.12.0-beta1", true],
    ["v1.2", "1.2.0", true],
    [">= 1.0", "", false],
    ["nonsense", "1.0.0", false],
  ])("%s allows %s: %s", (constraint, version, allowed) => {
    expect(allowsVersion(constraint, version)).toBe(allowed);
  });

  it("is checked by isVersionConstraint", () => {
    expect(["~> 1.11", ">= 1, < 2", "1.x", "", ">= 1,"].map(isVersionConstraint)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
