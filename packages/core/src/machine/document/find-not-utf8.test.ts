import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { parseMachine, parseYamlDocument } from "../index.ts";
import { findNotUtf8 } from "./find-not-utf8.ts";

const machine = (text: string) => `version: 2\nevents: []\nx-name: "${text}"\nstates: { INIT: {} }\ntasks: {}\n`;
/** Returns what a reader of a file with these bytes gets. */
const decode = (text: string, encoding: BufferEncoding) => Buffer.from(text, encoding).toString("utf8");

describe("findNotUtf8", () => {
  it.each([
    ["Latin-1", decode("a: 1\nname: caf\xe9\n", "latin1"), { line: 2, column: 10 }],
    [
      "Latin-1 behind a letter of two units",
      decode("a: 1\n😀", "utf8") + decode("\xe9", "latin1"),
      { line: 2, column: 3 },
    ],
    ["UTF-16 with its mark", decode("\uFEFFa: 1", "utf16le"), { line: 1, column: 1 }],
    ["UTF-16 without it", decode("a: 1", "utf16le"), { line: 1, column: 1 }],
    ["UTF-16 in the other order", Buffer.from("a: 1", "utf16le").swap16().toString("utf8"), { line: 1, column: 1 }],
  ])("finds the place of %s", (_, text, at) => {
    expect(findNotUtf8(text)?.at).toEqual(at);
  });

  it.each(["", "a: 1", "\uFEFFa: 1\r\n", "name: café 😀"])("finds nothing in %j", (text) => {
    expect(findNotUtf8(text)).toBeUndefined();
  });
});

describe("documents", () => {
  const latin1 = decode(machine("caf\xe9"), "latin1");
  const problem = { severity: "error", code: "not-utf8", path: "", line: 3, column: 13 };

  it("are refused with the place when they are not UTF-8, machines as documents of plugins", () => {
    expect(parseMachine(latin1, { name: "m" }).problems).toMatchObject([problem]);
    expect(parseYamlDocument(latin1, Type.Object({})).problems).toMatchObject([problem]);
  });

  // Of users of beats#2354, lightbend/config#75 and NetEscapades.Configuration#19.
  it("may begin with the mark that editors of Windows write", () => {
    const marked = decode(`\uFEFF${machine("caf\xe9")}`, "utf8").replaceAll("\n", "\r\n");

    expect(parseMachine(marked, { name: "m" })).toMatchObject({
      problems: [{ code: "no-terminal-state" }],
      machine: { name: "m" },
    });
    expect(
      parseYamlDocument("\uFEFFa: 1\r\nb: 2\r\n", Type.Object({ a: Type.Number(), b: Type.Number() })),
    ).toMatchObject({
      problems: [],
    });
  });

  // Of users of backstage#3806 and cdk-real-drift#1291, whose error was about the shape of the document.
  it.each(["utf16le", "latin1"] as const)("say that they are %s before anything about their shape", (encoding) => {
    const { problems } = parseMachine(decode(machine("caf\xe9"), encoding), { name: "m" });

    expect(problems.map(({ code }) => code)).toEqual(["not-utf8"]);
  });

  it("may name the character that replaces others, as an escape; a revision that a store keeps also as itself", () => {
    const kept = parseMachine(machine("\uFFFD"), { name: "m", kept: true });

    expect(kept.machine).toBeDefined();
    expect(parseMachine(machine("\\uFFFD"), { name: "m" }).machine).toBeDefined();
  });
});
