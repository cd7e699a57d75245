import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toLogLines } from "./log-tail.ts";

const base64 = (bytes: Buffer): string => bytes.toString("base64");

describe("toLogLines", () => {
  it("gives lines without their ends and without blank ones", () => {
    expect(toLogLines(base64(Buffer.from("a\r\n\n  b  \nc")))).toEqual(["a", "  b", "c"]);
  });

  it("has none without a log", () => {
    expect(toLogLines(undefined)).toEqual([]);
    expect(toLogLines("")).toEqual([]);
  });

  it("leaves out a character that the cut of the log has halved", () => {
    expect(toLogLines(base64(Buffer.from("üx").subarray(1)))).toEqual(["x"]);
  });

  it("bounds what it takes", () => {
    expect(toLogLines(base64(Buffer.alloc(1_000_000, "x"))).join("")).toHaveLength(8_192);
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void toLogLines(text)));
  });
});
