import type { LogTime } from "../../line-times.ts";
import { isMap } from "../../machine/json.ts";
import { shortHashOf } from "../../machine/short-hash.ts";
import type { Records, StoredRecord } from "../../ports/records.ts";
import { parseTimes } from "./log-times.ts";

/** Bytes of a full record. */
export const CHUNK_BYTES = 65_536;

/** One grant's part of the log. `bytes` is known when a later grant has begun. */
export interface LogSegment {
  readonly token: number;
  readonly bytes?: number;
}

/** A record of a segment. `from` is the offset of its first byte in the segment. */
export interface LogChunk {
  readonly from: number;
  readonly text: string;
  /** When its lines were logged, as `addTime` writes it. Missing when that is not known. */
  readonly times?: string;
}

/** The stored part of an attempt's whole log. */
export interface StoredLog {
  /** In bytes of UTF-8. */
  readonly size: number;
  /** Reads the bytes from `from` up to `to`, in parts of at most 64 KiB. Ends at a part that was deleted. */
  read(from: number, to: number): AsyncGenerator<Uint8Array, void>;
  /** Returns when the lines from `from` up to `to` were logged, beginning with the time that holds at `from`, if known. */
  times(from: number, to: number): Promise<readonly LogTime[]>;
}

/**
 * Returns the stored log of an attempt; undefined when there is none, because its tail contains the whole log or it is
 * too old.
 */
export async function findAttemptLog(
  records: Pick<Records, "get">,
  attemptId: string,
  now: number,
): Promise<StoredLog | undefined> {
  const attempt = shortHashOf(attemptId);
  const index = await records.get(toIndexKey(attempt), now);
  const { segments, bytes: size } = await measureAll(records, attempt, index, now);
  if (segments.length === 0) return undefined;
  return {
    size,
    async *read(from, to) {
      let start = 0;
      for (const { token, bytes } of segments) {
        const range = { from: Math.max(from - start, 0), to: Math.min(to - start, bytes) };
        if (range.from < range.to) yield* readSegment(records, attempt, { token, now, ...range });
        start += bytes;
      }
    },
    async times(from, to) {
      let start = 0;
      const found: LogTime[] = [];
      for (const { token, bytes } of segments) {
        const range = { from: Math.max(from - start, 0), to: Math.min(to - start, bytes) };
        for (const { at, time } of range.from < range.to
          ? await readTimes(records, attempt, { token, now, ...range })
          : []) {
          found.push({ at: at + start, time });
        }
        start += bytes;
      }
      return found;
    },
  };
}

interface SegmentRange {
  readonly token: number;
  readonly now: number;
  readonly from: number;
  readonly to: number;
}

async function* readSegment(
  records: Pick<Records, "get">,
  attempt: string,
  { token, now, from, to }: SegmentRange,
): AsyncGenerator<Uint8Array, void> {
  let place = from;
  // Chunks are at most this long, so the offset is not before the chunk of that number.
  for (let n = Math.floor(from / CHUNK_BYTES); place < to; n += 1) {
    const record = await records.get(toChunkKey(attempt, token, n), now);
    if (!isChunk(record?.value)) return;
    const { from: start, text } = record.value;
    const bytes = Buffer.from(text);
    const part = bytes.subarray(place - start, to - start);
    if (part.byteLength > 0) yield part;
    place = Math.max(place, Math.min(to, start + bytes.byteLength));
  }
}

/** Returns the times of a part of a segment. Each chunk begins with the one that holds there. */
async function readTimes(
  records: Pick<Records, "get">,
  attempt: string,
  { token, now, from, to }: SegmentRange,
): Promise<readonly LogTime[]> {
  const all: LogTime[] = [];
  for (let [n, place] = [Math.floor(from / CHUNK_BYTES), from]; place < to; n += 1) {
    const value = (await records.get(toChunkKey(attempt, token, n), now))?.value;
    if (!isChunk(value)) break;
    all.push(...parseTimes(value.times, value.from));
    place = Math.max(place, value.from + Buffer.byteLength(value.text));
  }
  const first = all.findLast(({ at }) => at <= from);
  const later = all.filter(({ at }) => at > from && at < to);
  return first === undefined ? later : [{ at: from, time: first.time }, ...later];
}

/** Finds the last chunk of a segment of unknown size, by doubling and halving: chunks have no gaps. */
async function measure(
  records: Pick<Records, "get">,
  attempt: string,
  segment: LogSegment,
  now: number,
): Promise<{ readonly token: number; readonly bytes: number }> {
  const { token, bytes } = segment;
  if (bytes !== undefined) return { token, bytes };
  let last: LogChunk | undefined;
  const has = async (n: number) => {
    const value = (await records.get(toChunkKey(attempt, token, n), now))?.value;
    if (!isChunk(value)) return false;
    last = value;
    return true;
  };
  let low = -1;
  let high = 0;
  for (; await has(high); high = high * 2 + 1) low = high;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await has(middle)) low = middle;
    else high = middle;
  }
  return { token, bytes: last === undefined ? 0 : last.from + Buffer.byteLength(last.text) };
}

/** Returns the key of the list of the segments of an attempt. */
export function toIndexKey(attempt: string): string {
  return `log/${attempt}/index`;
}

/** Returns the key of a chunk of a segment. */
export function toChunkKey(attempt: string, token: number, n: number): string {
  return `log/${attempt}/${token}/${n}`;
}

/** Returns the segments of an index; an empty list without an index. */
export function parseSegments(record: StoredRecord | undefined): readonly LogSegment[] {
  const value = record?.value;
  const segments: unknown = isMap(value) ? value["segments"] : undefined;
  return Array.isArray(segments) ? segments.filter(isSegment) : [];
}

function isSegment(value: unknown): value is LogSegment {
  return isMap(value) && typeof value["token"] === "number";
}

/** Returns whether a value is a chunk. */
export function isChunk(value: unknown): value is LogChunk {
  return isMap(value) && typeof value["from"] === "number" && typeof value["text"] === "string";
}

/** Returns the segments of an index with their sizes, and the sum of these. */
export async function measureAll(
  records: Pick<Records, "get">,
  attempt: string,
  index: StoredRecord | undefined,
  now: number,
) {
  const segments = await Promise.all(parseSegments(index).map((each) => measure(records, attempt, each, now)));
  return { segments, bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0) };
}
