import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  containsText,
  INSTANT_FIELDS,
  joinTexts,
  lowerAscii,
  parseCelDuration,
  parseInstant,
  replaceText,
  splitText,
  toDurationText,
  toInstantOfSeconds,
  toInstantText,
  toZonedDate,
  upperAscii,
} from "./cel-functions.ts";
import { createMeter } from "./meter.ts";

const short = fc.string({ unit: fc.constantFrom("a", "b", "ä"), maxLength: 8 });

describe("text functions", () => {
  it("agree with those of JavaScript where both mean the same", () => {
    fc.assert(
      fc.property(short, short, short, (text, part, by) => {
        expect(containsText(createMeter(), text, part)).toBe(text.includes(part));
        expect(splitText(createMeter(), text, part)).toEqual(text.split(part));
        expect(replaceText(createMeter(), text, part, by)).toBe(text.replaceAll(part, () => by));
        expect(joinTexts(createMeter(), splitText(createMeter(), text, part), part)).toBe(text);
      }),
    );
  });

  it("replace and split no more often than asked", () => {
    fc.assert(
      fc.property(short, fc.integer({ min: 1, max: 9 }), (text, times) => {
        expect(splitText(createMeter(), text, "a", BigInt(times)).length).toBeLessThanOrEqual(times);
        let expected = text;
        for (let time = 0; time < times; time++) expected = expected.replace("a", "c");
        expect(replaceText(createMeter(), text, "a", "c", BigInt(times))).toBe(expected);
      }),
    );
  });

  it("take a limit beyond every count", () => {
    expect(splitText(createMeter(), "a-b", "-", 2n ** 62n)).toEqual(["a", "b"]);
    expect(replaceText(createMeter(), "ab", "", "_", 2n ** 62n)).toBe("_a_b_");
    expect(replaceText(createMeter(), "ab", "b", "_", 2n ** 62n)).toBe("a_");
    expect(replaceText(createMeter(), "ab", "b", "_", 0n)).toBe("ab");
  });

  it("keep a character of two units together", () => {
    expect(splitText(createMeter(), "a🌲", "")).toEqual(["a", "🌲"]);
  });

  it("change no letter but those of ASCII", () => {
    expect([lowerAscii("AZÄİ"), upperAscii("azäß")]).toEqual(["azÄİ", "AZäß"]);
  });

  it("charge a search by both lengths when the part is long", () => {
    const hay = "a".repeat(60_000);

    expect(containsText(createMeter(), hay, "b".repeat(250))).toBe(false);
    expect(() => containsText(createMeter(), hay, "b".repeat(1000))).toThrow("steps");
  });

  it("refuse to join values that are not texts", () => {
    expect(() => joinTexts(createMeter(), ["a", 1n])).toThrow("join() needs a list of texts");
  });
});

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

  it.each([
    "2030-02-30T09:00:00Z",
    "2029-02-29T09:00:00Z",
    "2100-02-29T09:00:00Z",
    "2030-04-31T09:00:00+02:00",
    "2030-13-01T09:00:00Z",
    "2030-00-10T09:00:00Z",
    "2030-01-00T09:00:00Z",
    "2030-01-31T24:00:00Z",
    "2030-01-31T09:60:00Z",
    "2030-01-31T09:00:60Z",
    "2030-01-31T09:00:00+24:00",
  ])("refuses %s, which does not exist, instead of moving it [moment#2311, moment#668, moment#3332]", (text) => {
    expect(() => parseInstant(text)).toThrow("timestamp() needs RFC 3339 text");
  });

  it.each([
    "2028-02-29T23:59:59Z",
    "2000-02-29T00:00:00.123456789Z",
    "0004-02-29T00:00:00Z",
    "2030-12-31T23:59:59-23:59",
  ])("takes %s", (text) => {
    expect(parseInstant(text).getTime()).toBe(Date.parse(text));
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
