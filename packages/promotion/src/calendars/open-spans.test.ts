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
  const times = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));
  const hourly = times.map((hour) => `{ days: mon-sun, from: "${hour}:00", to: "${hour}:30" }`).join(", ");
  expect(list(`open: [${hourly}]`, "2026-11-01T00:00:00Z", "2026-12-25T00:00:00Z")).toHaveLength(100);
});
