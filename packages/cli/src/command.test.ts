import { Type } from "typebox";
import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { createCommand, tellFaults } from "./command.ts";

const digits = { pattern: "^[0-9]{3}$", expected: "3 digits, such as 123" };
const command = createCommand(
  {
    name: "try",
    summary: "Try.",
    examples: [],
    positionals: ["name"],
    args: Type.Object({
      name: Type.String(digits),
      count: Type.Optional(Type.String(digits)),
      many: Type.Optional(Type.Array(Type.String({ pattern: "^[0-9]{3}$" }), { expected: "numbers of 3 digits" })),
      raw: Type.Optional(Type.String({ pattern: "^x$" })),
    }),
  },
  () => 0,
);
const run = async (args: object) => command.run({} as never, { name: "123", ...args });

describe("arguments that do not fit their pattern", () => {
  it.each([
    ["a word", { name: "1" }, "NAME must be 3 digits, such as 123."],
    ["a flag", { count: "x" }, "--count must be 3 digits, such as 123."],
    ["one of many", { many: ["123", "x"] }, "--many must be numbers of 3 digits."],
    ["what gives no words", { raw: "y" }, '--raw must match pattern "^x$".'],
    ["what fails otherwise", { count: 1 }, "--count must be text."],
  ])("are told in words: %s", async (_what, args, message) => {
    await expect(run(args)).rejects.toMatchObject({ code: "USAGE", message });
  });

  it("does not mind what fits", async () => {
    expect(await run({ count: "456" })).toBe(0);
  });
});

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
const tell = (value: unknown) => tellFaults(Value.Errors(Schema, value));

describe("tellFaults", () => {
  it.each<[string, unknown, string]>([
    ["a value that is none of the choices", { base: "", mode: "locale" }, 'mode must be "aws" or "local".'],
    ["a missing key", {}, "base is missing."],
    ["a missing key further in", { base: "", server: {} }, "server.port is missing."],
    ["an unknown key", { base: "", bsae: 1 }, "bsae is no known key."],
    ["a number that is not whole", { base: "", count: 1.5 }, "count must be a whole number."],
    ["what is no list", { base: "", list: "x" }, "list must be a list."],
    ["what is no map", { base: "", server: 1 }, "server must be a map."],
    ["what is no text", { base: 1 }, "base must be text."],
    ["a limit", { base: "", count: 0 }, "count must be >= 1."],
    ["what may be this or that", { base: "", either: true }, "either must be text or a whole number."],
    ["what is no map at all", 1, "It must be a map."],
  ])("tells %s", (_what, value, told) => {
    expect(tell(value)).toEqual([told]);
  });
});
