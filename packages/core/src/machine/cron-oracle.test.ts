import { describe, expect, it } from "vitest";
import { nextOccurrence } from "./cron.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const DAY = 24 * HOUR;

/** Minutes and hours of a daily schedule. */
interface Daily {
  readonly cron: string;
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly followsRealTime?: true;
}

const ALL_HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const SCHEDULES: readonly Daily[] = [
  { cron: "30 2 * * *", minutes: [30], hours: [2] },
  { cron: "0 2,14 * * *", minutes: [0], hours: [2, 14] },
  { cron: "0 1-3 * * *", minutes: [0], hours: [1, 2, 3] },
  { cron: "0 0-6/2 * * *", minutes: [0], hours: [0, 2, 4, 6] },
  { cron: "0,30 2 * * *", minutes: [0, 30], hours: [2] },
  { cron: "*/20 0,1 * * *", minutes: [0, 20, 40], hours: [0, 1] },
  { cron: "45 23 * * *", minutes: [45], hours: [23] },
  { cron: "0 0 * * *", minutes: [0], hours: [0] },
  { cron: "15 * * * *", minutes: [15], hours: ALL_HOURS, followsRealTime: true },
  { cron: "20 */4 * * *", minutes: [20], hours: [0, 4, 8, 12, 16, 20] },
  { cron: "30 */24 * * *", minutes: [30], hours: [0] },
  { cron: "0 0-23 * * *", minutes: [0], hours: ALL_HOURS, followsRealTime: true },
  { cron: "0 00-23 * * *", minutes: [0], hours: ALL_HOURS, followsRealTime: true },
  { cron: "0 0-23/1 * * *", minutes: [0], hours: ALL_HOURS, followsRealTime: true },
  { cron: "0 0-11,12-23 * * *", minutes: [0], hours: ALL_HOURS, followsRealTime: true },
];

function createClock(zone: string) {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  return (at: number) => Date.parse(`${format.format(at).replace(" ", "T")}Z`);
}

/** Lists the instants at which a zone changes its clock, to the minute. */
function listChanges(zone: string, from: number, to: number): readonly number[] {
  const clock = createClock(zone);
  const offsetAt = (at: number) => clock(at) - at;
  const changes: number[] = [];
  for (let at = from; at < to; at += DAY) {
    if (offsetAt(at) === offsetAt(at + DAY)) continue;
    let minute = at;
    while (offsetAt(minute + MINUTE) === offsetAt(at)) minute += MINUTE;
    changes.push(minute + MINUTE);
  }
  return changes;
}

/** A minute, what the clock shows, and what it has skipped to show that. */
interface Shown {
  readonly at: number;
  readonly wall: number;
  readonly skipped: readonly number[];
}

function listMinutes(zone: string, from: number, to: number): readonly Shown[] {
  const clock = createClock(zone);
  const minutes: Shown[] = [];
  let last = clock(from - MINUTE);
  for (let at = from; at <= to; at += MINUTE) {
    const wall = clock(at);
    const skipped: number[] = [];
    for (let each = last + MINUTE; each < wall; each += MINUTE) skipped.push(each);
    minutes.push({ at, wall, skipped });
    last = wall;
  }
  return minutes;
}

/** Lists the runs minute by minute, by the rule that docs/machine-reference.md states. */
function listJobs({ minutes, hours, followsRealTime }: Daily, shown: readonly Shown[]): readonly number[] {
  const matches = (wall: number) => {
    const time = new Date(wall);
    return minutes.includes(time.getUTCMinutes()) && hours.includes(time.getUTCHours());
  };
  const seen = new Set<number>();
  return shown.flatMap(({ at, wall, skipped }) => {
    const isFirst = !seen.has(wall);
    seen.add(wall);
    const isDue = followsRealTime ? matches(wall) : (isFirst && matches(wall)) || skipped.some(matches);
    return isDue ? [at] : [];
  });
}

function listFound({ cron }: Daily, zone: string, from: number, to: number): readonly number[] {
  const found: number[] = [];
  let at = nextOccurrence({ cron, zone }, from);
  while (at !== undefined && at <= to) {
    found.push(at);
    at = nextOccurrence({ cron, zone }, at);
  }
  return found;
}

function compare(zone: string, change: number, schedules: readonly Daily[]): void {
  const [from, to] = [change - DAY - 7 * MINUTE, change + DAY + 11 * MINUTE];
  const minutes = listMinutes(zone, from - DAY, to);
  for (const schedule of schedules) {
    const toText = (at: number) => new Date(at).toISOString();
    const found = listFound(schedule, zone, from, to).map(toText);
    const runs = listJobs(schedule, minutes).filter((at) => at > from);
    const wanted = runs.map(toText);
    expect({ zone, cron: schedule.cron, runs: found }).toEqual({ zone, cron: schedule.cron, runs: wanted });
  }
}

describe("schedules around each change of a clock", () => {
  it.each([
    ["Europe/Berlin", "rundeck#6879, rundeck#3234"],
    ["America/New_York", "node-cron#563, xen-orchestra#4024, airflow PR 70089"],
    ["America/Nuuk", "a gap that ends at midnight"],
    ["America/Santiago", "croner#132: a gap that begins at midnight"],
    ["Australia/Lord_Howe", "half an hour"],
    ["Africa/Casablanca", "four changes a year"],
    ["Asia/Beirut", "a gap at midnight"],
    ["Pacific/Apia", "fixed time"],
  ])("are due as documented in %s [%s]", (zone) => {
    for (const change of listChanges(zone, Date.UTC(2027, 0, 1), Date.UTC(2028, 0, 1)))
      compare(zone, change, SCHEDULES);
  });

  it("are due once where a whole day is skipped", () => {
    const [change] = listChanges("Pacific/Apia", Date.UTC(2011, 11, 28), Date.UTC(2012, 0, 2));

    expect(change).toBe(Date.UTC(2011, 11, 30, 10));
    compare("Pacific/Apia", change ?? 0, SCHEDULES);
  });

  it.runIf(process.env["LONG_TESTS"])("are due as documented in all zones over 20 years", { timeout: 4 * HOUR }, () => {
    for (const zone of Intl.supportedValuesOf("timeZone")) {
      for (const change of listChanges(zone, Date.UTC(2020, 0, 1), Date.UTC(2040, 0, 1))) {
        compare(zone, change, SCHEDULES);
      }
    }
  });
});
