import { describe, expect, it } from "vitest";
import { type Calendar, parseCalendar } from "./calendar.ts";
import { evaluateHours, isOpen } from "./calendar-hours.ts";

/** What users of other tools have reported about windows and clocks, tried on calendars. */
function parse(open: string, closed = "[]"): Calendar {
  const parsed = parseCalendar(`version: 1\nzone: UTC\nopen: ${open}\nclosed: ${closed}`);
  if (parsed.kind === "calendar") return parsed.calendar;
  throw new Error(JSON.stringify(parsed.problems));
}

/** Returns at which of these instants a calendar is open. */
function listOpen(calendar: Calendar, zone: string, instants: readonly string[]): readonly boolean[] {
  return instants.map((instant) => isOpen(calendar, zone, Date.parse(instant)));
}

/** Returns the changes between two instants. */
function listChanges(calendar: Calendar, zone: string, from: string, to: string): readonly string[] {
  const changes: string[] = [];
  for (let at: number | undefined = Date.parse(from); at !== undefined; ) {
    at = evaluateHours(calendar, zone, at).changesAt;
    if (at === undefined || at >= Date.parse(to)) break;
    changes.push(new Date(at).toISOString().slice(0, 16));
  }
  return changes;
}

describe("windows of other tools", () => {
  it("pass midnight when the end is earlier than the begin (kured#204)", () => {
    const night = parse('[{ days: mon-fri, from: "21:00", to: "05:00" }]');

    // 2019-04-04 is a Thursday.
    const instants = [
      "2019-04-04T00:49-07:00",
      "2019-04-04T22:49-07:00",
      "2019-04-05T08:59-07:00",
      "2019-03-31T10:00-07:00",
    ];
    expect(listOpen(night, "America/Los_Angeles", instants)).toEqual([true, true, false, false]);
  });

  it("belong to the day on which they begin: Saturday morning is Friday's, Monday morning nobody's (attune#798)", () => {
    const night = parse('[{ days: mon-fri, from: "22:00", to: "06:00" }]');

    expect(
      listOpen(night, "America/New_York", [
        "2026-09-19T01:00-04:00",
        "2026-09-20T01:00-04:00",
        "2026-09-21T01:00-04:00",
      ]),
    ).toEqual([true, false, false]);
  });

  it("around clock changes: a window in the skipped hour never opens, one over it is shorter (attune#798)", () => {
    const skipped = parse('[{ days: sun, from: "02:00", to: "03:00" }]');
    const over = parse('[{ days: sun, from: "01:30", to: "02:30" }]');
    const list = (calendar: Calendar) =>
      listChanges(calendar, "America/New_York", "2026-03-08T00:00Z", "2026-03-09T00:00Z");

    expect(list(skipped)).toEqual([]);
    expect(list(over)).toEqual(["2026-03-08T06:30", "2026-03-08T07:00"]);
  });

  it("are times on the wall, not hours since midnight: 21:00 on the day of a clock change (scylla-manager#3082)", () => {
    const evening = parse('[{ days: mon-sun, from: "21:00", to: "22:00" }]');
    const list = (date: string) => listChanges(evening, "Europe/Warsaw", `${date}T00:00Z`, `${date}T23:59Z`);

    expect(list("2022-03-27")).toEqual(["2022-03-27T19:00", "2022-03-27T20:00"]);
    expect(list("2022-10-30")).toEqual(["2022-10-30T20:00", "2022-10-30T21:00"]);
    expect(list("2022-03-26")).toEqual(["2022-03-26T20:00", "2022-03-26T21:00"]);
  });

  it("keep their hours in summer (argo-cd#3204, argo-cd#17750, uptime-kuma#6233)", () => {
    const morning = parse('[{ days: mon-sun, from: "09:00", to: "12:30" }]');
    const list = (date: string) => listChanges(morning, "Europe/London", `${date}T00:00Z`, `${date}T23:59Z`);

    expect(list("2024-03-29")).toEqual(["2024-03-29T09:00", "2024-03-29T12:30"]);
    expect(list("2024-04-05")).toEqual(["2024-04-05T08:00", "2024-04-05T11:30"]);
  });

  it("do not depend on the zone of the process that asks (argo-cd#3831)", () => {
    const office = parse('[{ days: mon-fri, from: "18:00", to: "19:00" }]');
    const own = process.env["TZ"];
    const results = ["UTC", "America/New_York", "Asia/Kolkata"].map((zone) => {
      process.env["TZ"] = zone;
      return evaluateHours(office, "UTC", Date.parse("2020-06-23T18:13:00Z"));
    });
    if (own === undefined) delete process.env["TZ"];
    else process.env["TZ"] = own;

    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    expect(results[0]).toEqual({ isOpen: true, changesAt: Date.parse("2020-06-23T19:00:00Z") });
  });

  it("are open when one of several is, whatever the others are (argo-cd#10425)", () => {
    const week = parse('[{ days: mon-thu, from: "09:00", to: "17:00" }, { days: fri, from: "09:00", to: "14:00" }]');

    expect(
      listOpen(week, "UTC", ["2022-08-22T10:00Z", "2022-08-26T10:00Z", "2022-08-26T15:00Z", "2022-08-27T10:00Z"]),
    ).toEqual([true, true, false, false]);
  });

  it("are closed all day only where the day says so (argo-cd#5590)", () => {
    const always = parse('[{ days: mon-sun, from: "14:02", to: "13:02" }]');

    expect(
      listOpen(always, "UTC", ["2021-02-24T13:01Z", "2021-02-24T13:02Z", "2021-02-24T14:01Z", "2021-02-24T14:02Z"]),
    ).toEqual([true, false, false, true]);
  });

  it("refuse an hour that does not exist, with its place (argo-cd#10071)", () => {
    const parsed = parseCalendar(
      'version: 1\nzone: Europe/Amsterdam\nopen: [{ days: mon-sun, from: "07:00", to: "24:00" }]',
    );

    expect(parsed).toMatchObject({
      kind: "invalid",
      problems: [{ line: 3, path: "open.0.to", code: "invalid-value" }],
    });
  });

  it("need their hours: days alone are neither open all day nor never (spinnaker#1648)", () => {
    const parsed = parseCalendar("version: 1\nzone: UTC\nopen: [{ days: mon-fri }]");

    expect(parsed).toMatchObject({ kind: "invalid", problems: [{ line: 3 }, { line: 3 }] });
  });

  it("may be closed for longer than a week, and open at their instant (orca#1263)", () => {
    const office = parse('[{ days: mon-fri, from: "09:00", to: "16:00" }]', "[{ dates: [2026-12-21, 2027-01-06] }]");

    // Friday, 18 December, until Thursday, 7 January.
    const { changesAt = 0 } = evaluateHours(office, "Europe/Berlin", Date.parse("2026-12-18T16:00Z"));
    expect(new Date(changesAt).toISOString()).toBe("2027-01-07T08:00:00.000Z");
  });

  it("have their weekdays in their zone, also where it is another day in UTC (octopus#9291)", () => {
    const monday = parse('[{ days: mon, from: "08:00", to: "10:00" }]');

    // Monday morning in Auckland is Sunday in UTC.
    expect(listChanges(monday, "Pacific/Auckland", "2025-03-09T00:00Z", "2025-03-12T00:00Z")).toEqual([
      "2025-03-09T19:00",
      "2025-03-09T21:00",
    ]);
  });

  it("that overlap end with the last of them, and none is longer than a day (googlecloudrobotics/core#575)", () => {
    const weekend = parse('[{ days: sat-sun, from: "05:00", to: "05:00" }, { days: sat, from: "20:00", to: "08:00" }]');

    expect(listChanges(weekend, "UTC", "2025-10-17T00:00Z", "2025-10-24T00:00Z")).toEqual([
      "2025-10-18T05:00",
      "2025-10-20T05:00",
    ]);
  });

  it("open again each time, not only once (uptime-kuma#2987)", () => {
    const daily = parse('[{ days: mon-sun, from: "02:00", to: "03:00" }]');

    expect(listChanges(daily, "UTC", "2023-03-27T00:00Z", "2023-04-06T00:00Z")).toHaveLength(20);
  });
});
