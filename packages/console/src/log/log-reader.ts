import type { AttemptLog, LogPart } from "@stackyard/sdk";
import { createListeners } from "../api/listeners.ts";
import { appendPart, byteLength, createBuffer, findLine, type LogBuffer, prependPart } from "./log-buffer.ts";

/** Loads a part of a log. */
export type LoadLog = (
  part: { readonly from: number; readonly to: number } | { readonly last: number },
) => Promise<AttemptLog>;

/** The state of a log. */
export interface LogState {
  readonly buffer: LogBuffer;
  /** Bytes of the whole log, as far as known. */
  readonly size: number;
  readonly status: "empty" | "loading" | "ready";
  /** The error of the last request; loaded lines stay. */
  readonly error?: unknown;
  /** A search goes through the log. */
  readonly searching?: true;
}

/** Which way a search goes. */
export type SearchDirection = "next" | "previous";

/** The size of one request, in bytes. */
export const PIECE = 262_144;
const CUT_NOTE = "… the beginning was cut …";

/** Reads a log by pieces around what is shown. Requests follow one another. */
export interface LogReader {
  readonly getState: () => LogState;
  readonly subscribe: (listener: () => void) => () => void;
  /** Shows the end, or the part around a byte. */
  readonly open: (at?: number) => Promise<void>;
  readonly loadEarlier: () => Promise<void>;
  readonly loadLater: () => Promise<void>;
  /** Asks whether the log has grown, and shows what is new when its end is shown: for a log whose parts do not come by the stream. */
  readonly refresh: () => Promise<void>;
  /** Takes over a part of the live stream. */
  readonly takePart: (part: LogPart) => void;
  /**
   * Returns the address of the next matching line, after or before a line; undefined when there is none up to the end
   * or the beginning. Without a line it begins at the other end. A later search ends this one.
   */
  readonly find: (
    fits: (line: string) => boolean,
    after: number | undefined,
    direction: SearchDirection,
  ) => Promise<number | undefined>;
}

/** Returns a reader of the log that a function loads. */
export function createLogReader(load: LoadLog): LogReader {
  let state: LogState = { buffer: createBuffer(0), size: 0, status: "empty" };
  let queue: Promise<void> = Promise.resolve();
  let search = 0;
  const { subscribe, notify } = createListeners();
  const getState = () => state;
  const setState = (change: Partial<LogState>) => {
    state = { ...state, ...change };
    notify();
  };
  const run = (request: () => Promise<void>): Promise<void> => {
    queue = queue.then(async () => {
      try {
        await request();
        const { error: _, ...rest } = state;
        state = { ...rest, status: "ready" };
      } catch (error) {
        state = { ...state, status: "ready", error };
      }
      setState({});
    });
    return queue;
  };
  const later = async () => setState(await loadAfter(load, getState));
  const takeSize = (size: number) => {
    const isAtEnd = state.buffer.to === state.size && state.status === "ready";
    if (size <= state.size) return;
    setState({ size });
    if (isAtEnd) void run(later);
  };
  const reader: LogReader = {
    getState,
    subscribe,
    open(at) {
      setState({ status: "loading" });
      return run(async () => {
        if (at === undefined) return setState(await loadEnd(load));
        setState(await loadFrom(load, at));
        setState(await loadBefore(load, getState));
      });
    },
    loadEarlier: () =>
      state.buffer.from === 0 ? Promise.resolve() : run(async () => setState(await loadBefore(load, getState))),
    loadLater: () => (state.buffer.to >= state.size ? Promise.resolve() : run(later)),
    async refresh() {
      if (state.status !== "ready") return;
      const grown = await load({ last: 1 }).catch(() => undefined);
      if (grown !== undefined) takeSize(grown.size);
    },
    takePart(part) {
      const end = part.offset + byteLength(part.text);
      const { buffer, size } = state;
      const isAtEnd = buffer.to === size && state.status === "ready";
      if (end <= size) return;
      if (isAtEnd && part.offset <= buffer.to) {
        const text = skipBytes(part.text, buffer.to - part.offset);
        setState({ buffer: appendPart(buffer, { from: buffer.to, to: end, text }), size: end });
      } else takeSize(end);
    },
    async find(fits, after, direction) {
      search += 1;
      const mine = search;
      setState({ searching: true });
      const found = await searchLog(reader, {
        fits,
        after,
        isNext: direction === "next",
        isCurrent: () => search === mine,
      });
      if (search !== mine) return undefined;
      const { searching: _, ...rest } = state;
      state = rest;
      setState({});
      return found;
    },
  };
  return reader;
}

type Change = Partial<LogState>;

async function loadEnd(load: LoadLog): Promise<Change> {
  const part = await load({ last: PIECE });
  return { buffer: appendPart(createBuffer(part.from), part), size: part.size };
}

async function loadFrom(load: LoadLog, from: number): Promise<Change> {
  const part = await load({ from, to: from + PIECE });
  return { buffer: appendPart(createBuffer(from), { ...part, from }), size: part.size };
}

// The live stream may add to the log while a request is under way.
async function loadAfter(load: LoadLog, getState: () => LogState): Promise<Change> {
  const { to } = getState().buffer;
  const part = await load({ from: to, to: to + PIECE });
  const { buffer, size } = getState();
  return { buffer: appendPart(buffer, part), size: Math.max(size, part.size) };
}

async function loadBefore(load: LoadLog, getState: () => LogState): Promise<Change> {
  const { from } = getState().buffer;
  if (from === 0) return {};
  const part = await load({ from: Math.max(0, from - PIECE), to: from });
  return { buffer: prependPart(getState().buffer, part) };
}

interface Search {
  readonly fits: (line: string) => boolean;
  readonly after: number | undefined;
  readonly isNext: boolean;
  readonly isCurrent: () => boolean;
}

/** Looks through what is kept, and then piece after piece through the rest. */
async function searchLog(reader: LogReader, search: Search): Promise<number | undefined> {
  const { after, isNext, isCurrent } = search;
  const { size } = reader.getState();
  const begin = after ?? (isNext ? 0 : Math.max(0, size - 1));
  if (size > 0 && findLine(reader.getState().buffer, begin) === -1) await reader.open(begin);
  let place = after;
  while (isCurrent()) {
    const { buffer } = reader.getState();
    const line = scan(buffer, search, place);
    if (line !== undefined) return line;
    place = isNext ? buffer.to - 1 : buffer.from;
    if (!(await loadFurther(reader, isNext))) return undefined;
  }
  return undefined;
}

/** Returns false when there is no more of the log in that direction. */
async function loadFurther(reader: LogReader, isNext: boolean): Promise<boolean> {
  const { from, to } = reader.getState().buffer;
  await (isNext ? reader.loadLater() : reader.loadEarlier());
  const { buffer, error } = reader.getState();
  return error === undefined && (buffer.from !== from || buffer.to !== to);
}

/** Returns the address of the first line that fits after a byte, or the last one before it. */
function scan(buffer: LogBuffer, { fits, isNext }: Search, place: number | undefined): number | undefined {
  const { lines } = buffer;
  const index = place === undefined ? -1 : findLine(buffer, place);
  if (isNext) return lines.slice(index + 1).find(({ text }) => fits(text))?.at;
  return (index === -1 ? lines : lines.slice(0, index)).findLast(({ text }) => fits(text))?.at;
}

function skipBytes(text: string, bytes: number): string {
  return bytes === 0 ? text : new TextDecoder().decode(new TextEncoder().encode(text).subarray(bytes));
}

/** Tells whether only the end of the log was kept. */
export function isTailOnly({ buffer }: LogState): boolean {
  return buffer.from === 0 && buffer.lines[0]?.text === CUT_NOTE;
}
