import { type TObject, Type } from "typebox";
import { describe, expect, it } from "vitest";
import { type Command, checkArgs, defineCommand, listPositionals, withContext } from "./command.ts";

const command = defineCommand({
  name: "show file",
  summary: "Show a file.",
  args: Type.Object({
    file: Type.String({ minLength: 2 }),
    role: Type.String(),
    count: Type.Optional(Type.Integer({ minimum: 1 })),
    tags: Type.Optional(Type.Array(Type.String())),
  }),
  run: ({ seen }: { readonly seen: unknown[] }, { file, count = 1 }) => seen.push(file, count),
});

describe("checkArgs", () => {
  it.each([
    ["what is missing, at once", {}, "FILE is missing. ROLE is missing."],
    ["what is too short", { file: "a", role: "web" }, "FILE must not have fewer than 2 characters."],
    [
      "each argument that does not fit, after what is missing",
      { file: 7, count: 0 },
      "ROLE is missing. FILE must be text. --count must be >= 1.",
    ],
    ["what is there without a value", { file: "a.json", role: undefined }, "ROLE must be text."],
    ["a part of an argument", { file: "a.json", role: "web", tags: ["x", 1] }, "--tags must be text."],
    ["what no argument is for", { file: "a.json", role: "web", maxSize: 1 }, "--max-size is not a known key."],
  ])("rejects %s", (_what, given, message) => {
    expect(() => checkArgs(command, given)).toThrow(expect.objectContaining({ code: "USAGE", message }));
  });

  it("takes a plain JSON Schema, as a plugin in JavaScript may have it", () => {
    const properties = { file: { type: "string" }, role: { type: "string" } };
    const args = JSON.parse(JSON.stringify({ type: "object", properties, required: ["file"] })) as TObject;

    expect(listPositionals({ args })).toEqual(["file"]);
    expect(listPositionals({ args: { ...args, properties: { file: true } } as unknown as TObject })).toEqual([]);
    expect(checkArgs({ args }, { file: "a.json" })).toEqual({ file: "a.json" });
    expect(() => checkArgs({ args }, { other: 1 })).toThrow("FILE is missing. --other is not a known key.");
  });

  it("lists every fault, however many there are", () => {
    const names = Array.from({ length: 20 }, (_, at) => `arg${at}`);
    const args = Type.Object(Object.fromEntries(names.map((name) => [name, Type.String()])));
    const given = Object.fromEntries(names.map((name) => [name, 1]));

    expect(() => checkArgs({ args }, given)).toThrow(
      expect.objectContaining({ message: names.map((name) => `${name.toUpperCase()} must be text.`).join(" ") }),
    );
  });

  it("returns what matches", () => {
    const given = { file: "a.json", role: "web", count: 2 };

    expect(checkArgs(command, given)).toEqual(given);
  });
});

describe("arguments that do not fit their pattern", () => {
  const digits = { pattern: "^[0-9]{3}$", expected: "3 digits, such as 123" };
  const args = Type.Object({
    name: Type.String(digits),
    count: Type.Optional(Type.String(digits)),
    many: Type.Optional(Type.Array(Type.String({ pattern: "^[0-9]{3}$", expected: "3 digits" }))),
    key: Type.String({ pattern: "^k?$", expected: "k" }),
    raw: Type.Optional(Type.String({ pattern: "^x$" })),
  });
  const check = (given: object) => checkArgs({ args, positionals: ["name"] }, { name: "123", key: "", ...given });

  it.each([
    ["a word", { name: "1" }, "NAME must be 3 digits, such as 123."],
    ["a flag", { count: "x" }, "--count must be 3 digits, such as 123."],
    ["one of many", { many: ["123", "x"] }, "--many must be 3 digits."],
    ["a required flag", { key: "x" }, "--key must be k."],
    ["a pattern without `expected`", { raw: "y" }, '--raw must match pattern "^x$".'],
    ["what fails otherwise", { count: 1 }, "--count must be text."],
  ])("are described in words: %s", (_what, given, message) => {
    expect(() => check(given)).toThrow(expect.objectContaining({ code: "USAGE", message }));
  });

  it("accepts what matches", () => {
    expect(check({ count: "456" })).toMatchObject({ count: "456" });
  });
});

it("takes required strings as arguments without a flag, unless a command names others", () => {
  expect(listPositionals(command)).toEqual(["file", "role"]);
  expect(listPositionals({ ...command, positionals: ["tags"] })).toEqual(["tags"]);
});

it("runs a command with the context that is made of another", () => {
  const lists: unknown[][] = [];
  const seen: unknown[] = [];
  const over: Command<unknown[]> = withContext(command, (given) => {
    lists.push(given);
    return { seen: given };
  });

  const exitCode = over.run(seen, checkArgs(over, { file: "a.json", role: "web" }));

  expect([exitCode, seen, lists.length]).toEqual([2, ["a.json", 1], 1]);
  expect(over).toEqual({ ...command, run: expect.any(Function) });
});
