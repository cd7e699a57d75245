import { describe, expect, it } from "vitest";
import { listChanges, type PlainRules } from "../testing/brute-force.ts";
import { type Calendar, parseCalendar } from "./calendar.ts";
import { evaluateHours, isOpen, walkChanges } from "./calendar-hours.ts";

const day = (date: string) => Date.parse(`${date}T00:00:00Z`) / 86_400_000;
const WEEK = [0, 1, 2, 3, 4, 5, 6];

interface Case {
  readonly document: string;
  readonly rules: PlainRules;
}

/** The same calendars twice: as documents, and as the brute force has them. */
const CASES: readonly Case[] = [
  {
    document: '[{ days: mon-thu, from: "09:00", to: "16:00" }, { days: fri, from: "09:00", to: "12:30" }]',
    rules: {
      windows: [
        { days: [1, 2, 3, 4], from: 540, to: 960 },
        { days: [5], from: 540, to: 750 },
      ],
      closed: [],
    },
  },
  {
    document: '[{ days: "fri-sat, tue", from: "22:00", to: "02:30" }, { days: sun, from: "02:15", to: "02:45" }]',
    rules: {
      windows: [
        { days: [5, 6, 2], from: 1_320, to: 150 },
        { days: [0], from: 135, to: 165 },
      ],
      closed: [],
    },
  },
  {
    document: '[{ days: mon-sun, from: "00:00", to: "00:00" }]',
    rules: { windows: [{ days: WEEK, from: 0, to: 0 }], closed: [] },
  },
  {
    document: '[{ days: mon-sun, from: "23:30", to: "01:30" }, { days: sat-sun, from: "00:30", to: "03:10" }]',
    rules: {
      windows: [
        { days: WEEK, from: 1_410, to: 90 },
        { days: [6, 0], from: 30, to: 190 },
      ],
      closed: [],
    },
  },
];

const HOURS = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));
/** Opens and closes every hour. */
const HOURLY: Case = {
  document: `[${HOURS.map((hour) => `{ days: mon-sun, from: "${hour}:10", to: "${hour}:45" }`).join(", ")}]`,
  rules: { windows: HOURS.map((_, hour) => ({ days: WEEK, from: hour * 60 + 10, to: hour * 60 + 45 })), closed: [] },
};

const CLOSED = [
  ["2011-12-29", "2012-01-02"],
  ["2012-02-29", "2012-02-29"],
  ["2016-02-29", "2016-03-01"],
  ["2020-12-20", "2022-01-06"],
  ["2024-02-28", "2024-02-29"],
  ["2026-03-29", "2026-03-29"],
] as const;

function withClosed({ document, rules }: Case): Case {
  const dates = CLOSED.map(([first, last]) => `{ dates: [${first === last ? first : `${first}, ${last}`}] }`);
  return {
    document: `${document}\nclosed: [${dates.join(", ")}]`,
    rules: { ...rules, closed: CLOSED.map(([first, last]) => [day(first), day(last)]) },
  };
}

function parse(document: string): Calendar {
  const parsed = parseCalendar(`version: 1\nzone: UTC\nopen: ${document}`);
  if (parsed.kind === "calendar") return parsed.calendar;
  throw new Error(JSON.stringify(parsed.problems));
}

const YEAR = 365 * 86_400_000;

/** Follows the calendar from change to change. */
function follow(calendar: Calendar, zone: string, from: number, to: number): readonly number[] {
  const changes: number[] = isOpen(calendar, zone, from) ? [from] : [];
  for (let at = from; at < to; ) {
    const { changesAt } = evaluateHours(calendar, zone, at);
    if (changesAt !== undefined && changesAt < to) changes.push(changesAt);
    // Without a change within 400 days it is read again after a year.
    at = changesAt ?? at + YEAR;
  }
  return changes;
}

/** Walks from date to date. The closed ranges of the cases are shorter than where a walk ends. */
function walk(calendar: Calendar, zone: string, from: number, to: number): readonly number[] {
  const isOpenFirst = isOpen(calendar, zone, from);
  const changes: number[] = isOpenFirst ? [from] : [];
  for (const at of walkChanges(calendar, zone, { at: from, isOpen: isOpenFirst })) {
    if (at >= to) break;
    changes.push(at);
  }
  return changes;
}

function compare(each: Case, zone: string, from: string, to: string): number {
  const [start, end] = [Date.parse(`${from}T00:00:00Z`), Date.parse(`${to}T00:00:00Z`)];
  const expected = listChanges(each.rules, zone, start, end);
  const format = (at: number) => new Date(at).toISOString();
  const calendar = parse(each.document);
  // From change to change, each date of an hourly calendar is examined 48 times.
  if (each !== HOURLY) expect(follow(calendar, zone, start, end).map(format)).toEqual(expected.map(format));
  expect(walk(calendar, zone, start, end).map(format)).toEqual(expected.map(format));
  return expected.length;
}

describe("calendars against brute force", () => {
  it.each([
    ["Australia/Lord_Howe", "2026-04-02", "2026-04-09"],
    ["Australia/Lord_Howe", "2026-10-01", "2026-10-08"],
    ["Pacific/Apia", "2011-12-26", "2012-01-05"],
    ["Africa/Casablanca", "2026-02-12", "2026-02-19"],
    ["Africa/Casablanca", "2026-03-19", "2026-03-26"],
    ["America/Nuuk", "2023-03-22", "2023-03-29"],
    ["America/Nuuk", "2024-03-28", "2024-04-03"],
    ["America/Nuuk", "2024-10-24", "2024-10-30"],
    ["Antarctica/Troll", "2026-03-26", "2026-04-01"],
    ["Antarctica/Troll", "2026-10-22", "2026-10-28"],
    ["Africa/Cairo", "2026-04-22", "2026-04-28"],
    ["America/Havana", "2026-10-29", "2026-11-04"],
    ["Asia/Beirut", "2026-03-26", "2026-04-01"],
    ["Europe/Berlin", "2024-02-26", "2024-03-04"],
    ["Asia/Kathmandu", "2026-11-20", "2026-11-27"],
    ["America/St_Johns", "2010-11-04", "2010-11-10"],
    ["Antarctica/Casey", "2020-10-01", "2020-10-07"],
  ])("agree minute by minute in %s from %s to %s", (zone, from, to) => {
    const cases = [...CASES.flatMap((each) => [each, withClosed(each)]), HOURLY];
    const changes = cases.map((each) => compare(each, zone, from, to));

    expect(Math.max(...changes)).toBeGreaterThan(5);
  });
});

const ZONES = [
  "Africa/Cairo",
  "Africa/Casablanca",
  "Africa/El_Aaiun",
  "Africa/Khartoum",
  "America/Asuncion",
  "America/Caracas",
  "America/Havana",
  "America/New_York",
  "America/Nuuk",
  "America/Sao_Paulo",
  "America/Scoresbysund",
  "America/St_Johns",
  "Antarctica/Casey",
  "Antarctica/Troll",
  "Asia/Amman",
  "Asia/Beirut",
  "Asia/Gaza",
  "Asia/Kathmandu",
  "Asia/Pyongyang",
  "Asia/Tehran",
  "Asia/Tokyo",
  "Atlantic/Azores",
  "Australia/Lord_Howe",
  "Europe/Berlin",
  "Europe/Dublin",
  "Europe/Istanbul",
  "Europe/Volgograd",
  "Pacific/Apia",
  "Pacific/Chatham",
  "Pacific/Fiji",
];

describe.runIf(process.env["LONG_TESTS"] === "1")("calendars against brute force over twenty years", () => {
  const cases = CASES.map((each, index) => (index % 2 === 0 ? each : withClosed(each)));
  describe.each(ZONES)("in %s", (zone) => {
    it.each([...cases.entries()])(
      "agree minute by minute from 2010 to 2030, calendar %i",
      { timeout: 600_000 },
      (_, each) => {
        compare(each, zone, "2010-01-01", "2030-01-01");
      },
    );
  });
});
