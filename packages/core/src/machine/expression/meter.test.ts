import { describe, expect, it } from "vitest";
import { checkListLength, createMeter, createPatternSearch, toTextSteps } from "./meter.ts";

describe("a meter", () => {
  it("lets a hundred thousand steps pass and no more", () => {
    const meter = createMeter();

    meter.charge(99_999);
    meter.charge(1);

    expect(() => meter.charge(1)).toThrow("it takes more than 100000 steps");
  });

  it("does not accept NaN for free", () => {
    expect(() => createMeter().charge(Number.NaN)).toThrow("steps");
  });

  it.each([
    ["a number", 1, 1],
    ["null", null, 1],
    ["an instant", new Date(0), 1],
    ["short text", "a".repeat(31), 1],
    ["long text", "a".repeat(3200), 101],
    ["bytes", new Uint8Array(3200), 101],
    ["a list", [1, [2, 3]], 5],
    ["a map", new Map([["a", 1]]), 3],
    ["an object", { a: { b: 1 } }, 5],
  ])("charges %s by its size", (_, value, steps) => {
    const meter = createMeter();

    meter.chargeValue(value);

    meter.charge(100_000 - steps);
    expect(() => meter.charge(1)).toThrow("steps");
  });

  it("bounds the characters of all results together", () => {
    const meter = createMeter();

    meter.chargeResult(["a".repeat(200_000), { key: "b" }]);

    expect(() => meter.chargeResult("a".repeat(62_144))).toThrow("the result has more than 262144 characters");
  });

  it("bounds each text and list", () => {
    expect(toTextSteps(262_144)).toBe(8192);
    expect(() => toTextSteps(262_145)).toThrow("it makes a text of more than 262144 characters");
    expect(() => checkListLength(10_000)).not.toThrow();
    expect(() => checkListLength(10_001)).toThrow("it makes a list of more than 10000 entries");
  });
});

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
    expect(() => search("a", pattern)).toThrow("matches() needs a regular expression that RE2 supports");
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
