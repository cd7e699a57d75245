import type { Calendar } from "../calendars/calendar.ts";
import { isZoneName } from "../calendars/calendar.ts";
import { evaluateHours, isOpen } from "../calendars/calendar-hours.ts";
import { type Condition, closed, formatInstant, OPEN } from "../gate/condition.ts";
import type { HoldInput } from "../hold.ts";

/** A calendar, its name, and the present instant. */
export interface WindowInput {
  readonly name: string;
  readonly calendar: Calendar;
  readonly now: number;
}

/** Examines whether a calendar is open for a stack, in the stack's own zone where the calendar says so. */
export function examineWindow({ name, calendar, now }: WindowInput, { stackId, stack }: HoldInput): Condition {
  const zone = findZone(calendar, stack);
  if (zone === undefined) {
    const key = "metadata" in calendar.zone ? calendar.zone.metadata : "zone";
    const what = `The calendar "${name}" has the zone of each stack, and metadata.${key} of ${stackId} is not a time zone.`;
    return closed("GATE_UNAVAILABLE", `${what} Set it to a name such as Europe/Berlin.`);
  }
  // When it closes is not needed, and costs more.
  if (isOpen(calendar, zone, now)) return OPEN;
  const { changesAt } = evaluateHours(calendar, zone, now);
  const until = changesAt === undefined ? "and does not open within a year" : `until ${formatInstant(changesAt)}`;
  const way = `Change calendars/${name}.yaml to send earlier.`;
  return closed("WINDOW_CLOSED", `The calendar "${name}" is closed ${until} (${zone}). ${way}`, changesAt);
}

function findZone({ zone }: Calendar, stack: HoldInput["stack"]): string | undefined {
  if ("name" in zone) return zone.name;
  const named = stack?.metadata[zone.metadata];
  return typeof named === "string" && isZoneName(named) ? named : undefined;
}
