import { describe, expect, it } from "vitest";
import { INSTANT_FIELDS, parseInstant, toInstantOfSeconds, toInstantText, toZonedDate } from "./cel-functions.ts";
import { createMeter } from "./meter.ts";

describe("instants of CEL", () => {
  it.each([
    ["2030-01-31T09:00:00Z", "2030-01-31T09:00:00Z"],
    ["2030-01-31T09:00:00.25+02:00", "2030-01-31T07:00:00.250Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"],
  ])("reads %s", (text, written) => {
    expect(toInstantText(parseInstant(text))).toBe(written);
  });

  it.each([
    "",
    "2030-01-31",
    "2030-01-31 09:00:00Z",
    "2030-01-31T09:00:00",
    "2030-13-31T09:00:00Z",
    "now",
    "0000-01-01T00:00:00Z",
  ])("refuses %j, whatever JavaScript makes of it", (text) => {
    expect(() => parseInstant(text)).toThrow("timestamp() needs RFC 3339 text");
  });

  it("bounds seconds to the years 1 to 9999", () => {
    expect(toInstantText(toInstantOfSeconds(253_402_300_799n))).toBe("9999-12-31T23:59:59Z");
    expect(() => toInstantOfSeconds(253_402_300_800n)).toThrow("timestamp()");
    expect(() => toInstantOfSeconds(-62_135_596_801n)).toThrow("timestamp()");
  });

  it.each([
    ["UTC", "2030-03-31T00:59:59.123Z"],
    ["Europe/Berlin", "2030-03-31T01:59:59.123Z"],
    ["+05:30", "2030-03-31T06:29:59.123Z"],
    ["-2:00", "2030-03-30T22:59:59.123Z"],
    ["02:00", "2030-03-31T02:59:59.123Z"],
  ])("shows the digits of a clock in %s", (zone, digits) => {
    const date = new Date("2030-03-31T00:59:59.123Z");

    expect(toZonedDate(date, zone, createMeter()).toISOString()).toBe(digits);
  });

  it("knows the change to summer time", () => {
    const date = new Date("2030-03-31T01:00:00Z");

    expect(toZonedDate(date, "Europe/Berlin", createMeter()).toISOString()).toBe("2030-03-31T03:00:00.000Z");
  });

  it("shows midnight as hour 0", () => {
    const date = new Date("2030-01-01T00:00:00Z");

    expect(toZonedDate(date, "UTC", createMeter()).toISOString()).toBe("2030-01-01T00:00:00.000Z");
  });

  it("reads every field", () => {
    const date = new Date("2032-03-01T04:05:06.007Z");

    const fields = Object.entries(INSTANT_FIELDS).map(([name, read]) => [name, read(date)]);

    expect(Object.fromEntries(fields)).toEqual({
      getDate: 1,
      getDayOfMonth: 0,
      getDayOfWeek: 1,
      getDayOfYear: 60,
      getFullYear: 2032,
      getHours: 4,
      getMilliseconds: 7,
      getMinutes: 5,
      getMonth: 2,
      getSeconds: 6,
    });
  });
});
