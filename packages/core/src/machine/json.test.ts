import { describe, expect, it } from "vitest";
import { findJsonFault, findRoundedFault, parseJsonOr } from "./json.ts";

const nest = (depth: number): unknown => (depth === 0 ? 1 : { a: nest(depth - 1) });
const nestLists = (depth: number): unknown => (depth === 0 ? 1 : [nestLists(depth - 1)]);
const large = "it is larger than 1048576 characters";

describe("findJsonFault", () => {
  it("finds none in plain data", () => {
    const data = { text: "x", number: -1.5, yes: true, none: null, absent: undefined, list: [1, { a: [] }] };

    expect(findJsonFault(data)).toBeUndefined();
    expect(findJsonFault(Object.assign(Object.create(null), data))).toBeUndefined();
  });

  it.each([
    [{ a: [JSON.parse('{"__proto__":1}')] }, 'it contains the key "__proto__"'],
    [{ a: 1n }, "it contains a bigint"],
    [[Symbol("x")], "it contains a symbol"],
    [{ a: () => 1 }, "it contains a function"],
    [{ a: Number.NaN }, "it contains a number that JSON does not support"],
    [[Number.NEGATIVE_INFINITY], "it contains a number that JSON does not support"],
    [{ a: new Date(0) }, "it contains an object that is not plain data"],
    [new Map(), "it contains an object that is not plain data"],
    [nest(65), "it is nested deeper than 64 levels"],
    [nestLists(65), "it is nested deeper than 64 levels"],
  ])("says what is wrong", (value, fault) => {
    expect(findJsonFault(value)).toBe(fault);
  });

  it("allows 64 levels", () => {
    expect(findJsonFault(nest(64))).toBeUndefined();
    expect(findJsonFault(nestLists(64))).toBeUndefined();
  });

  it("finds no end in a value that holds itself", () => {
    const ring: Record<string, unknown> = {};
    ring["ring"] = ring;

    expect(findJsonFault(ring)).toBe("it is nested deeper than 64 levels");
  });

  // Each text, each key and each item costs one more than its length.
  it.each([
    ["a text", "a".repeat(1_048_575), "a".repeat(1_048_576)],
    ["keys", { ["k".repeat(1_048_575)]: 1 }, { ["k".repeat(1_048_576)]: 1 }],
    ["texts together", ["a".repeat(524_286), "a".repeat(524_286)], ["a".repeat(524_286), "a".repeat(524_287)]],
    ["many small items", Array(1_048_576).fill(0), Array(1_048_577).fill(0)],
  ])("allows as much as a message may hold, of %s", (_, fits, exceeds) => {
    expect(findJsonFault(fits)).toBeUndefined();
    expect(findJsonFault(exceeds)).toBe(large);
  });
});

describe("findRoundedFault", () => {
  it.each(["9007199254740993", "-9007199254740992", "3544790567247868102", '{"a": [{"b": 9007199254740993}]}'])(
    "finds a whole number that JSON rounds in %s (temporal/ui#2670, n8n#26925)",
    (text) => {
      expect(findRoundedFault(JSON.parse(text))).toBe(
        "it contains a whole number beyond 9007199254740991, which JSON rounds; send it as text",
      );
    },
  );

  it("finds none in numbers that are kept as they are", () => {
    expect(findRoundedFault([9007199254740991, -9007199254740991, 0.1, 1.5e-300, "9007199254740993"])).toBeUndefined();
  });
});

describe("parseJsonOr", () => {
  const toError = (cause: unknown) => new Error("not JSON", { cause });

  it("returns what a text says, and throws what is made of its fault", () => {
    expect(parseJsonOr("null", toError)).toBeNull();
    expect(() => parseJsonOr("{", toError)).toThrow(
      expect.objectContaining({ message: "not JSON", cause: expect.any(SyntaxError) }),
    );
  });
});
