import { describe, expect, it } from "vitest";
import { createMeter } from "./meter.ts";
import { createPatternSearch } from "./pattern-search.ts";

const search = (text: string, pattern: string) => createPatternSearch(createMeter())(text, pattern);

describe("matches()", () => {
  it.each([
    ["abc", "b", true],
    ["abc", "^b", false],
    ["shop:1.2", "^[a-z]+:[0-9.]+$", true],
    ["ÄB", "(?i)äb", true],
    ["a\nb", "a.b", false],
    ["", "", true],
    ["x{2}", "x\\{2\\}", true],
    ["release-20241231", "^release-20241231$", true],
    ["x{20241231}", "^x\\{20241231\\}$", true],
  ])("looks in %j for %s", (text, pattern, found) => {
    expect(search(text, pattern)).toBe(found);
  });

  it.each(["(", "a{1001}", "(?=a)", "(a)\\1", "[z-a]"])("refuses %s, which RE2 has not", (pattern) => {
    expect(() => search("a", pattern)).toThrow("matches() got no regular expression that RE2 knows");
  });

  it("charges for counts that are written out, before it compiles them", () => {
    expect(() => search("a", "(a{300}\\\\{300}){3}b{999}ccccccccccccccccccccccccccccccccccccccccccccccccccc")).toThrow(
      "steps",
    );
  });

  it("compiles a pattern once an evaluation", () => {
    const matches = createPatternSearch(createMeter());

    for (let round = 0; round < 500; round++) expect(matches("a", "^[a-z]{1,30}$")).toBe(true);
  });
});
