import type { CommandOutput, PluginCommandContext } from "@stackyard/core";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { createCommand } from "./create-command.ts";

const out: CommandOutput = { result: () => undefined, progress: () => undefined, note: () => undefined };
const context: PluginCommandContext = {
  out,
  cwd: "/here",
  projectDir: "/",
  dataDir: "/",
  environment: {},
  yards: {},
  server: { url: "http://yard.test" },
  signal: new AbortController().signal,
};
const args = Type.Object({
  file: Type.String({ minLength: 2 }),
  role: Type.String(),
  count: Type.Optional(Type.Integer({ minimum: 1 })),
  tags: Type.Optional(Type.Array(Type.String())),
});
const facts = { name: "show file", summary: "Show a file.", args };

describe("createCommand", () => {
  it("hands what is opened and the arguments to the command, and gives its exit code", async () => {
    const seen: unknown[] = [];
    const command = createCommand(
      {
        ...facts,
        async run(given, { file, count = 1 }) {
          seen.push(given, file, count);
          return 2;
        },
      },
      ({ cwd }) => ({ cwd, extra: "opened" }),
    );

    const exitCode = await command.run(context, { file: "a.json", role: "web" });

    expect([exitCode, seen]).toEqual([2, [{ cwd: "/here", extra: "opened" }, "a.json", 1]]);
  });

  it("keeps what people are shown", () => {
    const run = async () => 0;
    const examples = [{ command: "stackyard show file a.json", what: "One" }];

    const command = createCommand({ ...facts, description: "More.", examples, run }, () => undefined);

    expect(command).toEqual({ ...facts, description: "More.", examples, run: expect.any(Function) });
  });

  it.each([
    ["what is missing, at once", {}, " must have required properties file, role"],
    ["what is too short", { file: "a", role: "web" }, "/file must not have fewer than 2 characters"],
    [
      "each argument that does not fit, after what is missing",
      { file: 7, count: 0 },
      " must have required properties role; /file must be string; /count must be >= 1",
    ],
    ["what is there without a value", { file: "a.json", role: undefined }, "/role must be string"],
    ["a part of an argument", { file: "a.json", role: "web", tags: ["x", 1] }, "/tags/1 must be string"],
  ])("refuses %s", async (_what, given, message) => {
    const command = createCommand({ ...facts, run: async () => 0 }, () => {
      throw new Error("Nothing is opened.");
    });

    await expect(command.run(context, given)).rejects.toMatchObject({ code: "USAGE", message });
  });

  it("lists every fault, however many there are", async () => {
    const names = Array.from({ length: 20 }, (_, at) => `arg${at}`);
    const many = Type.Object(Object.fromEntries(names.map((name) => [name, Type.String()])));
    const command = createCommand({ ...facts, args: many, run: async () => 0 }, () => undefined);

    const running = command.run(context, Object.fromEntries(names.map((name) => [name, 1])));

    await expect(running).rejects.toMatchObject({
      message: names.map((name) => `/${name} must be string`).join("; "),
    });
  });
});
