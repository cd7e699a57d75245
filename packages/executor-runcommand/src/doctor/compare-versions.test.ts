import { describe, expect, it } from "vitest";
import { compareVersions } from "./compare-versions.ts";

describe("compareVersions", () => {
  it.each([
    ["3.3.40.0", "3.3.40.0", 0],
    ["3.3.40", "3.3.40.0", 0],
    ["3.3.39.9", "3.3.40.0", -1],
    ["3.10.0.0", "3.9.9.9", 1],
    ["2.9", "10.0", -1],
  ])("compares %s with %s by numbers", (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
  });
});
