import { Cron } from "croner";

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

/** Returns the fault of the five fields of a schedule; undefined when there is none. */
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
    new Intl.DateTimeFormat("en-US", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns the first instant of a schedule that is later than `after`; undefined when there is none. A local time that
 * the clock skips in spring is due at the end of the gap, and one that occurs twice in autumn is due the first time
 * only. Schedules with several minutes an hour follow real time in both.
 */
export function nextOccurrence({ cron, zone }: CronSchedule, after: number): number | undefined {
  // "5-part" keeps the field of seconds out: a stack gets at most one event a minute from one timer.
  const schedule = new Cron(cron, { timezone: zone, mode: "5-part", paused: true });
  return schedule.nextRun(new Date(after))?.getTime();
}
