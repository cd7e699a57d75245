import { describe, expect, it } from "vitest";
import { formatAge, formatDay, formatDuration, formatInstant } from "./durations.ts";

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

describe("formatAge", () => {
  it.each([
    [45_000, "45s"],
    [185_000, "3m"],
    [3_659_000, "1h"],
    [356_400_000, "4d 3h"],
    // argo-cd#29776: "an hour" from the 45th minute on.
    [3_599_000, "59m"],
  ])("writes %d ms as %s: nobody counts the seconds of what is minutes ago", (ms, text) => {
    expect(formatAge(ms)).toBe(text);
  });
});

describe("formatInstant", () => {
  it("writes date and time in UTC with 24 hours", () => {
    expect(formatInstant("2026-11-20T23:12:04Z", "utc")).toBe("2026-11-20 23:12:04");
  });

  it("shows what is not an instant unchanged", () => {
    expect(formatInstant("soon", "utc")).toBe("soon");
  });
});

describe("formatDay", () => {
  const now = Date.UTC(2026, 0, 1, 14, 29);

  it.each([
    ["2026-01-02T08:00:00Z", "Fri 2 Jan 08:00 UTC"],
    ["2026-11-26T00:05:00Z", "Thu 26 Nov 00:05 UTC"],
    ["2027-01-04T08:00:00Z", "Mon 4 Jan 2027 08:00 UTC"],
    ["2025-12-31T23:59:59Z", "Wed 31 Dec 2025 23:59 UTC"],
    ["no instant", "no instant"],
  ])("says %s as people do, with the year only where it is another one", (at, text) => {
    expect(formatDay(at, "utc", now)).toBe(text);
  });
});
