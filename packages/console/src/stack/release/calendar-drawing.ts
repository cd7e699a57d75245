import type { ReleaseCalendar } from "@stackyard/sdk";
import { holdsAll } from "./release-holds.ts";

/** A part of the line of time. */
interface Part {
  readonly x: number;
  readonly width: number;
}

/** The hours of a window on a line of time, in a box of these units. */
export interface CalendarDrawing {
  /** When the window is open. */
  readonly spans: readonly Part[];
  /** When a freeze holds all stacks. */
  readonly holds: readonly (Part & { readonly name: string })[];
  /** Where now is. */
  readonly present: number;
}

export const WIDTH = 600;
export const HEIGHT = 20;

/** Returns when a window is open between the ends of its calendar, and which freezes hold then. */
export function toCalendarDrawing(
  { open }: Pick<ReleaseCalendar["windows"][number], "open">,
  { from, to, freezes }: Pick<ReleaseCalendar, "from" | "to" | "freezes">,
  now: number,
): CalendarDrawing {
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  const toX = (at: number) => Math.round(((Math.min(Math.max(at, begin), end) - begin) / (end - begin)) * WIDTH);
  const toPart = (first: number, last: number): Part => ({ x: toX(first), width: toX(last) - toX(first) });
  return {
    spans: open.map((span) => toPart(Date.parse(span.from), Date.parse(span.to))),
    holds: freezes.filter(holdsAll).map((freeze) => ({
      name: freeze.name,
      ...toPart(Date.parse(freeze.startedAt), freeze.to === undefined ? end : Date.parse(freeze.to)),
    })),
    present: toX(now),
  };
}
