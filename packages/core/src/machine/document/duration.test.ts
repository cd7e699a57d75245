import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";

describe("parseDuration", () => {
  it.each([
    ["1ms", 1],
    ["90s", 90_000],
    ["5m", 300_000],
    ["24h", 86_400_000],
    ["3d", 259_200_000],
    ["999999999s", 999_999_999_000],
  ])("reads %s", (text, expected) => {
    const ms = parseDuration(text);

    expect(ms).toBe(expected);
  });

  it.each(["", "0s", "05m", "-1s", "1.5h", "1 h", "1H", "1w", "5", "m", "1000000000s", "5m\n", "5m5s", "999999999d"])(
    "takes %j for no duration",
    (text) => {
      const ms = parseDuration(text);

      expect(ms).toBeUndefined();
    },
  );
});

describe("formatDuration", () => {
  it.each([
    [0, "0s"],
    [1, "1ms"],
    [1_500, "1500ms"],
    [90_000, "90s"],
    [3_600_000, "1h"],
    [86_400_000, "24h"],
    [172_800_000, "2d"],
    [176_400_000, "49h"],
    [999.6, "1s"],
  ])("writes %d as %s", (ms, expected) => {
    const text = formatDuration(ms);

    expect(text).toBe(expected);
  });

  it("writes what parseDuration reads back", () => {
    const lengths = fc.integer({ min: 1, max: 999_999_999 });

    fc.assert(fc.property(lengths, (ms) => parseDuration(formatDuration(ms)) === ms));
  });
});
