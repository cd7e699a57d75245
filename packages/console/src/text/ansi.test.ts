import { describe, expect, it } from "vitest";
import { dropColors, parseAnsiLine, toPlainText } from "./ansi.ts";

const ESC = "\u001b";

describe("parseAnsiLine", () => {
  it("returns a plain line as one span", () => {
    expect(parseAnsiLine("Apply complete!")).toEqual({ spans: [{ text: "Apply complete!" }], dropped: 0 });
    expect(parseAnsiLine("")).toEqual({ spans: [], dropped: 0 });
  });

  it("turns colors into tones, and ends them", () => {
    expect(parseAnsiLine(`${ESC}[1;31mError${ESC}[0m: ${ESC}[4mno${ESC}[24m ${ESC}[32mroom${ESC}[39m!`).spans).toEqual([
      { text: "Error", tone: "fail", bold: true },
      { text: ": " },
      { text: "no", underline: true },
      { text: " " },
      { text: "room", tone: "ok" },
      { text: "!" },
    ]);
  });

  it("reads colors of 256 and of 24 bits without taking their numbers for other codes", () => {
    expect(parseAnsiLine(`${ESC}[38;5;1ma${ESC}[38;5;196mb${ESC}[38;2;1;31;4mc${ESC}[48;5;31md`).spans).toEqual([
      { text: "a", tone: "fail" },
      { text: "b" },
      { text: "c" },
      { text: "d" },
    ]);
  });

  it.each([
    ["a link", `${ESC}]8;;https://evil.example/${ESC}\\click${ESC}]8;;${ESC}\\`, "click", 2],
    ["a title", `${ESC}]0;owned\u0007text`, "text", 1],
    ["moves of the cursor", `${ESC}[2J${ESC}[1;1Hsafe`, "safe", 2],
    ["a device string", `${ESC}Pq#0;2${ESC}\\after`, "after", 1],
    ["a private mode", `${ESC}[?25lhidden cursor`, "hidden cursor", 1],
    ["an escape of two bytes", `${ESC}Mup`, "up", 1],
  ])("drops %s and counts it", (_, line, text, dropped) => {
    const parsed = parseAnsiLine(line);

    expect(parsed).toEqual({ spans: expect.anything(), dropped });
    expect(parsed.spans.map((span) => span.text).join("")).toBe(text);
  });

  it("shows the text after a sequence that does not end", () => {
    expect(toPlainText(`${ESC}]8;;https://evil.example`)).toContain("8;;https://evil.example");
  });

  it("keeps the last segment of a carriage return, as a terminal does", () => {
    expect(toPlainText("10%\r50%\r100%\r")).toBe("100%");
    expect(toPlainText("windows line\r")).toBe("windows line");
    expect(toPlainText("\r\r")).toBe("");
  });

  it("shows control and bidi characters by their codes", () => {
    expect(toPlainText(`a\u0000b\u202ec${ESC}`)).toBe("a‹U+0000›b‹U+202E›c‹U+001B›");
    expect(toPlainText("\u009b31mred")).toBe("‹U+009B›31mred");
  });

  it("reads a line of a million escapes in time that grows with its length only", () => {
    const { dropped } = parseAnsiLine(`${ESC}]`.repeat(1_000_000));

    expect(dropped).toBeLessThanOrEqual(1_000_000);
  });
});

describe("dropColors", () => {
  it("drops colors and nothing else", () => {
    expect(dropColors(`seed: ${ESC}[1;32mdone${ESC}[0m`)).toBe("seed: done");
    expect(dropColors(`a${ESC}[2Kb\rc`)).toBe(`a${ESC}[2Kb\rc`);
  });
});
