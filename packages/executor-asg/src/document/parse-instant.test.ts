import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseInstant } from "./parse-instant.ts";

describe("parseInstant", () => {
  it.each([
    ["1970-01-01T00:00:00Z", 0],
    ["2026-03-04T05:06:07Z", Date.UTC(2026, 2, 4, 5, 6, 7)],
    ["2026-03-04T05:06:07.25Z", Date.UTC(2026, 2, 4, 5, 6, 7, 250)],
    ["2026-03-04T05:06:07.123456789Z", Date.UTC(2026, 2, 4, 5, 6, 7, 123)],
    ["2026-03-04T05:06:07+02:30", Date.UTC(2026, 2, 4, 2, 36, 7)],
    ["2026-03-04T22:06:07-08:00", Date.UTC(2026, 2, 5, 6, 6, 7)],
    ["2024-02-29T00:00:00Z", Date.UTC(2024, 1, 29)],
    ["0000-01-01T00:00:00Z", -62_167_219_200_000],
  ])("reads %s", (text, at) => {
    expect(parseInstant(text)).toBe(at);
  });

  it.each([
    "",
    "2026-03-04",
    "2026-03-04T05:06Z",
    "2026-03-04T05:06:07",
    "2026-03-04 05:06:07Z",
    "2026-03-04t05:06:07z",
    "2026-13-04T05:06:07Z",
    "2026-00-04T05:06:07Z",
    "2026-02-29T05:06:07Z",
    "2026-04-31T05:06:07Z",
    "2026-03-00T05:06:07Z",
    "2026-03-04T24:00:00Z",
    "2026-03-04T05:60:00Z",
    "2026-03-04T05:06:60Z",
    "2026-03-04T05:06:07.Z",
    "2026-03-04T05:06:07+0200",
    "2026-03-04T05:06:07+24:00",
    "2026-03-04T05:06:07+02:60",
    "26-03-04T05:06:07Z",
    " 2026-03-04T05:06:07Z",
  ])("reads no time from %j", (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  it("reads every time that a Date writes", () => {
    const dates = fc.date({
      min: new Date("0000-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59Z"),
      noInvalidDate: true,
    });

    fc.assert(fc.property(dates, (date) => parseInstant(date.toISOString()) === date.getTime()));
  });
});
