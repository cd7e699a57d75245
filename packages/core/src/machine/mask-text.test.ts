import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createIsQuoting, createMaskText, maskTexts } from "./decide/metadata.ts";

describe("createMaskText", () => {
  it("masks every occurrence of every value", () => {
    const mask = createMaskText(["hunter22", 987654, "p(.*)w"]);

    expect(mask("hunter22 and hunter22, 987654, p(.*)w, hunter2")).toBe("*** and ***, ***, ***, hunter2");
  });

  it("leaves values of fewer than four characters, and what is no text or number", () => {
    const mask = createMaskText(["abc", 123, true, null, undefined, { a: "hunter22" }]);

    expect(mask("abc 123 true null hunter22")).toBe("abc 123 true null hunter22");
  });

  it("leaves nothing of the longer one of two values that begin alike", () => {
    expect(createMaskText(["hunter", "hunter22"])("hunter22!")).toBe("***!");
  });

  it("masks a value as JSON writes it", () => {
    const value = 'pass"word\\';

    expect(createMaskText([value])(`{"p":${JSON.stringify(value)}}`)).toBe('{"p":"***"}');
  });

  it("masks each line of a value with several", () => {
    const mask = createMaskText(["-----BEGIN KEY-----\nMIIEvQIBADANB\n  abcdefgh\n-----END KEY-----"]);

    expect(["MIIEvQIBADANB", "x abcdefgh x", "}\n"].map(mask)).toEqual(["***", "x *** x", "}\n"]);
  });

  it("leaves no value of four characters or more in any text", () => {
    const value = fc.string({ minLength: 4 }).filter((text) => !"***".includes(text.trim()) && !text.includes("*"));
    fc.assert(
      fc.property(value, fc.string(), fc.string(), (secret, before, after) => {
        expect(createMaskText([secret])(`${before}${secret}${after}`)).not.toContain(secret);
      }),
    );
  });
});

describe("createIsQuoting", () => {
  it("finds whole values, bare, in JSON and without the blanks around them", () => {
    const isQuoting = createIsQuoting(["hunter22", 987654, 'a"b\nc d\n']);

    expect(["x hunter22 x", "987654", 'is a"b\nc d', JSON.stringify({ key: 'a"b\nc d\n' })].map(isQuoting)).toEqual([
      ...[true, true, true, true],
    ]);
  });

  it("finds neither lines, nor parts, nor what is short or no text or number", () => {
    const isQuoting = createIsQuoting(["kind: Config\ntoken: hunter22", "abc", true, null, { a: "hunter23" }]);

    expect(["kind: Config", "hunter22", "abc", "true", "null", "hunter23", ""].some(isQuoting)).toBe(false);
  });
});

describe("maskTexts", () => {
  it("masks the texts of a value, however deep, and leaves its keys", () => {
    const mask = createMaskText(["hunter22"]);

    expect(maskTexts(mask, { hunter22: ["a hunter22", { b: "hunter22", c: 4, d: null }] })).toEqual({
      hunter22: ["a ***", { b: "***", c: 4, d: null }],
    });
  });

  it("ends at a value that holds itself", () => {
    const loop: Record<string, unknown> = { text: "hunter22", at: new Date(0) };
    loop["self"] = loop;

    const masked = JSON.stringify(maskTexts(createMaskText(["hunter22"]), loop));

    expect(masked).not.toContain("hunter22");
    expect(masked).toContain('"at":"1970-01-01T00:00:00.000Z"');
  });
});
