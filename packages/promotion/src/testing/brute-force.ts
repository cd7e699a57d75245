/**
 * The rules of calendars, decided minute by minute with `Intl` alone. It shares no code with the calendars: dates are
 * days since 1970, windows are written here again, and what a clock shows twice is counted.
 */

/** A window of the brute force: days of the week from 0 (Sunday) as in `Date`, times in minutes. */
export interface PlainWindow {
  readonly days: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** The rules that are decided. Dates are days since 1970, both included. */
export interface PlainRules {
  readonly windows: readonly PlainWindow[];
  readonly closed: readonly (readonly [first: number, last: number])[];
}

const MINUTE = 60_000;
const DAY = 1_440;
/** Calls `Intl` for each quarter of an hour, and for each minute of one in which the clock changes. */
const STEP = 15;

/** Lists the instants at which the rules change between open and closed, from closed on, minute by minute. */
export function listChanges(rules: PlainRules, zone: string, from: number, to: number): readonly number[] {
  const toWall = createClock(zone);
  const repeated = listRepeated(toWall, from, to);
  const seen = listSeenDates(toWall, from, to);
  const isOpenAt = createRules(rules, seen);
  const changes: number[] = [];
  let open = false;
  for (let block = from; block < to; block += STEP * MINUTE) {
    const end = block + STEP * MINUTE;
    const offset = toWall(block) - block / MINUTE;
    // Some clocks change at a minute past midnight.
    const isChange = toWall(end) - end / MINUTE !== offset;
    for (let at = block; at < end; at += MINUTE) {
      const wall = isChange ? toWall(at) : at / MINUTE + offset;
      const now = isOpenAt(wall) && !repeated.has(wall);
      if (now === open) continue;
      open = now;
      changes.push(at);
    }
  }
  return changes;
}

/** Returns what a clock shows at an instant, in minutes since 1970. */
function createClock(zone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  });
  // 24/12/2026, 09:30
  const cut = (text: string, start: number, end: number) => Number(text.slice(start, end));
  return (at) => {
    const text = format.format(at);
    const day = Date.UTC(cut(text, 6, 10), cut(text, 3, 5) - 1, cut(text, 0, 2)) / MINUTE;
    return day + cut(text, 12, 14) * 60 + cut(text, 15, 17);
  };
}

/** Counts how often each minute is shown around each change of the clock. */
function listRepeated(toWall: (at: number) => number, from: number, to: number): ReadonlySet<number> {
  const repeated = new Set<number>();
  const around = 26 * 60 * MINUTE;
  let offset = toWall(from - around) - (from - around) / MINUTE;
  for (let at = from - around; at < to + around; at += STEP * MINUTE) {
    const present = toWall(at) - at / MINUTE;
    if (present < offset) addRepeated(repeated, toWall, [at - around, at + around]);
    offset = present;
  }
  return repeated;
}

function addRepeated(repeated: Set<number>, toWall: (at: number) => number, range: readonly [number, number]): void {
  const shown = new Set<number>();
  for (let at = range[0]; at < range[1]; at += MINUTE) {
    const wall = toWall(at);
    if (shown.has(wall)) repeated.add(wall);
    shown.add(wall);
  }
}

/** Lists the dates that a clock shows at all. */
function listSeenDates(toWall: (at: number) => number, from: number, to: number): ReadonlySet<number> {
  const seen = new Set<number>();
  for (let at = from - 2 * DAY * MINUTE; at < to + 2 * DAY * MINUTE; at += 6 * 60 * MINUTE) {
    seen.add(Math.floor(toWall(at) / DAY));
  }
  return seen;
}

function createRules({ windows, closed }: PlainRules, seen: ReadonlySet<number>): (wall: number) => boolean {
  const isClosed = (date: number) => closed.some(([first, last]) => first <= date && date <= last);
  // A date begins windows if the clock shows it and it is not closed.
  const begins = (date: number) => seen.has(date) && !isClosed(date);
  return (wall) => {
    const date = Math.floor(wall / DAY);
    const minutes = wall - date * DAY;
    if (isClosed(date)) return false;
    return windows.some(({ days, from, to }) => {
      const startsHere = begins(date) && days.includes((date + 4) % 7);
      const startedBefore = begins(date - 1) && days.includes((date + 3) % 7);
      if (to > from) return startsHere && from <= minutes && minutes < to;
      return (startsHere && minutes >= from) || (startedBefore && minutes < to);
    });
  };
}
