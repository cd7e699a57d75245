import type { Calendar } from "./calendar.ts";
import { evaluateHours } from "./calendar-hours.ts";

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
  for (let at = from; at < to && spans.length < MOST_SPANS; ) {
    const { isOpen, changesAt = to } = evaluateHours(hours, zone, at);
    const end = Math.min(changesAt, to);
    if (isOpen) spans.push({ from: at, to: end });
    at = end;
  }
  return spans;
}
