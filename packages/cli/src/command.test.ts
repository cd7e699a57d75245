import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { createCommand } from "./command.ts";

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
      many: Type.Optional(Type.Array(Type.String({ pattern: "^[0-9]{3}$", expected: "3 digits" }))),
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
    ["one of many", { many: ["123", "x"] }, "--many must be 3 digits."],
    ["what gives no words", { raw: "y" }, '--raw must match pattern "^x$".'],
    ["what fails otherwise", { count: 1 }, "--count must be text."],
  ])("are described in words: %s", async (_what, args, message) => {
    await expect(run(args)).rejects.toMatchObject({ code: "USAGE", message });
  });

  it("does not mind what fits", async () => {
    expect(await run({ count: "456" })).toBe(0);
  });
});
