import { describe, expect, it } from "vitest";
import { createOutput } from "./output.ts";

function aStream(isTTY: boolean) {
  const parts: string[] = [];
  return { isTTY, columns: 20, parts, write: (text: string) => parts.push(text) };
}

function anOutput(options: { readonly tty?: boolean; readonly json?: boolean; readonly env?: Record<string, string> }) {
  const { tty = false, json = false, env = {} } = options;
  const stdout = aStream(tty);
  const stderr = aStream(tty);
  return { out: createOutput({ stdout, stderr, json, env }), stdout, stderr };
}

describe("output", () => {
  it("prints results as text to standard output, and notes to standard error", () => {
    const { out, stdout, stderr } = anOutput({});

    out.result({ a: 1 }, () => "one");
    out.note("by the way");

    expect([stdout.parts, stderr.parts]).toEqual([["one\n"], ["by the way\n"]]);
  });

  it("prints results as one JSON object a line, and no notes", () => {
    const { out, stdout, stderr } = anOutput({ json: true });

    out.result({ a: "x\ny" }, () => "one");
    out.step({ kind: "parked" }, () => "parked");
    out.progress({ kind: "working" }, () => "working");
    out.note("by the way");

    expect(stdout.parts).toEqual(['{"a":"x\\ny"}\n', '{"kind":"parked"}\n', '{"kind":"working"}\n']);
    expect(stderr.parts).toEqual([]);
  });

  it("rewrites one line of a terminal and takes it away before anything else is printed", () => {
    const { out, stdout, stderr } = anOutput({ tty: true });

    out.progress({}, () => "one");
    out.progress({}, () => "a line that is longer than the terminal is wide");
    out.result({}, () => "done");

    expect(stderr.parts).toEqual(["\r\u001b[2Kone", "\r\u001b[2Ka line that is long", "\r\u001b[2K"]);
    expect(stdout.parts).toEqual(["done\n"]);
  });

  it("prints progress as plain lines into a pipe, each once", () => {
    const { out, stderr } = anOutput({});

    out.progress({}, () => "one");
    out.progress({}, () => "one");
    out.progress({}, () => "two");

    expect(stderr.parts).toEqual(["one\n", "two\n"]);
  });

  it.each([
    ["a pipe", { tty: false }, "ok\n"],
    ["a terminal", { tty: true }, "\u001b[32mok\u001b[39m\n"],
    ["a terminal with NO_COLOR", { tty: true, env: { NO_COLOR: "1" } }, "ok\n"],
    ["a terminal with an empty NO_COLOR", { tty: true, env: { NO_COLOR: "" } }, "\u001b[32mok\u001b[39m\n"],
    ["a dumb terminal", { tty: true, env: { TERM: "dumb" } }, "ok\n"],
    ["a pipe with FORCE_COLOR", { env: { FORCE_COLOR: "1" } }, "\u001b[32mok\u001b[39m\n"],
  ])("knows whether %s takes colours", (_where, options, expected) => {
    const { out, stdout } = anOutput(options);

    out.result({}, () => out.paint("green", "ok"));

    expect(stdout.parts).toEqual([expected]);
  });

  it("lets no control characters of others reach a terminal", () => {
    const { out, stdout } = anOutput({ tty: true });

    out.result({}, () => "a\u001b]0;title\u0007b\u001b[2Jc\rd\u009be\tf");

    expect(stdout.parts).toEqual(["a]0;titleb[2Jcde\tf\n"]);
  });

  it.each([
    ["a line without colours", { tty: true, env: { NO_COLOR: "1" } }, "[2Jab\n"],
    ["a pipe", { tty: false }, "[2Jab\n"],
  ])("lets none of them through in %s either", (_where, options, expected) => {
    const { out, stdout } = anOutput(options);

    out.result({}, () => "\u001b\u001b[0m[2Ja\rb");

    expect(stdout.parts).toEqual([expected]);
  });

  it("lets none of them through in the live line", () => {
    const { out, stderr } = anOutput({ tty: true });

    out.progress({}, () => "\u001b\u001b[0m[2Ja\rb");

    expect(stderr.parts).toEqual(["\r\u001b[2K[2Jab"]);
  });
});
