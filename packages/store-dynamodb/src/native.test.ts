import { describe, expect, it } from "vitest";
import { fromNative, isNative, toNative } from "./stack-item.ts";

describe("toNative", () => {
  it("writes values as the predecessor's document client does", () => {
    expect(toNative({ a: "x", n: 1, no: false, none: null, list: [{ b: "" }], absent: undefined })).toEqual({
      M: {
        a: { S: "x" },
        n: { N: "1" },
        no: { BOOL: false },
        none: { NULL: true },
        list: { L: [{ M: { b: { S: "" } } }] },
      },
    });
  });

  it("is turned round by fromNative", () => {
    const value = { a: "x", n: 1.25, no: false, none: null, list: [{ b: "" }, []] };

    expect(fromNative(toNative(value))).toEqual(value);
    expect(fromNative({ SS: ["a"] })).toBeUndefined();
    expect(fromNative(undefined)).toBeUndefined();
  });
});

// Ranges by https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
describe("isNative", () => {
  it.each([
    ["a", ""],
    ["a", 0],
    ["a", -1.5],
    ["a", 1e125],
    ["né ✓", null],
  ])("holds for what DynamoDB gives back as it was: %s, %s", (name, value) => {
    expect(isNative(name, value)).toBe(true);
  });

  it.each([
    ["", "x"],
    ["\ud800", "x"],
    ["a", "\udfff"],
    ["a", 1e126],
    ["a", 1e-131],
    ["a", -0],
  ])("does not hold for what it cannot: %j, %j", (name, value) => {
    expect(isNative(name, value)).toBe(false);
  });
});
