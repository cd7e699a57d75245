import { describe, expect, it } from "vitest";
import { formatDuration, formatInstant } from "./durations.ts";

describe("formatDuration", () => {
  it.each([
    [-5, "0s"],
    [0, "0s"],
    [45_000, "45s"],
    [185_000, "3m 5s"],
    [7_200_000, "2h"],
    [356_400_000, "4d 3h"],
    [86_400_000, "1d"],
  ])("writes %d ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe("formatInstant", () => {
  it("writes date and time in UTC with 24 hours", () => {
    expect(formatInstant("2026-11-20T23:12:04Z", "utc")).toBe("2026-11-20 23:12:04");
  });

  it("shows what is not an instant as it is", () => {
    expect(formatInstant("soon", "utc")).toBe("soon");
  });
});
