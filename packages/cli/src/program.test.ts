import { checkArgs, defineCommand } from "@stackyard/core";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { toCommandFacts } from "./command.ts";
import { readWords } from "./program.ts";

const files = defineCommand({
  name: "things look",
  summary: "Look at things.",
  examples: { "stackyard things look a": "At a." },
  args: Type.Object({
    place: Type.String({ description: "Where." }),
    files: Type.Optional(Type.Array(Type.String())),
    maxDepth: Type.Optional(Type.Integer({ short: "d" })),
    tag: Type.Optional(Type.Array(Type.String())),
    deep: Type.Optional(Type.Boolean()),
    "dry-run": Type.Optional(Type.Boolean()),
    noToken: Type.Optional(Type.Boolean()),
    format: Type.Optional(Type.Union([Type.Literal("dot"), Type.Literal("svg")])),
  }),
  positionals: ["place", "files"],
  run: () => 0,
});

const read = (...words: string[]) =>
  readWords(words, { commands: [toCommandFacts(files)], groups: { things: "Things." }, version: "1.2.3" });

describe("readWords", () => {
  it("gives the command and its arguments by name, with numbers, lists and switches", async () => {
    const words = [
      "things",
      "look",
      "here",
      "a",
      "b",
      "-d",
      "3",
      "--tag",
      "x",
      "--tag",
      "y",
      "--deep",
      "--no-token",
      "--json",
    ];

    const result = await read(...words);

    expect(result).toEqual({
      kind: "invocation",
      invocation: {
        command: "things look",
        json: true,
        quiet: false,
        verbose: false,
        color: true,
        args: { place: "here", files: ["a", "b"], maxDepth: 3, tag: ["x", "y"], deep: true, noToken: true },
      },
    });
  });

  it("gives an argument whose name has a dash", async () => {
    const result = await read("things", "look", "here", "--dry-run");

    expect(result).toMatchObject({ invocation: { args: { place: "here", "dry-run": true } } });
  });

  it("takes --json before the command too", async () => {
    const result = await read("--json", "things", "look", "here", "--", "--deep");

    expect(result).toMatchObject({ invocation: { json: true, args: { place: "here", files: ["--deep"] } } });
  });

  it("takes the options of every command before and after it", async () => {
    const before = await read("--no-color", "-q", "things", "look", "here", "--verbose");

    expect(before).toMatchObject({ invocation: { quiet: true, verbose: true, color: false, args: { place: "here" } } });
  });

  it("leaves out what was not given", async () => {
    expect(await read("things", "look", "here")).toMatchObject({
      invocation: { args: { place: "here" }, json: false },
    });
  });

  it("prints the version", async () => {
    expect(await read("--version")).toEqual({ kind: "text", text: "1.2.3\n" });
  });

  it.each([
    [["--help"]],
    [["things", "--help"]],
    [["things", "look", "--help"]],
    [["help", "things"]],
    [["help", "things", "look"]],
    [["help", "things", "--help"]],
    [["help", "--help"]],
  ])("prints help for %j", async (words) => {
    const result = await read(...words);

    expect(result.kind).toBe("text");
    expect(JSON.stringify(result)).toMatch(/Look at things|Things/);
  });

  it.each([
    ["a wrong command", ["thing"], "Unknown command 'thing' (Did you mean things?)"],
    ["a wrong flag", ["things", "look", "x", "--dep"], "Unknown option '--dep' (Did you mean --deep?)"],
    ["a missing argument", ["things", "look"], "Missing required argument 'place'."],
    [
      "a wrong choice",
      ["things", "look", "x", "--format", "png"],
      "Invalid value 'png' for '--format <format>'. Valid values: dot, svg.",
    ],
    [
      "a misspelled choice",
      ["things", "look", "x", "--format", "svgg"],
      "Invalid value 'svgg' for '--format <format>'. Valid values: dot, svg (Did you mean svg?)",
    ],
    ["a flag without its value", ["things", "look", "x", "--tag"], "Missing value for '--tag <tag>'."],
  ])("reports %s", async (_what, words, message) => {
    expect(await read(...words)).toMatchObject({ kind: "usage", message });
  });

  it("shows the help of exactly the requested command", async () => {
    const result = await read("help", "things", "look");

    expect(result).toEqual(await read("things", "look", "--help"));
    expect(JSON.stringify(result)).toContain("--max-depth");
  });

  it.each([
    [["help", "thigs"], "Unknown command 'thigs' (Did you mean things?)"],
    [["help", "nope"], "Unknown command 'nope'."],
    [["help", "things", "lok"], "Unknown command 'things lok' (Did you mean things look?)"],
    [["thigs", "--help"], "Unknown command 'thigs' (Did you mean things?)"],
    [["nope", "look", "-h"], "Unknown command 'nope'."],
    [["things", "lok", "--deep", "--help"], "Unknown command 'things lok' (Did you mean things look?)"],
  ])("has no help for %j", async (words, message) => {
    expect(await read(...words)).toEqual({ kind: "usage", message, json: false, help: "" });
  });

  it("shows the help of a group that stands alone", async () => {
    const result = await read("things");

    expect(result).toMatchObject({ kind: "usage", help: expect.stringContaining("look") });
  });
});

describe("the check of arguments", () => {
  it("rejects what does not fit the schema, as USAGE with the flag's name", async () => {
    const result = await read("things", "look", "here", "--max-depth", "many");
    if (result.kind !== "invocation") throw new Error(result.kind);
    const { args } = result.invocation;

    expect(() => checkArgs(files, args)).toThrow(
      expect.objectContaining({ code: "USAGE", message: "--max-depth must be a whole number." }),
    );
  });
});
