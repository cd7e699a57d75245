import { readFile } from "node:fs/promises";
import { StackyardError } from "@stackyard/core";
import type { Problem } from "@stackyard/core/machine";
import { Temporal } from "temporal-polyfill";
import { type Calendar, type CalendarZone, isZoneName, parseCalendar } from "./calendar.ts";
import { evaluateHours } from "./calendar-hours.ts";
import { walkOpenSpans } from "./open-spans.ts";

/** A time in which a calendar is open, with the offset of the zone: `2026-11-26T09:00:00+01:00`. */
interface OpenTime {
  readonly from: string;
  /** The end, or undefined if it is more than a year away. */
  readonly to?: string;
}

/** The calendar to describe, and the instant from which on. */
export interface DescribeCalendarInput {
  /** Absolute. */
  readonly path: string;
  /** As people have given it. */
  readonly file: string;
  readonly zone: string | undefined;
  /** An instant as text. Default: `now`. */
  readonly at: string | undefined;
  readonly count: number;
  readonly now: number;
}

/** The description of a calendar, as JSON and as text. */
export interface CalendarDescription {
  readonly value: { readonly valid: boolean } & Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Describes when a calendar is open, or its problems. Throws `USAGE`, and `CONFIG_INVALID` for an unreadable file. */
export async function describeCalendar(input: DescribeCalendarInput): Promise<CalendarDescription> {
  const { path, file, count } = input;
  const start = input.at === undefined ? input.now : toInstant(input.at);
  const parsed = parseCalendar(await readFile(path, "utf8"));
  if (parsed.kind === "invalid") {
    const { problems } = parsed;
    return { value: { file, valid: false, problems }, text: formatInvalid(file, problems) };
  }
  const { calendar } = parsed;
  const zone = chooseZone(calendar.zone, input.zone, file);
  const { isOpen, changesAt: next } = evaluateHours(calendar, zone, start);
  const open = listOpenTimes(calendar, { zone, start, count });
  const at = format(start, zone);
  const changesAt = next === undefined ? undefined : format(next, zone);
  const state = `${isOpen ? "Open" : "Closed"} at ${toText(at)}`;
  const change =
    next === undefined || changesAt === undefined
      ? "; that does not change within a year"
      : `; ${isOpen ? "closes" : "opens"} at ${toText(changesAt)}, in ${formatWait(next - start)}`;
  return {
    value: { file, valid: true, zone, at, isOpen, changesAt, open },
    text: [`ok    ${file}  ${zone}`, `${state}${change}.`, "Open:", ...open.map(formatTime)].join("\n"),
  };
}

/** Formats a duration in days, hours and minutes, such as `1d 3h`. A part of a minute counts as one. */
function formatWait(ms: number): string {
  const { days, hours, minutes } = Temporal.Duration.from({ milliseconds: ms }).round({
    largestUnit: "days",
    smallestUnit: "minutes",
    roundingMode: "ceil",
  });
  const parts = { d: days, h: hours, m: minutes };
  return Object.entries(parts)
    .flatMap(([unit, count]) => (count > 0 ? [`${count}${unit}`] : []))
    .join(" ");
}

function toInstant(text: string): number {
  try {
    return Temporal.Instant.from(text).epochMilliseconds;
  } catch {
    throw new StackyardError("USAGE", `--at must be an instant with an offset, such as 2026-12-24T10:00:00Z.`);
  }
}

function chooseZone(zone: CalendarZone, given: string | undefined, file: string): string {
  if (given !== undefined && !isZoneName(given)) {
    throw new StackyardError("USAGE", `Unknown time zone ${JSON.stringify(given)}. Use a name such as Europe/Berlin.`);
  }
  if ("name" in zone) return given ?? zone.name;
  if (given !== undefined) return given;
  const message = `${file} has the zone of each stack: "metadata.${zone.metadata}". Name one with --zone.`;
  throw new StackyardError("USAGE", message);
}

interface OpenTimesInput {
  readonly zone: string;
  readonly start: number;
  readonly count: number;
}

function listOpenTimes(calendar: Calendar, { zone, start, count }: OpenTimesInput): readonly OpenTime[] {
  const times: OpenTime[] = [];
  for (const { from, to } of walkOpenSpans(calendar, zone, start)) {
    times.push({ from: format(from, zone), ...(to === undefined ? {} : { to: format(to, zone) }) });
    if (times.length === count) break;
  }
  return times;
}

/** Formats an instant with the offset that the zone has then. */
function format(at: number, timeZone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(at).toString({ timeZone, smallestUnit: "second" });
}

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** `Thu 2026-11-26 09:00 +01:00` */
function toText(instant: string): string {
  const [date = "", time = ""] = instant.split("T");
  const day = DAYS[Temporal.PlainDate.from(date).dayOfWeek - 1];
  return `${day} ${date} ${time.slice(0, 5)} ${time.slice(8)}`;
}

function formatTime({ from, to }: OpenTime): string {
  return `  ${toText(from)}  to  ${to === undefined ? "no end within a year" : toText(to)}`;
}

function formatInvalid(file: string, problems: readonly Problem[]): string {
  const lines = problems.map(({ line, column, path, code, message }) => {
    return `  ${line}:${column}  ${code}  ${path === "" ? message : `${path}: ${message}`}`;
  });
  return [`FAIL  ${file}`, ...lines].join("\n");
}
