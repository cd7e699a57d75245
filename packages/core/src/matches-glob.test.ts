import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesGlob } from "./matches-glob.ts";

describe("matchesGlob", () => {
  it.each([
    ["aws_db_instance.*", "aws_db_instance.main", true],
    ["aws_db_instance.*", "module.a.aws_db_instance.main", false],
    ["*.aws_db_instance.*", "module.a.aws_db_instance.main[0]", true],
    ['a.b["x.*"]', 'a.b["x.1"]', true],
    ["a.b", "a.b", true],
    ["a.b", "axb", false],
    ["a*a", "a", false],
    ["*", "", true],
    ["", "", true],
    ["", "a", false],
    ["a**b", "a1b", true],
    ["*ab*ab*", "abab", true],
    ["*ab*ab*", "aab", false],
  ])("%j fits %j: %s", (pattern, text, fits) => {
    expect(matchesGlob(pattern, text)).toBe(fits);
  });

  it("fits what a regular expression fits", () => {
    const part = fc.string({ unit: fc.constantFrom("a", "b", "*") });
    fc.assert(
      fc.property(part, fc.string({ unit: fc.constantFrom("a", "b") }), (pattern, text) => {
        expect(matchesGlob(pattern, text)).toBe(new RegExp(`^${pattern.replaceAll(/\*+/g, ".*")}$`).test(text));
      }),
    );
  });
});
