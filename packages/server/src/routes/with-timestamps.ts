import { findTime, formatLogTime } from "@stackyard/core";
import type { StoredLog } from "@stackyard/core/engine";

/** Bytes for which the times are read at once. */
const PART_BYTES = 262_144;

/** Yields a log with the time before each of its lines, as `2026-11-26T12:00:00.0Z text`. */
export async function* withTimestamps(log: StoredLog): AsyncGenerator<string, void> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let isAtStart = true;
  for (let from = 0; from < log.size; from += PART_BYTES) {
    const to = Math.min(log.size, from + PART_BYTES);
    const times = await log.times(from, to);
    let place = from;
    for await (const bytes of log.read(from, to)) {
      for (const line of splitLines(bytes)) {
        const text = decoder.decode(line, { stream: true });
        yield isAtStart ? `${formatLogTime(findTime(times, place))} ${text}` : text;
        isAtStart = line.at(-1) === LINE_FEED;
        place += line.byteLength;
      }
    }
  }
  yield decoder.decode();
}

const LINE_FEED = 10;

/** Yields the lines of a part, each with its line feed; the last may have none. */
function* splitLines(bytes: Uint8Array): Generator<Uint8Array, void> {
  let start = 0;
  while (start < bytes.byteLength) {
    const found = bytes.indexOf(LINE_FEED, start);
    const end = found === -1 ? bytes.byteLength : found + 1;
    yield bytes.subarray(start, end);
    start = end;
  }
}
