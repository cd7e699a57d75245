import { describe, expect, it } from "vitest";
import { fromItem, toItem } from "./attributes.ts";

describe("toItem", () => {
  it("keeps plain values so that people and conditions can read them", () => {
    expect(toItem({ text: "né ✓", number: -1.5, yes: true, nothing: undefined })).toEqual({
      text: { S: "né ✓" },
      number: { N: "-1.5" },
      yes: { BOOL: true },
    });
  });

  it("writes short lists and maps as JSON that can be read in the console", () => {
    expect(toItem({ list: [1, null] })).toEqual({ list: { M: { json: { S: "[1,null]" } } } });
  });

  it("packs what is long, so that what repeats itself takes little room", () => {
    const long = toItem({ list: Array.from({ length: 100 }, () => "the same words again and again") });

    expect(long["list"]?.M?.["deflated"]?.B?.byteLength).toBeLessThan(100);
  });
});

describe("fromItem", () => {
  it.each<[unknown, string]>([
    ["", "text"],
    ["x".repeat(5000), "a long text"],
    ["\ud800", "half a character"],
    ["a\u0000b", "control characters"],
    [0, "zero"],
    [1.5e300, "a large number"],
    [false, "no"],
    [null, "nothing"],
    [{ constructor: "x", "": [{}] }, "a map"],
    [Array.from({ length: 2000 }, (_, index) => index), "a long list"],
  ])("gives back what was written: %j (%s)", (value) => {
    expect(fromItem(toItem({ value }))).toEqual({ value });
  });

  it("names an attribute that cannot be read", () => {
    expect(() => fromItem({ outbox: { M: { json: { S: "{" } } } })).toThrow(/"outbox"/);
    expect(() => fromItem({ outbox: { M: {} } })).toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));
  });
});
