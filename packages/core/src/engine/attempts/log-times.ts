import { findTime, type LogTime } from "../../line-times.ts";

/** The resolution of times, in milliseconds: lines that follow each other faster share one. */
export const TIME_STEP_MS = 100;
/** The share of a chunk for its times: at most one byte in so many, plus `SPARE_BYTES`. */
const SHARE = 16;
const SPARE_BYTES = 64;

/** The times of a chunk. */
export interface ChunkTimes {
  /** As stored: `1z141z3.0,2s.1f`: for each line its distance in tenths of a second and in bytes, in base 36. */
  readonly text: string;
  /** The last one of the text. */
  readonly last?: LogTime;
}

export const NO_TIMES: ChunkTimes = { text: "" };

/** Where a chunk begins, and how much of it there is, in bytes. */
interface ChunkPlace {
  readonly from: number;
  readonly bytes: number;
}

/**
 * Returns the times of a chunk with a further one; the same when that says nothing new, or when the times would take more
 * than a sixteenth of the chunk: then a line has the time of one shortly before it.
 */
export function addTime(known: ChunkTimes, { from, bytes }: ChunkPlace, next: LogTime): ChunkTimes {
  const { text, last } = known;
  const tenths = Math.floor(next.time / TIME_STEP_MS);
  const added = { at: next.at, time: tenths * TIME_STEP_MS };
  if (last === undefined) return { text: toMark(tenths, next.at - from), last: added };
  const later = tenths - last.time / TIME_STEP_MS;
  if (later === 0 || next.at <= last.at) return known;
  const longer = `${text},${toMark(later, next.at - last.at)}`;
  return longer.length > bytes / SHARE + SPARE_BYTES ? known : { text: longer, last: added };
}

function toMark(tenths: number, bytes: number): string {
  return `${tenths.toString(36)}.${bytes.toString(36)}`;
}

/** Returns the times of a part of a log as those of a chunk. It begins with the one that holds at its start. */
export function toChunkTimes(all: readonly LogTime[], chunk: ChunkPlace): ChunkTimes {
  const { from, bytes } = chunk;
  const first = findTime(all, from);
  const start = first === undefined ? NO_TIMES : addTime(NO_TIMES, chunk, { at: from, time: first });
  const inside = all.filter(({ at }) => at > from && at < from + bytes);
  return inside.reduce((times, next) => addTime(times, chunk, next), start);
}

const MARK = /^(-?[0-9a-z]{1,10})\.([0-9a-z]{1,10})$/;

/** Returns the times of a chunk that begins at `from`. What cannot be read ends the list: it may be of a later version. */
export function parseTimes(times: unknown, from: number): readonly LogTime[] {
  if (typeof times !== "string" || times === "") return [];
  const found: LogTime[] = [];
  let [at, tenths] = [from, 0];
  for (const part of times.split(",")) {
    const [, later = "", further = ""] = MARK.exec(part) ?? [];
    if (later === "") break;
    at += Number.parseInt(further, 36);
    tenths += Number.parseInt(later, 36);
    found.push({ at, time: tenths * TIME_STEP_MS });
  }
  return found;
}

/**
 * Returns the times for a text in which values were masked. Lines are found by their number; when there are more or fewer of
 * them, because a masked value had several, nothing is known any more.
 */
export function moveTimes(times: readonly LogTime[], before: string, after: string): readonly LogTime[] {
  if (times.length === 0 || before === after) return times;
  const [old, moved] = [listStarts(before), listStarts(after)];
  if (old.length !== moved.length) return [];
  const lineAt = new Map(old.map((at, line) => [at, line]));
  return times.flatMap(({ at, time }) => {
    const place = moved[lineAt.get(at) ?? -1];
    return place === undefined ? [] : [{ at: place, time }];
  });
}

/** Returns where the lines of a text begin, in bytes. */
function listStarts(text: string): readonly number[] {
  const starts = [0];
  let at = 0;
  for (const line of text.split("\n")) {
    at += Buffer.byteLength(line) + 1;
    starts.push(at);
  }
  return starts;
}
