import { Temporal } from "temporal-polyfill";
import type { Calendar, ClosedRange } from "./calendar.ts";

/** The state of a calendar at an instant, and when it changes. Instants are epoch milliseconds. */
export interface CalendarHours {
  readonly isOpen: boolean;
  /** The first later instant at which it is the other way. Undefined: not within 400 days, of which closed ranges count once. */
  readonly changesAt?: number;
}

type Hours = Pick<Calendar, "open" | "closed">;

/** Dates that are examined for the next change; those of closed ranges count once. Clocks change up to 371 days apart. */
const MOST_DATES = 400;
const DAY_MINUTES = 1_440;

/**
 * Returns whether the windows of a calendar are open at an instant, in a time zone. The clock on the wall decides: a
 * time that a clock change repeats is closed both times, and a date that the zone skips has no window. On a closed date
 * no window begins and none continues. Throws a `RangeError` for an unknown zone.
 */
export function isOpen(hours: Hours, zone: string, at: number): boolean {
  const shown = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
  const date = shown.toPlainDate();
  if (isClosed(hours.closed, date)) return false;
  const minutes = shown.hour * 60 + shown.minute;
  const fits =
    isInWindow(hours, { date, minutes }, zone) ||
    isInWindow(hours, { date: date.subtract({ days: 1 }), minutes: minutes + DAY_MINUTES }, zone);
  return fits && !isRepeated(shown);
}

/** Returns whether a calendar is open at an instant, as `isOpen` decides, and when that changes. */
export function evaluateHours(hours: Hours, zone: string, at: number): CalendarHours {
  const now = isOpen(hours, zone, at);
  const [changesAt] = walkChanges(hours, zone, { at, isOpen: now });
  return changesAt === undefined ? { isOpen: now } : { isOpen: now, changesAt };
}

/** Where a walk begins. */
interface WalkStart {
  readonly at: number;
  /** At this instant. */
  readonly isOpen: boolean;
}

/**
 * Yields the instants after the start at which a calendar opens or closes, in their order, each date examined once. Ends
 * after 400 dates without a change.
 */
export function* walkChanges(hours: Hours, zone: string, start: WalkStart): Generator<number> {
  let { at, isOpen: now } = start;
  let date = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDate();
  for (let left = MOST_DATES; left > 0; left -= 1) {
    for (const each of listBoundaries(hours, zone, date)) {
      if (each <= at || isOpen(hours, zone, each) === now) continue;
      at = each;
      now = !now;
      left = MOST_DATES;
      yield each;
    }
    date = skipClosed(hours.closed, date.add({ days: 1 }));
  }
}

interface WindowTime {
  /** On which the window begins. */
  readonly date: Temporal.PlainDate;
  /** Since the midnight at which that date begins. */
  readonly minutes: number;
}

function isInWindow({ open, closed }: Hours, { date, minutes }: WindowTime, zone: string): boolean {
  const isIn = open.some(({ days, from, to }) => days.has(date.dayOfWeek) && from <= minutes && minutes < to);
  return isIn && !isClosed(closed, date) && exists(date, zone);
}

function isClosed(closed: readonly ClosedRange[], date: Temporal.PlainDate): boolean {
  const text = date.toString();
  return closed.some(({ first, last }) => first <= text && text <= last);
}

/** Returns false for a date that the zone skips, as Samoa did with 30 December 2011. */
function exists(date: Temporal.PlainDate, zone: string): boolean {
  return date.toZonedDateTime(zone).toPlainDate().equals(date);
}

function isRepeated(shown: Temporal.ZonedDateTime): boolean {
  const wall = shown.toPlainDateTime();
  const [first, last] = locate(wall, shown.timeZoneId);
  return first !== last;
}

/** Returns the first and the last instant of a time on the wall; of one that is skipped, those around the gap. */
function locate(wall: Temporal.PlainDateTime, zone: string): readonly [first: number, last: number] {
  const toInstant = (disambiguation: "earlier" | "later") =>
    wall.toZonedDateTime(zone, { disambiguation }).epochMilliseconds;
  return [toInstant("earlier"), toInstant("later")];
}

/**
 * Lists the instants from the begin of a date to that of the next at which something may change, in their order. Those
 * of the dates around it may come into it: windows that pass midnight, and clock changes.
 */
function listBoundaries(hours: Hours, zone: string, date: Temporal.PlainDate): readonly number[] {
  const [before, next] = [date.subtract({ days: 1 }), date.add({ days: 1 })];
  const [begin, end] = [toBegin(date, zone), toBegin(next, zone)];
  const all = [end, ...[before, date, next].flatMap((each) => listOwnBoundaries(hours, zone, each))];
  return all.filter((each) => begin <= each && each <= end).toSorted((one, other) => one - other);
}

function toBegin(date: Temporal.PlainDate, zone: string): number {
  return date.toZonedDateTime(zone).epochMilliseconds;
}

function listOwnBoundaries({ open }: Hours, zone: string, date: Temporal.PlainDate): readonly number[] {
  const begin = date.toZonedDateTime(zone);
  const minutes = open.filter(({ days }) => days.has(date.dayOfWeek)).flatMap(({ from, to }) => [from, to]);
  const changes = listClockChanges(begin);
  const isRegular = changes.length === 0 && begin.hour === 0 && begin.minute === 0;
  if (isRegular) return [0, ...minutes].map((each) => begin.epochMilliseconds + each * MINUTE_MS);
  const midnight = date.toPlainDateTime();
  const windows = minutes.flatMap((each) => locate(midnight.add({ minutes: each }), zone));
  return [begin.epochMilliseconds, ...windows, ...changes];
}

const MINUTE_MS = 60_000;
/** A window that begins on a date ends before the end of the next one. */
const LONGEST = { days: 2 };

/** Lists the instants around a change of the clock near a date: where repeated times begin, and where they end. */
function listClockChanges(begin: Temporal.ZonedDateTime): readonly number[] {
  if (begin.offsetNanoseconds === begin.add(LONGEST).offsetNanoseconds) return [];
  const change = begin.getTimeZoneTransition("next");
  if (change === null) return [];
  const length = Math.abs(begin.offsetNanoseconds - change.offsetNanoseconds) / 1_000_000;
  const at = change.epochMilliseconds;
  return [at - length, at, at + length];
}

/** Returns the date, or the last one of the closed range that it is in: nothing changes between. */
function skipClosed(closed: readonly ClosedRange[], date: Temporal.PlainDate): Temporal.PlainDate {
  const text = date.toString();
  const range = closed.find(({ first, last }) => first < text && text < last);
  return range === undefined ? date : Temporal.PlainDate.from(range.last);
}
