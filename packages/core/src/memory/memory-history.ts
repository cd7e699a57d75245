import type { Page, PageInput } from "../ports/records.ts";
import type { StackQueries } from "../ports/stack-queries.ts";
import type { HistoryEntry, StoredHistoryEntry } from "../ports/stack-store.ts";
import { toPage } from "./memory-lists.ts";

type HistoryFilter = Parameters<StackQueries["listHistory"]>[0];

/** The yard's history, found by stack and by event. */
export interface MemoryHistory {
  append(entry: HistoryEntry): void;
  list(filter: HistoryFilter, page: PageInput): Page<StoredHistoryEntry>;
  /** Removes the oldest lines from before that instant; true when more is left. */
  prune(before: number, limit: number): boolean;
}

type Lines = StoredHistoryEntry[];

const NONE: Lines = [];

/** Lines in order of positions, three times: all, by stack and by event. */
export function createMemoryHistory(): MemoryHistory {
  const all: Lines = [];
  const byStack = new Map<string, Lines>();
  const byEvent = new Map<string, Lines>();
  let position = 0;

  function findLines({ stackId, eventId }: HistoryFilter): Lines {
    if (eventId === undefined) return stackId === undefined ? all : (byStack.get(stackId) ?? NONE);
    const lines = byEvent.get(eventId) ?? NONE;
    return stackId === undefined ? lines : lines.filter((line) => line.stackId === stackId);
  }

  return {
    append(entry) {
      position += 1;
      const line = Object.freeze({ ...entry, position });
      all.push(line);
      addTo(byStack, line.stackId, line);
      addTo(byEvent, line.eventId, line);
    },
    list(filter, page) {
      const lines = walk(findLines(filter), filter.newestFirst ?? false, page.cursor);
      return toPage(lines, page, (line) => String(line.position));
    },
    prune(before, limit) {
      const end = all.findIndex(({ at }, index) => at >= before || index === limit);
      const old = all.splice(0, end === -1 ? all.length : end);
      for (const line of old) {
        removeFrom(byStack, line.stackId, line);
        removeFrom(byEvent, line.eventId, line);
      }
      return old.length === limit && (all[0]?.at ?? before) < before;
    },
  };
}

function addTo(index: Map<string, Lines>, key: string, line: StoredHistoryEntry): void {
  const lines = index.get(key);
  if (lines === undefined) index.set(key, [line]);
  else lines.push(line);
}

function removeFrom(index: Map<string, Lines>, key: string, line: StoredHistoryEntry): void {
  const lines = index.get(key);
  if (lines === undefined) return;
  lines.splice(lines.indexOf(line), 1);
  if (lines.length === 0) index.delete(key);
}

function* walk(lines: Lines, newestFirst: boolean, cursor: string | undefined): Generator<StoredHistoryEntry> {
  const step = newestFirst ? -1 : 1;
  for (let index = findStart(lines, newestFirst, cursor); index >= 0 && index < lines.length; index += step) {
    const line = lines[index];
    if (line !== undefined) yield line;
  }
}

/** The index of the first line after the cursor, in the direction of the walk. */
function findStart(lines: Lines, newestFirst: boolean, cursor: string | undefined): number {
  if (cursor === undefined) return newestFirst ? lines.length - 1 : 0;
  const after = Number(cursor);
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const position = lines[middle]?.position ?? 0;
    if (newestFirst ? position < after : position <= after) low = middle + 1;
    else high = middle;
  }
  return newestFirst ? low - 1 : low;
}
