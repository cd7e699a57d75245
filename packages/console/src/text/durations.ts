/** Returns a duration with its two largest units: `45s`, `3m 5s`, `2h`, `4d 3h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const units: [string, number][] = [
    ["d", Math.floor(seconds / 86_400)],
    ["h", Math.floor(seconds / 3_600) % 24],
    ["m", Math.floor(seconds / 60) % 60],
    ["s", seconds % 60],
  ];
  const first = units.findIndex(([, count]) => count > 0);
  if (first === -1) return "0s";
  const shown = units.slice(first, first + 2).filter(([, count]) => count > 0);
  return shown.map(([unit, count]) => `${count}${unit}`).join(" ");
}

/** Returns the distance of an instant from now, in whole minutes from one minute on: `45s`, `3m`, `4d 3h`. */
export function formatAge(ms: number): string {
  return formatDuration(ms < MINUTE_MS ? ms : ms - (ms % MINUTE_MS));
}

const MINUTE_MS = 60_000;

/** The zone in which instants are shown. */
export type Zone = "utc" | "local";

/** Returns the name of the zone of shown times at an instant, as people say it: `UTC`, `CET`. */
export function formatZone(instant: string | number | Date, zone: Zone): string {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return "UTC";
  return DAYS[zone].formatToParts(date).find(({ type }) => type === "timeZoneName")?.value ?? "";
}

/**
 * Returns the name of the zone for each of these instants where a reader could take it for another one: UTC is shown far from it,
 * or the clock was changed between two of them. Empty texts otherwise: local times are those of the reader's own clock.
 */
export function nameZones(instants: readonly string[], zone: Zone): readonly string[] {
  const names = instants.map((at) => formatZone(at, zone));
  const isElsewhere = zone === "utc" && instants.some((at) => new Date(at).getTimezoneOffset() !== 0);
  if (!isElsewhere && new Set(names).size < 2) return names.map(() => "");
  return names.map((name, index) => (name === names[index - 1] ? "" : name));
}

/** Returns the time of an instant on its day, to the minute: `03:12`. */
export function formatClock(instant: string | number | Date, zone: Zone): string {
  return format(instant, CLOCKS[zone]);
}

/** Returns an instant to the second, and the same in UTC: `2026-11-20 04:12:04 CET (2026-11-20 03:12:04 UTC)`. */
export function formatFully(instant: string | number | Date, zone: Zone): string {
  const utc = `${formatInstant(instant, "utc")} UTC`;
  const name = formatZone(instant, zone);
  return name === "UTC" ? utc : `${formatInstant(instant, zone)} ${name} (${utc})`;
}

/** Returns the time of an instant on its day, to the second, such as that of a line of a log: `03:12:04`. */
export function formatTime(instant: string | number | Date, zone: Zone): string {
  return format(instant, TIMES[zone]);
}

/** Returns an instant with its date: `2026-11-20 03:12:04`. */
export function formatInstant(instant: string | number | Date, zone: Zone): string {
  return format(instant, INSTANTS[zone]);
}

/** Returns an instant as people say it: `Fri 2 Jan 09:00 CET`, with its year where that is not the year of `now`. */
export function formatDay(instant: string | number | Date, zone: Zone, now: number): string {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return String(instant);
  const parts = new Map(DAYS[zone].formatToParts(date).map(({ type, value }) => [type, value]));
  const [weekday, day, month, hour, minute, name] = DAY_PARTS.map((part) => parts.get(part) ?? "");
  const year = String(parts.get("year"));
  const isOther = year !== DAYS[zone].formatToParts(now).find(({ type }) => type === "year")?.value;
  return `${weekday} ${day} ${month} ${isOther ? `${year} ` : ""}${hour}:${minute} ${name}`;
}

/** Returns the day of an instant: `Thursday 1 January 2026`. */
export function formatDate(instant: string | number | Date, zone: Zone): string {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return String(instant);
  const parts = new Map(DATES[zone].formatToParts(date).map(({ type, value }) => [type, value]));
  return DATE_PARTS.map((part) => parts.get(part) ?? "").join(" ");
}

const DATE_PARTS = ["weekday", "day", "month", "year"] as const;

const DAY_PARTS = ["weekday", "day", "month", "hour", "minute", "timeZoneName"] as const;

const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
const DATE = { year: "numeric", month: "2-digit", day: "2-digit" } as const;

// Made once: a list of a hundred rows would otherwise spend more time on making formatters than on anything else.
const TIMES = createFormats(TIME);
const CLOCKS = createFormats({ hour: "2-digit", minute: "2-digit" });
const INSTANTS = createFormats({ ...DATE, ...TIME });
// British English names the zones of Europe and the short months in letters.
const DAYS = createFormats(
  {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  },
  "en-GB",
);

const DATES = createFormats({ weekday: "long", day: "numeric", month: "long", year: "numeric" }, "en-GB");

/** Swedish writes ISO dates and 24 hours. */
function createFormats(
  fields: Intl.DateTimeFormatOptions,
  language = "sv-SE",
): Readonly<Record<Zone, Intl.DateTimeFormat>> {
  return {
    utc: new Intl.DateTimeFormat(language, { ...fields, timeZone: "UTC" }),
    local: new Intl.DateTimeFormat(language, fields),
  };
}

function format(instant: string | number | Date, formatter: Intl.DateTimeFormat): string {
  const date = new Date(instant);
  return Number.isNaN(date.getTime()) ? String(instant) : formatter.format(date);
}
