import type { LogTime } from "@stackyard/core";
import type { LogPart, LogTimes } from "@stackyard/sdk";
import { createListeners } from "../api/listeners.ts";
import { byteLength } from "./log-buffer.ts";

/** Loads the times of a part of a log. */
type LoadTimes = (part: { readonly from: number; readonly to: number }) => Promise<LogTimes>;

/** The size of one request, in bytes of the log. */
const PIECE = 262_144;

/** The times of the part of a log that a page shows. */
export interface TimesReader {
  /** Changes when more is known; undefined until a part was loaded. */
  readonly getTimes: () => readonly LogTime[] | undefined;
  readonly subscribe: (listener: () => void) => () => void;
  /** Loads what is not known of a part. Requests follow one another; one that fails is made again with the next part. */
  readonly cover: (part: { readonly from: number; readonly to: number }) => Promise<void>;
  /** Takes over a part of the live stream. */
  readonly takePart: (part: LogPart) => void;
}

/** Returns a reader of times that a function loads. It knows nothing until a part is covered. */
export function createTimesReader(load: LoadTimes): TimesReader {
  let known: LogTimes | undefined;
  let queue: Promise<void> = Promise.resolve();
  const { subscribe, notify } = createListeners();
  const add = (part: LogTimes) => {
    known = known === undefined ? part : join(known, part);
    notify();
  };
  const coverNow = async (part: { readonly from: number; readonly to: number }) => {
    for (let next = findMissing(known, part); next !== undefined; next = findMissing(known, part)) {
      const loaded = await load(next);
      // A log whose end was masked may be shorter than what the page has of it.
      add({ ...loaded, ...next });
    }
  };
  return {
    getTimes: () => known?.times,
    subscribe,
    cover: (part) => {
      queue = queue.then(() => coverNow(part)).catch(() => undefined);
      return queue;
    },
    takePart({ offset, text, times = [] }) {
      if (known?.to === offset) add({ from: offset, to: offset + byteLength(text), times });
    },
  };
}

/** Returns the next piece of a part that is not known. A part far from what is known replaces it. */
function findMissing(
  known: LogTimes | undefined,
  { from, to }: { readonly from: number; readonly to: number },
): { readonly from: number; readonly to: number } | undefined {
  if (from >= to) return undefined;
  if (known === undefined || known.to < from || known.from > to) return { from, to: Math.min(to, from + PIECE) };
  if (from < known.from) return { from: Math.max(from, known.from - PIECE), to: known.from };
  return known.to < to ? { from: known.to, to: Math.min(to, known.to + PIECE) } : undefined;
}

/** Joins parts that follow each other; else the later one remains. */
function join(known: LogTimes, part: LogTimes): LogTimes {
  if (known.to === part.from) return { from: known.from, to: part.to, times: [...known.times, ...part.times] };
  if (part.to === known.from) return { from: part.from, to: known.to, times: [...part.times, ...known.times] };
  return part;
}
