import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toColoredText, toJsonText, toPlainText } from "./clean-text.ts";

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
