import { describe, expect, it } from "vitest";
import { parseAny, parseEntry, toAnyText } from "./entry-text.ts";

describe("an entry", () => {
  it("that is cleared removes the value, and does not become zero or an empty text (react-jsonschema-form#369)", () => {
    expect([parseEntry(new Set(["number"]), ""), parseEntry(new Set(["string"]), "")]).toEqual([undefined, undefined]);
  });

  it("of zero stays zero (react-jsonschema-form#1128)", () => {
    expect(parseEntry(new Set(["integer"]), "0")).toBe(0);
  });

  it("keeps a text that looks like a number where the schema has only texts", () => {
    expect(parseEntry(new Set(["string"]), "007")).toBe("007");
    expect(parseEntry(new Set(["string", "integer"]), "007")).toBe("007");
    expect(parseEntry(new Set(["string", "integer"]), "25%")).toBe("25%");
    expect(parseEntry(new Set(["string", "integer"]), "25")).toBe(25);
  });

  it("that is not a number stays as it is, for the check of the machine", () => {
    expect(parseEntry(new Set(["integer"]), "thrice")).toBe("thrice");
  });

  it.each(["a", "5", "true", '"x"', "", "null"])("of any kind keeps the text %j", (text) => {
    expect(parseAny(toAnyText(text)) ?? "").toBe(text);
  });

  it.each([5, true, null, { a: [1] }, ["5"]])("of any kind keeps %j", (value) => {
    expect(parseAny(toAnyText(value))).toEqual(value);
  });
});
