import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRawNumber, parseExactJson, parseRawJson } from "./exact-json.ts";

describe("parseExactJson", () => {
  it.each([
    ["9007199254740991", 9007199254740991],
    ["-9007199254740991", -9007199254740991],
    // [terragrunt#3514] An id of 18 digits must not lose its last ones.
    ["111111111111111111", "111111111111111111"],
    ["12345678901234567890", "12345678901234567890"],
    ["-9007199254740993", "-9007199254740993"],
    ["9007199254740993.5", "9007199254740993.5"],
    ["1e400", "1e400"],
    ["1E+21", "1E+21"],
    ["0.33333333333333333333333333333", 1 / 3],
    ["1e-7", 1e-7],
    ["123456789012", 123456789012],
    ['"9007199254740993"', "9007199254740993"],
    ['[{"a":9007199254740993}]', [{ a: "9007199254740993" }]],
    ["{", undefined],
    ["", undefined],
  ])("reads %s as %j", (text, value) => {
    expect(parseExactJson(text)).toEqual(value);
  });

  it("reads everything else as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        if (/\d{16}|\de/i.test(text)) return;
        expect(parseExactJson(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 50 },
    );
  });

  it("keeps a key that is the name of a built-in", () => {
    expect(Object.keys(parseExactJson('{"__proto__":1,"a":9007199254740993}') as object)).toEqual(["__proto__", "a"]);
  });
});

describe("parseRawJson", () => {
  it("keeps large numbers as numbers when they are written again", () => {
    const text = '{"ids":[9007199254740993,1],"exp":1e400,"pi":3.14}';

    expect(JSON.stringify(parseRawJson(text))).toBe(text);
    expect(isRawNumber(parseRawJson("9007199254740993"))).toBe(true);
    expect([1, "1", null, {}].some(isRawNumber)).toBe(false);
  });
});
