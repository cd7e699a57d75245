import { type Problem, parseYamlDocument, type YamlDocument } from "@stackyard/core/machine";
import { Temporal } from "temporal-polyfill";
import { type Static, Type } from "typebox";

const DAYS: readonly string[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY = `(${DAYS.join("|")})`;
const TIME = {
  pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$",
  expected: 'a time from "00:00" to "23:59"; "00:00" as "to" is the end of the day',
};
const NAMED_ZONE = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/;
const ZONE_OF_STACK = /^\$\{ *stack\.metadata\.([A-Za-z_][A-Za-z0-9_]*) *\}$/;

const Opening = Type.Object(
  {
    days: Type.String({
      pattern: `^${DAY}(-${DAY})?( *, *${DAY}(-${DAY})?)*$`,
      maxLength: 100,
      expected: 'days such as "mon-thu" or "mon, wed-fri"',
      description: "The days on which it begins, in the zone of the calendar",
    }),
    from: Type.String({ ...TIME, description: "The first minute that is open" }),
    to: Type.String({
      ...TIME,
      description: "The first minute that is closed again. Not later than `from`: on the next day",
    }),
  },
  { additionalProperties: false },
);

const DATE = { pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", expected: "a date such as 2026-12-24" };

const ClosedDates = Type.Object(
  {
    dates: Type.Array(Type.String(DATE), {
      minItems: 1,
      maxItems: 2,
      expected: "a list of one date, or of the first and the last",
      description: "One date, or the first and the last of several",
    }),
  },
  { additionalProperties: false },
);

/** The document of a calendar: `calendars/NAME.yaml`. */
const CalendarDocument = Type.Object(
  {
    version: Type.Literal(1),
    zone: Type.String({
      minLength: 1,
      maxLength: 100,
      description: `A time zone such as Europe/Berlin, or "\${stack.metadata.zone}": that of each stack`,
    }),
    open: Type.Array(Opening, { minItems: 1, maxItems: 100 }),
    closed: Type.Optional(Type.Array(ClosedDates, { maxItems: 1_000 })),
  },
  { additionalProperties: false },
);

/** A window that opens on some days of each week. */
export interface Opening {
  /** The weekday of the civil date on which it begins: 1 is Monday, 7 Sunday. */
  readonly days: ReadonlySet<number>;
  /** Minutes since midnight. */
  readonly from: number;
  /** Minutes since the midnight before `from`; above 1,440 on the next day. */
  readonly to: number;
}

/** Dates on which nothing is open, both included: `2026-12-24`. */
export interface ClosedRange {
  readonly first: string;
  readonly last: string;
}

/** When something is open, in civil days and times of a zone. */
export interface Calendar {
  readonly zone: CalendarZone;
  readonly open: readonly Opening[];
  /** In the order of their first dates. */
  readonly closed: readonly ClosedRange[];
}

/** One zone, or the key of the metadata in which each stack has its own. */
export type CalendarZone = { readonly name: string } | { readonly metadata: string };

/** A parsed calendar, or what is wrong with its document. */
export type ParsedCalendar =
  | { readonly kind: "calendar"; readonly calendar: Calendar }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] };

/** Reads the document of a calendar: YAML 1.2, at most 256 KiB. Never throws; problems have lines and what to do. */
export function parseCalendar(source: string): ParsedCalendar {
  const document = parseYamlDocument(source, CalendarDocument);
  const { value, problems } = document;
  if (value === undefined) return { kind: "invalid", problems };
  const faults = [...findZoneFault(document, value), ...findDateFaults(document, value)];
  return faults.length > 0 ? { kind: "invalid", problems: faults } : { kind: "calendar", calendar: toCalendar(value) };
}

/** Returns true for the name of a time zone that this runtime knows. Offsets such as `+02:00` have no name. */
export function isZoneName(zone: string): boolean {
  if (!NAMED_ZONE.test(zone)) return false;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return true;
  } catch {
    return false;
  }
}

type Content = Static<typeof CalendarDocument>;
type Document = YamlDocument<Content>;

function findZoneFault({ problemAt }: Document, { zone }: Content): readonly Problem[] {
  if (ZONE_OF_STACK.test(zone) || isZoneName(zone)) return [];
  const advice = `Use a name such as Europe/Berlin, or "\${stack.metadata.zone}".`;
  return [problemAt(["zone"], "unknown-zone", `Unknown time zone ${JSON.stringify(zone)}. ${advice}`)];
}

function findDateFaults({ problemAt }: Document, { closed = [] }: Content): readonly Problem[] {
  return closed.flatMap(({ dates }, index) => {
    const path = ["closed", String(index), "dates"];
    const missing = dates.flatMap((date, position) => {
      if (isDate(date)) return [];
      const message = `The date ${date} does not exist. Correct it, or remove it.`;
      return [problemAt([...path, String(position)], "unknown-date", message)];
    });
    const [first = "", last = first] = dates;
    if (missing.length > 0 || first <= last) return missing;
    return [problemAt(path, "invalid-range", `${last} is before ${first}. Write the first date first.`)];
  });
}

function isDate(date: string): boolean {
  try {
    Temporal.PlainDate.from(date, { overflow: "reject" });
    return true;
  } catch {
    return false;
  }
}

function toCalendar({ zone, open, closed = [] }: Content): Calendar {
  const [, key] = ZONE_OF_STACK.exec(zone) ?? [];
  const ranges = closed.map(({ dates: [first = "", last = first] }) => ({ first, last }));
  return {
    zone: key === undefined ? { name: zone } : { metadata: key },
    open: open.map(({ days, from, to }) => toOpening(days, toMinutes(from), toMinutes(to))),
    closed: ranges.toSorted((one, other) => (one.first < other.first ? -1 : 1)),
  };
}

const DAY_MINUTES = 1_440;

function toOpening(days: string, from: number, to: number): Opening {
  return { days: new Set(days.split(",").flatMap(toDays)), from, to: to > from ? to : to + DAY_MINUTES };
}

function toMinutes(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

/** `fri-mon` includes Saturday and Sunday. */
function toDays(range: string): readonly number[] {
  const [first = "", last = first] = range.trim().split("-");
  const from = toDay(first);
  const count = ((toDay(last) - from + 7) % 7) + 1;
  return Array.from({ length: count }, (_, index) => ((from - 1 + index) % 7) + 1);
}

function toDay(name: string): number {
  return DAYS.indexOf(name) + 1;
}
