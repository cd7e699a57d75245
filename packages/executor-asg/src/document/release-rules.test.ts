import { type TSchema, Type } from "typebox";
import { describe, expect, it } from "vitest";
import { checkBounds } from "./release-rules.ts";

const faultsOf = (schema: TSchema, value: unknown) =>
  Array.from(checkBounds(schema, value, "/x"), ({ code, pointer, message }) => [code, pointer, message]);

const Pair = Type.Object({ a: Type.Integer(), b: Type.Optional(Type.String()) });

describe("checkBounds", () => {
  it.each<[TSchema, unknown]>([
    [Type.Integer({ minimum: 1, maximum: 3 }), 1],
    [Type.Integer({ minimum: 1, maximum: 3 }), 3],
    [Type.Number({ exclusiveMinimum: 0 }), 0.001],
    [Type.String({ minLength: 1, maxLength: 2 }), "ab"],
    [Type.String({ pattern: "^a+$" }), "aa"],
    [Type.Enum(["a", "b"]), "b"],
    [Type.Array(Type.String(), { uniqueItems: true, minItems: 1, maxItems: 2 }), ["a", "b"]],
    [Type.Record(Type.String(), Type.Integer(), { maxProperties: 1 }), { a: 1 }],
    [Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: "%$" })]), "5%"],
    [Pair, { a: 1 }],
    [Type.Boolean(), false],
    [Type.Unknown(), Symbol("anything")],
  ])("finds nothing in what %j allows: %s", (schema, value) => {
    expect(faultsOf(schema, value)).toEqual([]);
  });

  it.each<[TSchema, unknown, readonly [string, string, string]]>([
    [Type.String(), null, ["release-item-null", "/x", "/x is null. Set a value, or remove it."]],
    [
      Type.Integer({ minimum: 1, maximum: 3 }),
      4,
      ["release-out-of-range", "/x", "/x is 4; it must be at least 1 and at most 3."],
    ],
    [Type.Integer({ minimum: 1 }), 0, ["release-out-of-range", "/x", "/x is 0; it must be at least 1."]],
    [Type.Number({ exclusiveMinimum: 0 }), 0, ["release-out-of-range", "/x", "/x is 0; it must be above 0."]],
    [Type.String({ minLength: 1 }), "", ["release-text-empty", "/x", "/x is empty. Set a value, or remove it."]],
    [Type.String({ maxLength: 2 }), "abc", ["release-text-too-long", "/x", "/x has 3 characters; the limit is 2."]],
    [Type.String({ pattern: "^a+$" }), "b", ["release-text-unknown", "/x", '/x is "b"; it must match ^a+$.']],
    [Type.Enum(["a", "b"]), "c", ["release-value-unknown", "/x", '/x is "c"; it must be one of "a", "b".']],
    [
      Type.Array(Type.String(), { minItems: 1, maxItems: 2 }),
      [],
      ["release-list-length", "/x", "/x has 0 items; 1 to 2 are allowed."],
    ],
    [
      Type.Array(Type.String(), { uniqueItems: true }),
      ["a", "b", "a"],
      ["release-item-duplicate", "/x/2", '/x/2 repeats "a". Remove it.'],
    ],
    [
      Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
      { "a/b": -1 },
      ["release-out-of-range", "/x/a~1b", "/x/a~1b is -1; it must be at least 0."],
    ],
    [
      Type.Record(Type.String(), Type.Integer(), { maxProperties: 1 }),
      { a: 1, b: 2 },
      ["release-map-size", "/x", "/x has 2 members; 0 to 1 are allowed."],
    ],
    [
      Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: "%$" })]),
      0,
      ["release-out-of-range", "/x", "/x is 0; it must be at least 1."],
    ],
    [
      Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: "%$" })]),
      "5",
      ["release-text-unknown", "/x", '/x is "5"; it must match %$.'],
    ],
    [Pair, { b: "c" }, ["release-member-missing", "/x/a", "/x/a is required."]],
  ])("finds what breaks %j: %j", (schema, value, fault) => {
    expect(faultsOf(schema, value)).toEqual([fault]);
  });

  it("takes a thousand items where no limit is named", () => {
    const list = (length: number) => Array.from({ length }, () => "a");

    expect(faultsOf(Type.Array(Type.String()), list(1000))).toEqual([]);
    expect(faultsOf(Type.Array(Type.String()), list(1001))).toHaveLength(1);
  });
});
