import { createMemoryQueue, type DueSource, type TakenRow } from "../in-process/queue.ts";
import { toEventKey } from "../machine/event-message.ts";
import type { Page, PageInput } from "../ports/records.ts";
import type { DeadLetter, DueItem, HistoryEntry, QueuedEvent, StoredHistoryEntry } from "../ports/stack-store.ts";
import type { HistoryFilter } from "../ports/store.ts";
import { toPage } from "./memory-lists.ts";

/** The queued events. */
interface MemoryEvents {
  /** False when the event is queued already. */
  add(event: QueuedEvent, notBefore?: number): boolean;
  remove(receipt: string): void;
  giveBack(receipt: string, visibleAt: number): void;
  /** True when events of the stack are queued besides those with these receipts. */
  hasOthers(stackId: string, except: readonly string[]): boolean;
  readonly source: DueSource;
  readonly size: number;
}

/** A queue whose lanes are the stacks, with the keys of what is in it. */
export function createMemoryEvents(): MemoryEvents {
  const queue = createMemoryQueue<QueuedEvent>("event");
  const keys = new Set<string>();
  return {
    add(event, notBefore) {
      const key = toStackKey(event);
      if (keys.has(key)) return false;
      keys.add(key);
      const { stackId: lane, receivedAt } = event;
      queue.add(event, notBefore === undefined ? { lane, dueAt: receivedAt } : { lane, ...toDelay(notBefore) });
      return true;
    },
    remove(receipt) {
      const event = queue.remove(receipt);
      if (event !== undefined) keys.delete(toStackKey(event));
    },
    giveBack: queue.giveBack,
    hasOthers: (stackId, except) => queue.hasOthers(stackId, new Set(except)),
    source: {
      findDueAt: queue.findDueAt,
      takeOne(take) {
        const row = queue.takeOne(take);
        return row && toItem(row);
      },
      nextDueAt: queue.nextDueAt,
    },
    get size() {
      return queue.size;
    },
  };
}

function toStackKey(event: QueuedEvent): string {
  return `${event.stackId}\u0000${toEventKey(event)}`;
}

function toDelay(notBefore: number) {
  return { dueAt: notBefore, visibleAt: notBefore };
}

function toItem({ receipt, value: event, deliveries }: TakenRow<QueuedEvent>): DueItem {
  return { kind: "event", receipt, event, deliveries };
}

/** Dead letters. */
interface MemoryDeadLetters {
  add(event: DeadLetter): void;
  /** The entry that is gone now. */
  remove(id: string): DeadLetter | undefined;
  list(filter: DeadLetterFilter, page: PageInput): Page<DeadLetter>;
  prune(before: number): void;
  readonly size: number;
}

interface DeadLetterFilter {
  readonly stackId?: string;
  readonly code?: string;
}

/** Few rows that people look at: lists walk through all of them. */
export function createMemoryDeadLetters(): MemoryDeadLetters {
  const rows = new Map<string, { readonly sequence: number; readonly entry: DeadLetter }>();
  let sequence = 0;

  return {
    add(entry) {
      sequence += 1;
      rows.set(entry.id, { sequence, entry });
    },
    remove(id) {
      const row = rows.get(id);
      rows.delete(id);
      return row?.entry;
    },
    list({ stackId, code }, page) {
      const before = page.cursor === undefined ? Number.POSITIVE_INFINITY : Number(page.cursor);
      const found = [...rows.values()].filter(
        ({ sequence: place, entry }) =>
          place < before &&
          (stackId === undefined || stackId === entry.event.stackId) &&
          (code === undefined || code === entry.code),
      );
      const listed = toPage(found.reverse(), page, (row) => String(row.sequence));
      return { ...listed, items: listed.items.map(({ entry }) => entry) };
    },
    prune(before) {
      for (const [id, { entry }] of rows) if (entry.deadLetteredAt < before) rows.delete(id);
    },
    get size() {
      return rows.size;
    },
  };
}

/** The yard's history, found by stack and by event. */
interface MemoryHistory {
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
