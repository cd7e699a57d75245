import { describe, expect, it } from "vitest";
import { findCronFault, isZone, nextOccurrence } from "./cron.ts";

const listNext = (cron: string, zone: string, from: string, count: number) => {
  const found: string[] = [];
  for (let at: number | undefined = Date.parse(from); found.length < count; ) {
    at = at === undefined ? undefined : nextOccurrence({ cron, zone }, at);
    found.push(at === undefined ? "never" : new Date(at).toISOString());
  }
  return found;
};

describe("nextOccurrence", () => {
  it.each([
    ["30 2 * * *", "America/New_York", "temporal#8205"],
    ["30 1 * * *", "America/New_York", "node-cron#563"],
    ["0 2 * * *", "Europe/Copenhagen", "healthchecks#196"],
    ["0 0 * * *", "Africa/Cairo", "go-cron#147: a gap at midnight"],
    ["59 23 * * *", "America/Santiago", "cron-utils#213"],
    ["15 2 * * *", "Australia/Lord_Howe", "go-cron#147: half an hour"],
  ])("%s in %s comes once on each day of a year [%s]", (cron, zone) => {
    const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" });
    const runs = listNext(cron, zone, "2027-01-01T12:00:00Z", 366);

    // A day whose time is skipped at midnight has its run at the first moment of the next one.
    const spans = runs.slice(1).map((run, index) => Date.parse(run) - Date.parse(runs[index] ?? ""));
    expect(Math.min(...spans)).toBeGreaterThanOrEqual(23 * 3_600_000);
    expect(Math.max(...spans)).toBeLessThanOrEqual(25 * 3_600_000);
    expect(new Set(runs.map((run) => format.format(new Date(run)))).size).toBeGreaterThanOrEqual(365);
  });

  it("gives the next instant in the zone, never the one that it starts from", () => {
    expect(listNext("0 3 * * MON-FRI", "Europe/Berlin", "2026-07-03T01:00:00Z", 2)).toEqual([
      "2026-07-06T01:00:00.000Z",
      "2026-07-07T01:00:00.000Z",
    ]);
  });

  it("fires once, after the gap, where the clock skips the hour", () => {
    expect(listNext("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2)).toEqual([
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
  });

  it("fires once where the clock shows the hour twice", () => {
    expect(listNext("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2)).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });

  it("keeps its distance over both hours where it fires several times an hour", () => {
    expect(listNext("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", 3)).toEqual([
      "2026-10-25T01:00:00.000Z",
      "2026-10-25T01:30:00.000Z",
      "2026-10-25T02:00:00.000Z",
    ]);
  });
});

describe("reports about schedules of other tools", () => {
  it.each([
    // The first hour of the day does not exist; a time after it does.
    ["0 1 4 11 *", "America/Sao_Paulo", "2018-11-04T02:00:00Z", ["2018-11-04T03:00:00.000Z"], "nats-server#8543"],
    ["0 1 * * 0", "America/Sao_Paulo", "2018-11-04T02:00:00Z", ["2018-11-04T03:00:00.000Z"], "nats-server#8543"],
    ["0 2 4 11 *", "America/Sao_Paulo", "2018-11-04T02:00:00Z", ["2018-11-04T04:00:00.000Z"], "nats-server#8543"],
    // Every minute continues when the clock is set back.
    [
      "* * * * *",
      "Europe/Rome",
      "2024-10-27T00:59:00Z",
      ["2024-10-27T01:00:00.000Z", "2024-10-27T01:01:00.000Z"],
      "laragon#898",
    ],
    // A time in the gap and one in the repeated hour come once.
    ["30 2 * * *", "America/New_York", "2019-03-09T12:00:00Z", ["2019-03-10T07:00:00.000Z"], "cronexpr#1"],
    [
      "30 1 * * *",
      "America/New_York",
      "2019-11-03T00:00:00Z",
      ["2019-11-03T05:30:00.000Z", "2019-11-04T06:30:00.000Z"],
      "cronexpr#1",
    ],
    // The zone's own time of the day stays when summer time begins.
    [
      "0 9 * * *",
      "America/Los_Angeles",
      "2018-03-10T12:00:00Z",
      ["2018-03-10T17:00:00.000Z", "2018-03-11T16:00:00.000Z"],
      "cron-scheduler#4",
    ],
  ])("%s in %s after %s gives %j [%s]", (cron, zone, from, expected) => {
    expect(listNext(cron, zone, from, expected.length)).toEqual(expected);
  });
});

describe("findCronFault", () => {
  it.each(["* * * * *", "0 3 * * MON-FRI", "0 0 29 2 *", "0 0 L * *", "15,45 8-18/2 * 1 1"])("accepts %j", (cron) => {
    expect(findCronFault(cron)).toBeUndefined();
  });

  it.each(["", "@daily", "* * * * * *", "60 * * * *", "0 0 31 2 *", "a b c d e", "* ".repeat(200), "*/0 * * * *"])(
    "refuses %j",
    (cron) => {
      expect(findCronFault(cron)).toEqual(expect.any(String));
    },
  );
});

describe("isZone", () => {
  it("knows IANA names only", () => {
    expect(["Europe/Berlin", "UTC", "Europe/Berln", "", "local"].map(isZone)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
