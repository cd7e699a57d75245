import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLiveBlock, createOutput, toAge, toColoredText, toJsonText, toPlainText } from "./output.ts";

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

  it("rewrites one line of a terminal and clears it before anything else is printed", () => {
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

function aTerminal(size: { readonly columns?: number; readonly rows?: number } = {}) {
  const parts: string[] = [];
  return { isTTY: true, columns: 20, rows: 4, ...size, parts, write: (text: string) => parts.push(text) };
}

const never = () => {
  throw new Error("Unexpected call.");
};

describe("the live block of a terminal", () => {
  it("redraws several lines in place, and clears them", () => {
    const terminal = aTerminal();
    const live = createLiveBlock(terminal, never, { color: false });

    live.show(never, () => "one\ntwo");
    live.show(never, () => "three");
    live.clear();
    live.clear();

    expect(terminal.parts).toEqual(["\r\u001b[2Kone\ntwo", "\r\u001b[1A\u001b[Jthree", "\r\u001b[2K"]);
  });

  it("gives way to a single line, and follows it", () => {
    const terminal = aTerminal();
    const live = createLiveBlock(terminal, never, { color: true });

    live.show(never, () => "one\ntwo\nthree");
    live.show(() => "a line\nand what it does not show");
    live.show(never, () => "four");

    expect(terminal.parts.slice(1)).toEqual(["\r\u001b[2A\u001b[Ja line", "\r\u001b[2Kfour"]);
  });

  it("says how wide it is, and is never higher than its terminal", () => {
    const terminal = aTerminal();
    const live = createLiveBlock(terminal, never, { color: false });

    live.show(never, (columns) => `${columns}\nb\nc\nd\ne`);

    expect(terminal.parts).toEqual(["\r\u001b[2K19\nb\n… and 3 more"]);
  });

  it.each([
    ["a line without colours", false, "\u001b[32m12345678\u001b[39m", "1234567"],
    ["a line within a colour, which it ends", true, "\u001b[32m12345678\u001b[39m", "\u001b[32m1234567\u001b[0m"],
    ["nothing of a line that fits", true, "\u001b[32m1234567\u001b[39m", "\u001b[32m1234567\u001b[39m"],
    ["a plain line", true, "12345678", "1234567"],
  ])("cuts %s", (_what, color, line, expected) => {
    const terminal = aTerminal({ columns: 8 });

    createLiveBlock(terminal, never, { color }).show(never, () => line);

    expect(terminal.parts).toEqual([`\r\u001b[2K${expected}`]);
  });

  it("lets no control characters of others through", () => {
    const terminal = aTerminal();

    createLiveBlock(terminal, never, { color: true }).show(never, () => "a\u001b[2Jb\rc\u001b]0;x");

    expect(terminal.parts).toEqual(["\r\u001b[2Ka[2Jbc]0;x"]);
  });

  it("takes 80 columns where the terminal does not say", () => {
    const stream = { isTTY: true, parts: [] as string[], write: (text: string) => stream.parts.push(text) };

    createLiveBlock(stream, never, { color: false }).show(never, (columns) => String(columns));

    expect(stream.parts).toEqual(["\r\u001b[2K79"]);
  });
});

describe("the live block of a pipe", () => {
  it("is the text, each time it is another one", () => {
    const written: string[] = [];
    const live = createLiveBlock({ write: never }, (text) => void written.push(text), { color: false });

    for (const text of ["one", "one", "two"]) live.show(() => text, never);
    live.clear();

    expect(written).toEqual(["one", "two"]);
  });
});

const HOSTILE = [
  "\u001b\u001b[0m[2J",
  "\u001b\u009b0m[2J",
  "\u001b]0;title\u0007",
  "\u001bP+q\u001b\\",
  "\u001bc",
  "\u009b2J",
  "name\rother",
  "\b\b\u007f\u000e",
  "\u202egnp.exe\u2066",
];
const hostileText = fc
  .array(fc.constantFrom(...HOSTILE, "\u001b", "\u009b", "[", "0", ";", "m", "2J", "x"))
  .map((parts) => parts.join(""));
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u;

describe("toPlainText", () => {
  it.each(HOSTILE)("leaves nothing in %j that a terminal obeys", (text) => {
    expect(toPlainText(text)).not.toMatch(OBEYED);
  });

  it("leaves nothing in any text that a terminal obeys", () => {
    fc.assert(fc.property(hostileText, (text) => !OBEYED.test(toPlainText(text))));
  });

  it("keeps tabs, ends of lines and letters of all scripts", () => {
    expect(toPlainText("a\tb\nשלום 🙂\u001b[31mred")).toBe("a\tb\nשלום 🙂red");
  });
});

describe("toColoredText", () => {
  it("lets colours pass and nothing else, whatever the text", () => {
    fc.assert(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one.
      fc.property(hostileText, (text) => !OBEYED.test(toColoredText(text).replaceAll(/\u001b\[[0-9;]*m/g, ""))),
    );
  });
});

describe("toJsonText", () => {
  it("escapes what a terminal obeys and loses nothing", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const json = toJsonText({ text });
        expect(json).not.toMatch(OBEYED);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });
});

it.each([
  [0, "0s"],
  [999, "0s"],
  [12_000, "12s"],
  [60_000, "1m"],
  [61_000, "1m 1s"],
  [3_600_000 + 5_000, "1h"],
  [90_000_000, "1d 1h"],
  [-5_000, "0s"],
])("formats %i ms as %s", (ms, text) => {
  expect(toAge("2030-01-01T00:00:00.000Z", Date.UTC(2030, 0, 1) + ms)).toBe(text);
});
