import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeThrown, describeValue } from "./stackyard-error.ts";

const throwing = {
  toString(): string {
    throw new Error("no text");
  },
};

describe("a value in words", () => {
  it.each([
    [5, "5"],
    [undefined, "undefined"],
    [Symbol("mark"), "Symbol(mark)"],
    [Object.create(null), "a value without a text (object)"],
    [{ toString: 0 }, "a value without a text (object)"],
    [throwing, "a value without a text (object)"],
  ])("is a text, case %#", (value, text) => {
    expect(describeValue(value)).toBe(text);
  });

  it("is a text whatever it is", () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (value) => typeof describeValue(value) === "string"),
    );
  });
});

describe("what was thrown", () => {
  it("is an error's message", () => {
    expect(describeThrown(new TypeError("it broke"))).toBe("it broke");
  });

  it("is a text also for values that are not errors", () => {
    expect([describeThrown("it broke"), describeThrown(Object.create(null))]).toEqual([
      "it broke",
      "a value without a text (object)",
    ]);
  });
});
