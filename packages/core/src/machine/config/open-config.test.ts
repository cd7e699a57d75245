import { type TSchema, Type } from "typebox";
import { Check } from "typebox/value";
import { describe, expect, it } from "vitest";
import { type Opening, relaxSchema } from "./open-config.ts";

const closed = { additionalProperties: false };

/** An opening at each of these paths. */
function at(...paths: readonly string[]): Opening {
  const byKey = new Map<string, string[]>();
  for (const path of paths) {
    const [key = "", ...rest] = path.split("/");
    byKey.set(key, [...(byKey.get(key) ?? []), rest.join("/")]);
  }
  return new Map([...byKey].map(([key, rest]) => [key, rest.includes("") ? "here" : at(...rest)]));
}

const accepts = (schema: TSchema, opening: Opening, value: unknown) => Check(relaxSchema(schema, opening), value);

describe("relaxSchema", () => {
  const schema = Type.Object({ a: Type.Integer(), b: Type.Object({ c: Type.Literal("x") }, closed) }, closed);

  it("takes anything at an opening and asks of the rest what it did", () => {
    expect(accepts(schema, at("b/c"), { a: 1, b: { c: {} } })).toBe(true);
    expect(accepts(schema, at("b/c"), { a: "1", b: { c: {} } })).toBe(false);
    expect(accepts(schema, at("b/c"), { a: 1, b: { c: 1, d: 1 } })).toBe(false);
    expect(accepts(schema, at("b/c"), { a: 1, b: {} })).toBe(false);
    expect(accepts(schema, at("a"), { a: [], b: { c: "y" } })).toBe(false);
    expect(accepts(schema, "here", 3)).toBe(true);
  });

  it("refuses unknown keys, also with an opening in them", () => {
    expect(accepts(schema, at("d"), { a: 1, b: { c: "x" }, d: 1 })).toBe(false);
  });

  it.each<[string, TSchema, unknown]>([
    ["records", Type.Record(Type.String(), Type.Number()), { k: "o" }],
    ["records of keys", Type.Record(Type.String({ pattern: "^k" }), Type.Number(), closed), { k: "o" }],
    ["additional properties", Type.Object({}, { additionalProperties: Type.Number() }), { k: "o" }],
    ["unions", Type.Object({ k: Type.Union([Type.Number(), Type.Null()]) }), { k: "o" }],
    [
      "unions of maps",
      Type.Union([Type.Object({ k: Type.Number() }, closed), Type.Object({ z: Type.Number() })]),
      { k: "o" },
    ],
    [
      "intersections",
      Type.Intersect([Type.Object({ k: Type.Number() }), Type.Object({ k: Type.Integer() })]),
      { k: "o" },
    ],
    ["conditions", { if: { required: ["z"] }, else: { properties: { k: { type: "number" } } } }, { k: "o" }],
    ["exclusions", { not: { properties: { k: { type: "string" } }, required: ["k"] } }, { k: "o" }],
    ["references", { $defs: { K: { properties: { k: { type: "number" } } } }, $ref: "#/$defs/K" }, { k: "o" }],
    ["alternatives", { oneOf: [{ properties: { k: { const: 1 } } }, { properties: { k: { const: 2 } } }] }, { k: "o" }],
    ["constants", { const: { k: 1 } }, { k: "o" }],
  ])("opens %s", (_, given, value) => {
    expect(Check(given, value)).toBe(false);
    expect(accepts(given, at("k"), value)).toBe(true);
  });

  it("opens lists and tuples", () => {
    const list = Type.Object({ l: Type.Array(Type.Number(), { uniqueItems: true }) });
    const tuple = Type.Object({ l: Type.Tuple([Type.Number(), Type.Boolean()]) });

    expect(accepts(list, at("l/1"), { l: [1, "o"] })).toBe(true);
    expect(accepts(tuple, at("l/1"), { l: [1, "o"] })).toBe(true);
    expect(accepts(tuple, at("l/1"), { l: ["1", "o"] })).toBe(false);
  });

  it("keeps a schema that takes nothing", () => {
    expect(accepts({ properties: { k: false } }, at("k/l"), { k: { l: 1 } })).toBe(false);
  });
});
