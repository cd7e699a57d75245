import { EvaluationError } from "./evaluation-error.ts";
import type { Meter } from "./meter.ts";

const DAY_MS = 86_400_000;
const MIN_MS = -62_135_596_800_000;
const MAX_MS = 253_402_300_799_999;
// Looking a time zone up takes this many steps.
const ZONE_STEPS = 500;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** Functions of CEL that read an instant, as a field of the UTC date that shows the same digits. */
export const INSTANT_FIELDS: Readonly<Record<string, (date: Date) => number>> = {
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: (date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS),
  getFullYear: (date) => date.getUTCFullYear(),
  getHours: (date) => date.getUTCHours(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
  getMinutes: (date) => date.getUTCMinutes(),
  getMonth: (date) => date.getUTCMonth(),
  getSeconds: (date) => date.getUTCSeconds(),
};

/** The instant of RFC 3339 text. Anything else is refused, because JavaScript would read it in the zone of the machine. */
export function parseInstant(text: string): Date {
  return RFC3339.test(text) ? toInstant(Date.parse(text)) : refuseInstant();
}

/** The instant so many seconds after 1970. */
export function toInstantOfSeconds(seconds: bigint): Date {
  return toInstant(Number(seconds) * 1000);
}

/** RFC 3339 text, without a fraction that is zero. */
export function toInstantText(date: Date): string {
  return toInstant(date.getTime()).toISOString().replace(".000Z", "Z");
}

/** The UTC date that shows the digits of a clock in this zone (`Europe/Berlin`, `+05:30`). */
export function toZonedDate(date: Date, zone: string, meter: Meter): Date {
  meter.charge(ZONE_STEPS);
  const [, sign, hours, minutes] = /^([+-]?)(\d{1,2}):(\d{2})$/.exec(zone.slice(0, 64)) ?? [];
  if (hours === undefined) return toNamedZone(date, zone.slice(0, 64));
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return new Date(date.getTime() + (sign === "-" ? -offset : offset));
}

function toNamedZone(date: Date, timeZone: string): Date {
  const fields: Record<string, number> = {};
  for (const { type, value } of toFormat(timeZone).formatToParts(date)) fields[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second, date.getUTCMilliseconds()));
}

function toFormat(timeZone: string): Intl.DateTimeFormat {
  const digits = "numeric" as const;
  const fields = { year: digits, month: digits, day: digits, hour: digits, minute: digits, second: digits };
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone, hourCycle: "h23", calendar: "gregory", ...fields });
  } catch {
    throw new EvaluationError("there is no such time zone");
  }
}

function toInstant(ms: number): Date {
  return ms >= MIN_MS && ms <= MAX_MS ? new Date(ms) : refuseInstant();
}

function refuseInstant(): never {
  throw new EvaluationError("timestamp() needs RFC 3339 text such as 2030-01-31T09:00:00Z, or seconds since 1970");
}
