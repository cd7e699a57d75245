import fc from "fast-check";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { decode, hintAt, parseInstant, scanJson } from "./decode.ts";

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

  it("checks what a deployer has written, and leaves it out", () => {
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

  it("reports problems in the schema's order, then unknown keys by name", () => {
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

  it("ignores unknown keys where they are allowed, at every depth", () => {
    const document = { name: "abc", extra: 1, items: [{ size: 1, extra: {} }] };

    expect(decode(Schema, document, "ignored")).toEqual({ value: { name: "abc", items: [{ size: 1 }] }, problems: [] });
  });

  it("takes nothing from a prototype", () => {
    const document = Object.create({ name: "inherited" });

    expect(decode(Schema, document, "refused")).toEqual({ value: {}, problems: [] });
  });
});

describe("scanJson", () => {
  it.each([
    ['{"a": 1, "a": 2}', ["/a"]],
    ['{"a": {"a": 1}, "b": {"a": 1}}', []],
    ['[{"a": 1}, {"a": 1}]', []],
    ['{"list": [1, [2, {"x": [], "x": {}}]], "list": 3}', ["/list/1/1/x", "/list"]],
    ['{"a": "\\"a\\":1", "b": "{,"}', []],
    ['{"\\u0061": 1, "a": 1}', ["/a"]],
    ['{"a~/b": 1, "a~/b": 1}', ["/a~0~1b"]],
    ['{"__proto__": 1, "__proto__": 2}', ["/__proto__"]],
  ])("finds the names that %s has twice", (text, duplicates) => {
    expect(scanJson(text, 10)).toEqual({ tooDeep: false, duplicates });
  });

  it("counts levels", () => {
    expect(scanJson("[[[]]]", 3).tooDeep).toBe(false);
    expect(scanJson("[[[[]]]]", 3).tooDeep).toBe(true);
    expect(scanJson('[{"a": [], "b": []}, {"c": "[[[["}]', 3).tooDeep).toBe(false);
  });

  it("reports at most twenty", () => {
    expect(scanJson(`{${'"a":1,'.repeat(50)}"b":1}`, 3).duplicates).toHaveLength(20);
  });

  it("finds none in what was written from a value, however deep", () => {
    fc.assert(fc.property(fc.json(), (text) => scanJson(text, 100).duplicates.length === 0));
  });

  it("goes once through a text that does not end", () => {
    const began = performance.now();

    expect(scanJson(`{"a": "${'\\"'.repeat(100_000)}`, 5).tooDeep).toBe(false);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it("finishes on any text", () => {
    const soup = fc.string({ unit: fc.constantFrom("{", "}", "[", "]", '"', ":", ",", "\\", "a", "1") });

    fc.assert(fc.property(soup, (text) => Array.isArray(scanJson(text, 5).duplicates)));
  });
});

const KNOWN = ["ami", "timeout", "services", "spot_price", "elbs"];

describe("hintAt", () => {
  it.each([
    ["Timeout", "timeout"],
    ["time-out", "timeout"],
    ["spotPrice", "spot_price"],
    ["timout", "timeout"],
    ["timeoutt", "timeout"],
    ["timeoot", "timeout"],
    ["tiemout", "timeout"],
    ["elb", ""],
    ["elbss", "elbs"],
    ["AMI", "ami"],
    ["amis", ""],
    ["colour", ""],
    ["", ""],
    ["t".repeat(100_000), ""],
  ])("has for %.20s: %s", (key, known) => {
    expect(hintAt(key, KNOWN)).toBe(known === "" ? "" : ` Do you mean "${known}"?`);
  });

  it("knows what people bring along from elsewhere", () => {
    expect(hintAt("warm_pool", KNOWN)).toBe(" Warm pools are not supported.");
    expect(hintAt("user_data_kms_key", KNOWN)).toBe(" User data is encrypted with the key of the bucket.");
  });
});

describe("parseInstant", () => {
  it.each([
    ["1970-01-01T00:00:00Z", 0],
    ["2026-03-04T05:06:07Z", Date.UTC(2026, 2, 4, 5, 6, 7)],
    ["2026-03-04T05:06:07.25Z", Date.UTC(2026, 2, 4, 5, 6, 7, 250)],
    ["2026-03-04T05:06:07.123456789Z", Date.UTC(2026, 2, 4, 5, 6, 7, 123)],
    ["2026-03-04T05:06:07+02:30", Date.UTC(2026, 2, 4, 2, 36, 7)],
    ["2026-03-04T22:06:07-08:00", Date.UTC(2026, 2, 5, 6, 6, 7)],
    ["2024-02-29T00:00:00Z", Date.UTC(2024, 1, 29)],
    ["0000-01-01T00:00:00Z", -62_167_219_200_000],
  ])("reads %s", (text, at) => {
    expect(parseInstant(text)).toBe(at);
  });

  it.each([
    "",
    "2026-03-04",
    "2026-03-04T05:06Z",
    "2026-03-04T05:06:07",
    "2026-03-04 05:06:07Z",
    "2026-03-04t05:06:07z",
    "2026-13-04T05:06:07Z",
    "2026-00-04T05:06:07Z",
    "2026-02-29T05:06:07Z",
    "2026-04-31T05:06:07Z",
    "2026-03-00T05:06:07Z",
    "2026-03-04T24:00:00Z",
    "2026-03-04T05:60:00Z",
    "2026-03-04T05:06:60Z",
    "2026-03-04T05:06:07.Z",
    "2026-03-04T05:06:07+0200",
    "2026-03-04T05:06:07+24:00",
    "2026-03-04T05:06:07+02:60",
    "26-03-04T05:06:07Z",
    " 2026-03-04T05:06:07Z",
  ])("reads no time from %j", (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  it("reads every time that a Date writes", () => {
    const dates = fc.date({
      min: new Date("0000-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59Z"),
      noInvalidDate: true,
    });

    fc.assert(fc.property(dates, (date) => parseInstant(date.toISOString()) === date.getTime()));
  });
});
