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

  it.each([
    ["0 12 * * 0", "Europe/Berlin", "2022-03-24T11:00:00Z", ["2022-03-27T10:00:00Z"], "cronie#218"],
    [
      "30 2 * * *",
      "America/New_York",
      "2026-03-08T06:30:00Z",
      ["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"],
      "node-cron/node-cron#518",
    ],
    ["0 0 * * *", "Europe/Prague", "2026-03-28T23:30:00Z", ["2026-03-29T22:00:00Z"], "cron-expression#220"],
    [
      "0 */2 * * *",
      "Africa/Cairo",
      "2026-04-23T21:30:00Z",
      ["2026-04-23T22:00:00Z", "2026-04-23T23:00:00Z", "2026-04-24T01:00:00Z"],
      "spring-framework#36859",
    ],
    [
      "0 2 * * *",
      "America/Los_Angeles",
      "2025-03-08T11:00:00Z",
      ["2025-03-09T10:00:00Z", "2025-03-10T09:00:00Z"],
      "robfig/cron#541",
    ],
    [
      "15,45 2 * * *",
      "America/New_York",
      "2027-03-13T12:00:00Z",
      ["2027-03-14T07:00:00Z", "2027-03-15T06:15:00Z", "2027-03-15T06:45:00Z"],
      "go-cron#41",
    ],
  ])("%s in %s loses no day on which the clock is set forward, from %s [$4]", (cron, zone, from, expected) => {
    expect(listNext(cron, zone, from, expected.length)).toEqual(expected.map((at) => new Date(at).toISOString()));
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
    [
      "0 9 * * *",
      "America/Toronto",
      "2026-03-07T12:00:00Z",
      ["2026-03-07T14:00:00.000Z", "2026-03-08T13:00:00.000Z"],
      "hermes-agent#109532",
    ],
    [
      "30 1 * * *",
      "America/New_York",
      "2026-11-01T00:00:00Z",
      ["2026-11-01T05:30:00.000Z", "2026-11-02T06:30:00.000Z"],
      "eliza#11099",
    ],
    [
      "*/30 * * * *",
      "America/New_York",
      "2026-11-01T05:30:00Z",
      ["2026-11-01T06:00:00.000Z", "2026-11-01T06:30:00.000Z", "2026-11-01T07:00:00.000Z"],
      "quartznet#3200, subwave#1379",
    ],
    [
      "0,30 2 * * *",
      "Europe/Berlin",
      "2026-10-24T23:00:00Z",
      ["2026-10-25T00:00:00.000Z", "2026-10-25T00:30:00.000Z", "2026-10-26T01:00:00.000Z"],
      "quartznet#3200",
    ],
    // A day of the month or a day of the week is enough when both are given.
    [
      "0 15 1 * 1",
      "UTC",
      "2025-03-31T15:00:00Z",
      ["2025-04-01T15:00:00.000Z", "2025-04-07T15:00:00.000Z"],
      "prefect#17672, cron-utils#203",
    ],
    [
      "0 10 1-7 * 1",
      "UTC",
      "2024-12-06T12:00:00Z",
      ["2024-12-07T10:00:00.000Z", "2024-12-09T10:00:00.000Z"],
      "airflow#44614",
    ],
    // Months and years with their last days.
    [
      "0 12 L * *",
      "UTC",
      "2026-04-30T12:00:00Z",
      ["2026-05-31T12:00:00.000Z", "2026-06-30T12:00:00.000Z"],
      "kestra#15809, kestra#14253",
    ],
    [
      "0 0 1 * *",
      "UTC",
      "2024-01-15T00:00:00Z",
      ["2024-02-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z", "2024-04-01T00:00:00.000Z"],
      "pg_cron#329",
    ],
    ["0 9 2 1 *", "UTC", "2024-12-31T20:27:53Z", ["2025-01-02T09:00:00.000Z"], "crontab#134"],
    ["0 9 29 2 *", "UTC", "2016-02-29T09:00:00Z", ["2020-02-29T09:00:00.000Z"], "croniter#55, gronx#55"],
    ["0 * * * 1-5", "America/Chicago", "2016-02-29T17:00:00Z", ["2016-02-29T18:00:00.000Z"], "cron-utils#69"],
    ["40 17 10 * *", "Asia/Shanghai", "2023-02-20T00:00:00Z", ["2023-03-10T09:40:00.000Z"], "kestra#996"],
    [
      "0 3 * * 3",
      "UTC",
      "2015-09-18T00:00:00Z",
      ["2015-09-23T03:00:00.000Z", "2015-09-30T03:00:00.000Z"],
      "cron-utils#41",
    ],
    ["41 11 * * 1-5", "UTC", "2016-01-29T11:41:00Z", ["2016-02-01T11:41:00.000Z"], "node-schedule#225"],
  ])("%s in %s after %s gives %j [%s]", (cron, zone, from, expected) => {
    expect(listNext(cron, zone, from, expected.length)).toEqual(expected);
  });
});

describe("findCronFault", () => {
  it.each([
    ["0 11 1-7 * FRI", "2024-10-07T12:00:00Z", ["2024-10-11T11:00:00.000Z"], "cronie#191"],
    [
      "0 0 1 1 0",
      "2011-12-20T00:00:00Z",
      ["2012-01-01T00:00:00.000Z", "2012-01-08T00:00:00.000Z"],
      "cron-expression#1",
    ],
    ["0 0 1 1 1", "2020-10-08T00:00:00Z", ["2021-01-01T00:00:00.000Z", "2021-01-04T00:00:00.000Z"], "croncpp#12"],
    ["0 0 1-31 * 4", "2024-12-01T00:00:00Z", ["2024-12-02T00:00:00.000Z", "2024-12-03T00:00:00.000Z"], "croner#267"],
    ["0 0 29 2 *", "2021-12-07T12:00:00Z", ["2024-02-29T00:00:00.000Z", "2028-02-29T00:00:00.000Z"], "ccronexpr#32"],
    ["0 9 31 4,5 *", "2029-03-26T09:00:00Z", ["2029-05-31T09:00:00.000Z"], "cronosjs#37"],
  ])("gives either of two days, and days that few months have: %s from %s", (cron, from, expected) => {
    expect(listNext(cron, "UTC", from, expected.length)).toEqual(expected);
  });

  it.each([
    ["0 0 31 4 *", "cronosjs#37"],
    ["0 0 30 02 *", "node-red-contrib-cron-plus#110"],
    ["0 0 31 2,4,6,9,11 *", "cron-utils#310"],
    ["* * 31 11 *", "fugit#20"],
  ])("refuses %s, which never comes, and ends its search [%s]", (cron) => {
    expect(findCronFault(cron)).toBe("No such day exists.");
  });

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
