import type { Calendar } from "./calendar.ts";
import { isOpen, walkChanges } from "./calendar-hours.ts";

/** A time in which a calendar is open. Instants are epoch milliseconds. */
export interface OpenSpan {
  readonly from: number;
  readonly to: number;
}

/** Spans that are listed at most: a calendar may open every minute. */
const MOST_SPANS = 100;

/** Returns when a calendar is open between two instants, at most 100 times. Throws a `RangeError` for an unknown zone. */
export function listOpenSpans(
  hours: Pick<Calendar, "open" | "closed">,
  zone: string,
  { from, to }: OpenSpan,
): readonly OpenSpan[] {
  const spans: OpenSpan[] = [];
  for (const { from: opensAt, to: closesAt = to } of walkOpenSpans(hours, zone, from)) {
    if (opensAt >= to) break;
    spans.push({ from: opensAt, to: Math.min(closesAt, to) });
    if (spans.length === MOST_SPANS) break;
  }
  return spans;
}

/** Yields when a calendar is open from an instant on, the first time cut to it. One without `to` does not end within a year. */
export function* walkOpenSpans(
  hours: Pick<Calendar, "open" | "closed">,
  zone: string,
  from: number,
): Generator<Pick<OpenSpan, "from"> & Partial<OpenSpan>> {
  const isOpenFirst = isOpen(hours, zone, from);
  let opensAt = isOpenFirst ? from : undefined;
  for (const changesAt of walkChanges(hours, zone, { at: from, isOpen: isOpenFirst })) {
    if (opensAt !== undefined) yield { from: opensAt, to: changesAt };
    opensAt = opensAt === undefined ? changesAt : undefined;
  }
  if (opensAt !== undefined) yield { from: opensAt };
}
