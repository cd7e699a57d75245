import type { Zone } from "./durations.ts";

const MINUTE_MS = 60_000;

/** Returns an instant as a field for a date and time has it, to a minute, in the zone in which the page shows times. */
export function toPickedTime(instant: string, zone: Zone): string {
  const at = Date.parse(instant);
  if (Number.isNaN(at)) return "";
  const offset = zone === "utc" ? 0 : new Date(at).getTimezoneOffset();
  return new Date(at - offset * MINUTE_MS).toISOString().slice(0, 16);
}

/** Returns the instant of such a field; undefined when it is empty. */
export function parsePickedTime(text: string, zone: Zone): string | undefined {
  // Without a zone, a date with a time is local (ECMA-262, "Date Time String Format").
  const at = new Date(zone === "utc" ? `${text}Z` : text);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** Names the zone of such a field. */
export function nameZone(zone: Zone): string {
  return zone === "utc" ? "UTC" : "local time";
}
