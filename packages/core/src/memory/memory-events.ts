import { createMemoryQueue, type DueSource, type TakenRow } from "../in-process/queue.ts";
import { toEventKey } from "../machine/event-message.ts";
import type { Page, PageInput } from "../ports/records.ts";
import type { QueuedEvent, SetAsideEvent } from "../ports/stack-store.ts";
import type { DueItem } from "../ports/work-queue.ts";
import { toPage } from "./memory-lists.ts";

/** The queued events. */
export interface MemoryEvents {
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

/** Events that were set aside. */
export interface MemorySetAside {
  add(event: SetAsideEvent): void;
  /** The entry that is gone now. */
  remove(id: string): SetAsideEvent | undefined;
  list(filter: SetAsideFilter, page: PageInput): Page<SetAsideEvent>;
  prune(before: number): void;
  readonly size: number;
}

interface SetAsideFilter {
  readonly stackId?: string;
  readonly code?: string;
}

/** Few rows that people look at: lists walk through all of them. */
export function createMemorySetAside(): MemorySetAside {
  const rows = new Map<string, { readonly sequence: number; readonly entry: SetAsideEvent }>();
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
      for (const [id, { entry }] of rows) if (entry.setAsideAt < before) rows.delete(id);
    },
    get size() {
      return rows.size;
    },
  };
}
