import { Type } from "typebox";
import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { formatFaults } from "./check-args.ts";

const Schema = Type.Object(
  {
    base: Type.String(),
    mode: Type.Optional(Type.Union([Type.Literal("aws"), Type.Literal("local")])),
    count: Type.Optional(Type.Integer({ minimum: 1 })),
    list: Type.Optional(Type.Array(Type.String())),
    server: Type.Optional(Type.Object({ port: Type.Integer() })),
    either: Type.Optional(Type.Union([Type.String(), Type.Integer()])),
  },
  { additionalProperties: false },
);
const tell = (value: unknown) => formatFaults(Value.Errors(Schema, value));

describe("formatFaults", () => {
  it.each<[string, unknown, string]>([
    ["an invalid choice", { base: "", mode: "locale" }, 'mode must be "aws" or "local".'],
    ["a missing key", {}, "base is missing."],
    ["a missing key further in", { base: "", server: {} }, "server.port is missing."],
    ["an unknown key", { base: "", bsae: 1 }, "bsae is not a known key."],
    ["a number that is not whole", { base: "", count: 1.5 }, "count must be a whole number."],
    ["a value instead of a list", { base: "", list: "x" }, "list must be a list."],
    ["a value instead of a map", { base: "", server: 1 }, "server must be a map."],
    ["a value instead of text", { base: 1 }, "base must be text."],
    ["a limit", { base: "", count: 0 }, "count must be >= 1."],
    ["what may be this or that", { base: "", either: true }, "either must be text or a whole number."],
    ["a value instead of the whole map", 1, "It must be a map."],
  ])("reports %s", (_what, value, told) => {
    expect(tell(value)).toEqual([told]);
  });
});
