import { describe, expect, it } from "vitest";
import { parseCelDuration, toDurationText } from "./cel-functions.ts";

describe("durations of CEL", () => {
  it.each([
    ["90m", "5400s"],
    ["1h30m", "5400s"],
    ["1h30m0.5s", "5400.5s"],
    ["+1s", "1s"],
    ["-1.5s", "-1.5s"],
    ["1ms1us1µs1ns", "0.001002001s"],
    ["0s", "0s"],
    ["2540400h", "9145440000s"],
  ])("reads %s as %s", (text, written) => {
    expect(toDurationText(parseCelDuration(text))).toBe(written);
  });

  it.each(["", "1", "h", "1 h", "1d", ".5s", "1.s", "1h-1m", "s1", "٣s", `${"9".repeat(64)}s`])(
    "refuses %j",
    (text) => {
      expect(() => parseCelDuration(text)).toThrow("duration() needs text such as 90m or 1h30m");
    },
  );

  it("adds fractions below zero rightly", () => {
    const sum = parseCelDuration("-0.5s").addDuration(parseCelDuration("0.2s"));

    expect(toDurationText(sum)).toBe("-0.3s");
  });
});
