import { describe, expect, it } from "vitest";
import { createLiveBlock } from "./live-block.ts";

function aTerminal(size: { readonly columns?: number; readonly rows?: number } = {}) {
  const parts: string[] = [];
  return { isTTY: true, columns: 20, rows: 4, ...size, parts, write: (text: string) => parts.push(text) };
}

const never = () => {
  throw new Error("It is not asked for.");
};

describe("the live block of a terminal", () => {
  it("draws several lines anew in place, and takes them away", () => {
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
