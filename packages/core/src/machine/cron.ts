import { Cron } from "croner";
import { RecentMap } from "./recent-map.ts";

/** When a timer fires again and again. */
export interface CronSchedule {
  /** Five fields: minute, hour, day of the month, month, day of the week. */
  readonly cron: string;
  /** An IANA time zone, such as `Europe/Berlin`. */
  readonly zone: string;
}

/** The zone of a schedule without a zone. */
export const DEFAULT_ZONE = "UTC";

const MOST_CHARACTERS = 200;

// A leap day on each day of the week comes within 40 years, also over 2100.
const SEARCH_FROM = Date.UTC(2000, 0, 1);

/** Formats a schedule as one text, such as `0 3 * * * Europe/Berlin`. */
export function formatSchedule({ cron, zone }: CronSchedule): string {
  return `${cron} ${zone}`;
}

/** Returns the fault of the five fields of a schedule, or undefined. */
export function findCronFault(cron: string): string | undefined {
  if (cron.length > MOST_CHARACTERS) return `It has ${cron.length} characters; ${MOST_CHARACTERS} are allowed.`;
  if (cron.trim().split(/\s+/).length !== 5) {
    return "It needs five fields: minute, hour, day of the month, month, day of the week.";
  }
  try {
    if (nextOccurrence({ cron, zone: DEFAULT_ZONE }, SEARCH_FROM) !== undefined) return undefined;
    return "No such day exists.";
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^CronPattern: /, "") : String(error);
  }
}

/** Returns true for a time zone that this runtime supports. */
export function isZone(zone: string): boolean {
  try {
    createFormat(zone);
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns the first instant of a schedule that is later than `after`, or undefined. A local time that
 * the clock skips in spring is due at the end of the gap, and one that occurs twice in autumn is due the first time
 * only; several skipped times are due once. A schedule for each hour follows real time instead.
 */
export function nextOccurrence({ cron, zone }: CronSchedule, after: number): number | undefined {
  if (followsRealTime(cron)) return nextRun(cron, zone, after);
  // Wall times are enumerated as if they were UTC, and each is then located in the zone.
  for (let wall = nextRun(cron, DEFAULT_ZONE, toWall(zone, after)); wall !== undefined; ) {
    const at = locate(zone, wall);
    if (at > after) return at;
    wall = nextRun(cron, DEFAULT_ZONE, wall);
  }
  return undefined;
}

/** Returns true for a schedule of each hour, however its hours are written. */
function followsRealTime(cron: string): boolean {
  const [, field = ""] = cron.trim().split(/\s+/);
  return new Set(field.split(",").flatMap(listHours)).size === DAY_HOURS;
}

const DAY_HOURS = 24;

/** Lists the hours of a part of the field, such as `*`, `6`, `00-23` or `0-12/2`. */
function listHours(part: string): readonly number[] {
  const [range = "", step = "1"] = part.split("/");
  const [from = 0, to = from] = /^[*?]$/.test(range) ? [0, DAY_HOURS - 1] : range.split("-").map(Number);
  const all = Array.from({ length: DAY_HOURS }, (_, hour) => hour);
  return all.filter((hour) => hour >= from && hour <= to && (hour - from) % Number(step) === 0);
}

function nextRun(cron: string, zone: string, after: number): number | undefined {
  // "5-part" keeps the field of seconds out: a stack gets at most one event a minute from one timer.
  const schedule = new Cron(cron, { timezone: zone, mode: "5-part", paused: true });
  return schedule.nextRun(new Date(after))?.getTime();
}

const DAY_MS = 86_400_000;

/** Returns the first instant at which the clock of a zone shows a wall time; if it skips it, the end of the gap. */
function locate(zone: string, wall: number): number {
  const before = toWall(zone, wall - DAY_MS) - (wall - DAY_MS);
  const later = toWall(zone, wall + DAY_MS) - (wall + DAY_MS);
  const [first, last] = [wall - Math.max(before, later), wall - Math.min(before, later)];
  if (toWall(zone, first) === wall) return first;
  if (toWall(zone, last) === wall) return last;
  return findGapEnd(zone, first, last);
}

/** Returns the first instant in the range after which the clock has been set forward. */
function findGapEnd(zone: string, from: number, to: number): number {
  let [low, high] = [from, to];
  const offset = toWall(zone, high) - high;
  while (high - low > 1_000) {
    const middle = Math.floor((low + high) / 2_000) * 1_000;
    if (toWall(zone, middle) - middle === offset) high = middle;
    else low = middle;
  }
  return high;
}

/** Returns what the clock of a zone shows at an instant, as milliseconds of the same time in UTC. */
function toWall(zone: string, at: number): number {
  const parts = new Map(
    findFormat(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  const wall = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return wall + (((at % 1_000) + 1_000) % 1_000);
}

const MOST_FORMATS = 1_000;
const formats = new RecentMap<string, Intl.DateTimeFormat>(MOST_FORMATS);

function findFormat(zone: string): Intl.DateTimeFormat {
  // Documents name zones in any mixture of capitals.
  return formats.findOr(zone, () => createFormat(zone));
}

function createFormat(timeZone: string): Intl.DateTimeFormat {
  const number = "numeric";
  return new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: number,
    month: number,
    day: number,
    hour: number,
    minute: number,
    second: number,
  });
}
