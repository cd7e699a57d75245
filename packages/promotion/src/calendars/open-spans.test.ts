import { expect, it } from "vitest";
import { parseCalendar } from "./calendar.ts";
import { listOpenSpans } from "./open-spans.ts";

const ZONE = "Europe/Berlin";

function open(source: string) {
  const parsed = parseCalendar(`version: 1\nzone: ${ZONE}\n${source}`);
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return parsed.calendar;
}

function list(source: string, from: string, to: string) {
  const span = { from: Date.parse(from), to: Date.parse(to) };
  return listOpenSpans(open(source), ZONE, span).map((each) => [
    new Date(each.from).toISOString(),
    new Date(each.to).toISOString(),
  ]);
}

const HOURS = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));
const HOURLY = `open: [${HOURS.map((hour) => `{ days: mon-sun, from: "${hour}:00", to: "${hour}:30" }`).join(", ")}]`;
const OFFICE = `open: [{ days: mon-thu, from: "09:00", to: "16:00" }]`;

it("lists the windows between two instants, the first and the last one cut to them", () => {
  // A Wednesday noon to a Thursday noon.
  expect(list(OFFICE, "2026-11-25T11:00:00Z", "2026-11-26T11:00:00Z")).toEqual([
    ["2026-11-25T11:00:00.000Z", "2026-11-25T15:00:00.000Z"],
    ["2026-11-26T08:00:00.000Z", "2026-11-26T11:00:00.000Z"],
  ]);
});

it("lists nothing between windows, on closed dates and of no time", () => {
  expect(list(OFFICE, "2026-11-27T00:00:00Z", "2026-11-29T00:00:00Z")).toEqual([]);
  const closed = `${OFFICE}\nclosed: [{ dates: [2026-11-25, 2026-11-26] }]`;
  expect(list(closed, "2026-11-25T00:00:00Z", "2026-11-27T00:00:00Z")).toEqual([]);
  expect(list(OFFICE, "2026-11-25T11:00:00Z", "2026-11-25T11:00:00Z")).toEqual([]);
});

it("ends one window that never closes with the time, and lists at most 100", () => {
  expect(
    list(`open: [{ days: mon-sun, from: "00:00", to: "00:00" }]`, "2026-11-25T00:00:00Z", "2026-12-25T00:00:00Z"),
  ).toEqual([["2026-11-25T00:00:00.000Z", "2026-12-25T00:00:00.000Z"]]);
  expect(list(HOURLY, "2026-11-01T00:00:00Z", "2026-12-25T00:00:00Z")).toHaveLength(100);
});

it("examines each date once, however often a calendar opens on it", () => {
  let examined = 0;
  class CountedDays extends Set<number> {
    override has(day: number): boolean {
      examined += 1;
      return super.has(day);
    }
  }
  const hourly = open(HOURLY);
  const counted = { ...hourly, open: hourly.open.map((each) => ({ ...each, days: new CountedDays(each.days) })) };

  const days = { from: Date.parse("2026-11-01T00:00:00Z"), to: Date.parse("2026-11-05T00:00:00Z") };
  const spans = listOpenSpans(counted, ZONE, days);

  expect(spans).toHaveLength(96);
  // For each date the 24 windows of three dates, and for each of its 49 instants the windows up to the one that fits.
  expect(examined).toBeLessThan(8_000);
});
