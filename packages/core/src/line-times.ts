/** When a line of a log was logged. It holds for the lines after it too, up to the next one. */
export interface LogTime {
  /** Where the line begins, in bytes. */
  readonly at: number;
  /** Epoch milliseconds, in tenths of a second. */
  readonly time: number;
}

/** Returns the time of what begins at a byte: the last one up to there; undefined where none is known. */
export function findTime(times: readonly LogTime[], at: number): number | undefined {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle]?.at ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return times[low - 1]?.time;
}

/** Printed instead of an unknown time, so that the rest of each line is one column. */
const UNKNOWN = "-".padEnd("2026-11-26T12:00:00.0Z".length);

/** Formats the time of a line in UTC, as `2026-11-26T12:00:00.0Z`; always the same width. */
export function formatLogTime(time: number | undefined): string {
  return time === undefined ? UNKNOWN : new Date(time).toISOString().replace(/\d\dZ$/, "Z");
}
