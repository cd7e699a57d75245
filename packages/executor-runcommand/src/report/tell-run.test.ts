import { describe, expect, it } from "vitest";
import { toInstant, toLength } from "./tell-run.ts";

describe("toLength", () => {
  it.each([
    [0, "0s"],
    [449, "0.4s"],
    [9_960, "10s"],
    [59_600, "1m"],
    [61_000, "1m 1s"],
    [3_600_000, "1h"],
    [90_061_000, "1d 1h"],
    [-1, ""],
    [Number.NaN, ""],
  ])("tells %i ms as %s", (ms, text) => {
    expect(toLength(ms)).toBe(text);
  });
});

describe("toInstant", () => {
  it("tells what is no instant as it is", () => {
    expect([toInstant(0), toInstant(Number.NaN), toInstant(1e99)]).toEqual(["1970-01-01T00:00:00Z", "NaN", "1e+99"]);
  });
});
