import { createMemoryQueue, type DueSource } from "../in-process/queue.ts";
import { toEventKey } from "../machine/event-message.ts";
import type { Page, PageInput } from "../ports/records.ts";
import type { DeadLetter, HistoryEntry, QueuedEvent, StoredHistoryEntry } from "../ports/stack-store.ts";
import type { HistoryFilter } from "../ports/store.ts";
import { toStartPosition } from "../ports/store-helpers.ts";
import { toPage } from "./memory-lists.ts";

/** The queued events. */
export interface MemoryEvents {
  /** Adds an event. Returns false when it is queued already. */
  add(event: QueuedEvent, notBefore?: number): boolean;
  remove(receipt: string): void;
  giveBack(receipt: string, visibleAt: number): void;
  /** Returns true when events of the stack are queued besides those with these receipts. */
  hasOthers(stackId: string, except: readonly string[]): boolean;
  readonly source: DueSource;
  readonly size: number;
  /** When the first queued event was received. */
  readonly oldestAt: number | undefined;
}

/** Creates a queue whose lanes are the stacks, with the keys of its events. */
export function createMemoryEvents(): MemoryEvents {
  const queue = createMemoryQueue<QueuedEvent>("event");
  const keys = new Set<string>();
  return {
    add(event, notBefore) {
      const key = toStackKey(event);
      if (keys.has(key)) return false;
      keys.add(key);
      const { stackId: lane, receivedAt } = event;
      queue.add(event, { lane, dueAt: notBefore ?? receivedAt, visibleAt: notBefore ?? 0 });
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
        return row && { kind: "event", receipt: row.receipt, event: row.value, deliveries: row.deliveries };
      },
      nextDueAt: queue.nextDueAt,
    },
    get size() {
      return queue.size;
    },
    get oldestAt() {
      return queue.findFirst()?.receivedAt;
    },
  };
}

function toStackKey(event: QueuedEvent): string {
  return `${event.stackId}\u0000${toEventKey(event)}`;
}

/** Dead letters. */
export interface MemoryDeadLetters {
  add(event: DeadLetter): void;
  /** Removes an entry and returns it. */
  remove(id: string): DeadLetter | undefined;
  list(filter: DeadLetterFilter, page: PageInput): Page<DeadLetter>;
  prune(before: number): void;
  readonly size: number;
}

interface DeadLetterFilter {
  readonly stackId?: string;
  readonly code?: string;
}

/** Creates the dead letters, a few rows for people: lists walk through all of them. */
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
      const before = toStartPosition(page.cursor, true);
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

/** The yard's history. */
export interface MemoryHistory {
  append(entry: HistoryEntry): void;
  list(filter: HistoryFilter, page: PageInput): Page<StoredHistoryEntry>;
  /** Removes the oldest lines from before that instant; true when more is left. */
  prune(before: number, limit: number): boolean;
}

/** Creates the history: lines in order of positions, and also by stack, which is the most common query. */
export function createMemoryHistory(): MemoryHistory {
  let all: StoredHistoryEntry[] = [];
  const byStack = new Map<string, StoredHistoryEntry[]>();
  let position = 0;

  return {
    append(entry) {
      position += 1;
      const line = Object.freeze({ ...entry, position });
      all.push(line);
      const ofStack = byStack.get(line.stackId);
      if (ofStack === undefined) byStack.set(line.stackId, [line]);
      else ofStack.push(line);
    },
    list({ stackId, eventId, newestFirst = false }, page) {
      const start = toStartPosition(page.cursor, newestFirst);
      const lines = stackId === undefined ? all : (byStack.get(stackId) ?? []);
      const found = lines.filter(
        (line) =>
          (eventId === undefined || line.eventId === eventId) &&
          (newestFirst ? line.position < start : line.position > start),
      );
      return toPage(newestFirst ? found.reverse() : found, page, (line) => String(line.position));
    },
    prune(before, limit) {
      const end = all.findIndex(({ at }, index) => at >= before || index === limit);
      const old = end === -1 ? all : all.slice(0, end);
      const last = old.at(-1)?.position ?? 0;
      all = all.slice(old.length);
      for (const stackId of new Set(old.map((line) => line.stackId))) {
        const kept = byStack.get(stackId)?.filter((line) => line.position > last) ?? [];
        if (kept.length > 0) byStack.set(stackId, kept);
        else byStack.delete(stackId);
      }
      return old.length === limit && (all[0]?.at ?? before) < before;
    },
  };
}
