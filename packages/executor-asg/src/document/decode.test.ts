import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { decode } from "./decode.ts";

const Item = Type.Object({ size: Type.Integer(), note: Type.Optional(Type.String()) });

const Schema = Type.Object({
  name: Type.String({ minLength: 3 }),
  kind: Type.Optional(Type.Enum(["a", "b"])),
  share: Type.Optional(Type.Number()),
  flag: Type.Optional(Type.Boolean()),
  items: Type.Optional(Type.Array(Item)),
  texts: Type.Optional(Type.Record(Type.String(), Type.String())),
  map: Type.Optional(Type.Record(Type.String(), Item)),
  step: Type.Optional(Type.Union([Type.Integer(), Type.String()])),
  at: Type.Optional(Type.String({ format: "date-time" })),
  written: Type.Optional(Type.Integer({ readOnly: true })),
});

describe("decode", () => {
  it("takes over what has the right type, whatever its limits say", () => {
    const document = {
      name: "",
      kind: "c",
      share: 1,
      flag: false,
      items: [{ size: -1 }],
      texts: { a: "b" },
      step: "x",
      map: { one: { size: 1, note: "n" } },
      at: "2026-01-01T00:00:00Z",
    };

    expect(decode(Schema, document, "refused")).toEqual({ value: document, problems: [] });
  });

  it("leaves out null, except as an item", () => {
    const document = { name: null, items: [null, { size: null }], texts: { a: null }, map: { one: null } };

    expect(decode(Schema, document, "refused")).toEqual({
      value: { items: [null, {}], texts: { a: "" }, map: { one: null } },
      problems: [],
    });
  });

  it("looks at what a deployer has written, and leaves it out", () => {
    expect(decode(Schema, { written: 1 }, "refused")).toEqual({ value: {}, problems: [] });
    expect(decode(Schema, { written: "1" }, "refused").problems).toHaveLength(1);
  });

  it("keeps the places of items behind one that it cannot decode", () => {
    const { value, problems } = decode(
      Schema,
      { items: ["x", { size: 2 }], map: { a: [], b: { size: 1 } } },
      "refused",
    );

    expect(value).toEqual({ items: [null, { size: 2 }], map: { a: null, b: { size: 1 } } });
    expect(problems.map(({ pointer }) => pointer)).toEqual(["/items/0", "/map/a"]);
  });

  it("tells in the schema's order, then what is unknown by name", () => {
    const { problems } = decode(Schema, { zeta: 1, flag: 1, alpha: 1, name: 1 }, "refused");

    expect(problems.map(({ message }) => message)).toEqual([
      "/name must be a text, not 1.",
      "/flag must be true or false, not 1.",
      'The release has no key "alpha".',
      'The release has no key "zeta".',
    ]);
  });

  it.each<[unknown, string]>([
    [{ step: 1.5 }, "/step must be a whole number or a text, not 1.5."],
    [{ share: "1" }, '/share must be a number, not "1".'],
    [{ share: Number.NaN }, "/share must be a number, not NaN."],
    [{ items: {} }, "/items must be a list, not an object."],
    [{ texts: [] }, "/texts must be an object, not a list."],
    [{ at: "soon" }, '/at must be a time as RFC 3339 has it, such as 2026-01-02T03:04:05Z, not "soon".'],
    [{ name: Symbol("x") }, "/name must be a text, not a symbol."],
    [{ name: 12n }, "/name must be a text, not 12."],
    [{ "a/b~c": 1 }, 'The release has no key "a/b~c".'],
  ])("says what is wrong: %#", (document, message) => {
    expect(decode(Schema, document, "refused").problems.map((problem) => problem.message)).toEqual([message]);
  });

  it("writes pointers as RFC 6901 has them", () => {
    expect(decode(Schema, { "a/b~c": 1 }, "refused").problems[0]?.pointer).toBe("/a~1b~0c");
  });

  it("passes over unknown keys where these may be there, at every depth", () => {
    const document = { name: "abc", extra: 1, items: [{ size: 1, extra: {} }] };

    expect(decode(Schema, document, "ignored")).toEqual({ value: { name: "abc", items: [{ size: 1 }] }, problems: [] });
  });

  it("takes nothing from a prototype", () => {
    const document = Object.create({ name: "inherited" });

    expect(decode(Schema, document, "refused")).toEqual({ value: {}, problems: [] });
  });
});
