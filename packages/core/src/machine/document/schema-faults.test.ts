import { type TSchema, Type } from "typebox";
import { describe, expect, it } from "vitest";
import { formatFaults, listSchemaFaults } from "./schema-faults.ts";

const closed = { additionalProperties: false };
const Secret = Type.Union([Type.Object({ env: Type.String() }, closed), Type.Object({ file: Type.String() }, closed)], {
  expected: "{ env: NAME } or { file: PATH }",
});
const Host = Type.Union([
  Type.Object({ type: Type.Literal("git"), id: Type.Integer(), secret: Secret }, closed),
  Type.Object({ type: Type.Literal("git"), token: Secret, secret: Secret }, closed),
  Type.Object({ type: Type.Literal("mail"), to: Type.Array(Type.String()) }, closed),
]);
const Hosts = Type.Object({ hosts: Type.Record(Type.String({ pattern: "^[a-z]+$" }), Host, closed) }, closed);

const secret = { env: "A" };
const tell = (schema: TSchema, value: unknown) => formatFaults(listSchemaFaults(schema, value));

describe("faults of a map of unions", () => {
  it.each([
    ["the member with the constant", { a: { type: "mail" } }, ["hosts.a.to is missing."]],
    ["the member that fits best", { a: { type: "git", id: "1", secret } }, ["hosts.a.id must be a whole number."]],
    [
      "a union in a union",
      { a: { type: "git", id: 1, secret: "x" } },
      ["hosts.a.secret must be { env: NAME } or { file: PATH }."],
    ],
    [
      "only the constant where no member has it",
      { a: { type: "gti", secret: "x" } },
      ['hosts.a.type must be "git" or "mail".'],
    ],
    ["a key that is not a valid name", { A: 1 }, ["hosts.A is not a valid name: names match ^[a-z]+$."]],
    [
      "more than eight",
      Object.fromEntries([..."abcdefghij"].map((name) => [name, { type: "mail" }])),
      [..."abcdefghij"].map((name) => `hosts.${name}.to is missing.`),
    ],
    ["a value that fits", { a: { type: "git", id: 1, secret } }, []],
  ])("list %s", (_what, hosts, sentences) => {
    expect(tell(Hosts, { hosts })).toEqual(sentences);
  });
});

describe("faults in words", () => {
  const Length = Type.String({ pattern: "^[0-9]+m$", expected: "a duration such as 30m" });
  const Schema = Type.Object(
    {
      base: Type.String(),
      mode: Type.Optional(Type.Union([Type.Literal("aws"), Type.Literal("local")])),
      size: Type.Optional(Type.Unsafe<string>({ enum: ["small", "large"] })),
      count: Type.Optional(Type.Integer({ minimum: 1 })),
      name: Type.Optional(Type.String({ minLength: 1 })),
      list: Type.Optional(Type.Array(Type.String())),
      server: Type.Optional(Type.Object({ port: Type.Integer() }, closed)),
      either: Type.Optional(Type.Union([Type.String(), Type.Integer()])),
      // Two places whose names begin alike.
      eitherOr: Type.Optional(Type.Integer()),
      for: Type.Optional(Length),
    },
    closed,
  );

  it.each<[string, unknown, string]>([
    ["an invalid choice", { base: "", mode: "locale" }, 'mode must be "aws" or "local".'],
    ["a value that is not in a list", { base: "", size: "huge" }, 'size must be "small" or "large".'],
    ["a missing key", {}, "base is missing."],
    ["a missing key further in", { base: "", server: {} }, "server.port is missing."],
    ["an unknown key", { base: "", colour: 1 }, "colour is not a known key."],
    ["a misspelt key", { base: "", bsae: 1 }, "bsae is not a known key. Did you mean base?"],
    [
      "a misspelt key further in",
      { base: "", server: { port: 1, prot: 1 } },
      "server.prot is not a known key. Did you mean server.port?",
    ],
    ["a number that is not whole", { base: "", count: 1.5 }, "count must be a whole number."],
    ["a value instead of a list", { base: "", list: "x" }, "list must be a list."],
    ["a value instead of a map", { base: "", server: 1 }, "server must be a map."],
    ["a value instead of text", { base: 1 }, "base must be text."],
    ["an empty text", { base: "", name: "" }, "name must not be empty."],
    ["a limit", { base: "", count: 0 }, "count must be >= 1."],
    ["what may be this or that", { base: "", either: true }, "either must be text or a whole number."],
    ["what a pattern expects", { base: "", for: "often" }, "for must be a duration such as 30m."],
    ["a value instead of the whole map", 1, "It must be a map."],
  ])("name %s", (_what, value, sentence) => {
    expect(tell(Schema, value)).toEqual([sentence]);
  });

  it("name each place of its own", () => {
    expect(tell(Schema, { base: "", either: true, eitherOr: "x" })).toEqual([
      "either must be text or a whole number.",
      "eitherOr must be a whole number.",
    ]);
  });
});

it("names a constant once, whatever the type of the value", () => {
  const Schema = Type.Object({ version: Type.Literal(1), mode: Type.Union([Type.Literal("a"), Type.Integer()]) });

  expect(tell(Schema, { version: "0.0.0", mode: true })).toEqual([
    "version must be 1.",
    'mode must be "a" or a whole number.',
  ]);
});

describe("faults against schemas that were written by hand", () => {
  it.each<[string, object, unknown, string]>([
    ["a key that is forbidden", { type: "object", properties: { x: false } }, { x: 1 }, "x is not allowed."],
    ["a value that is forbidden", { not: { type: "string" } }, "x", "It is not allowed."],
    ["a schema that nothing fits", { not: {} }, 1, "It is not allowed."],
    ["a union that nothing fits", { anyOf: [false] }, 1, "It is not allowed."],
    ["several types", { type: ["string", "null"] }, 1, "It must be text or null."],
    [
      "a forbidden key next to an unknown one",
      { type: "object", properties: { x: false }, additionalProperties: false },
      { x: 1, y: 2 },
      "y is not a known key. x is not allowed.",
    ],
  ])("are never left out: %s", (_what, schema, value, sentences) => {
    expect(tell(schema as TSchema, value).join(" ")).toBe(sentences);
  });
});
