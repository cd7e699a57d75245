import type { QueuedEvent } from "../../ports/stack-store.ts";

/** An event as a queue beside the store hands it out. */
export interface QueueDelivery {
  readonly event: QueuedEvent;
  readonly receipt: number;
  readonly deliveries: number;
}

/**
 * A queue service that knows nothing of the store: events of one stack in order, at least once. What was handed out and
 * not answered in time is handed out again.
 */
export interface SimulatedQueue {
  send(event: QueuedEvent): void;
  receive(limit: number): readonly QueueDelivery[];
  /** The event that is gone now; undefined when it was gone before. */
  remove(receipt: number): QueuedEvent | undefined;
  giveBack(receipt: number, inMs: number): void;
  /** When there is something to receive; may be early. */
  nextDueAt(): number | undefined;
}

interface Row {
  readonly event: QueuedEvent;
  readonly receipt: number;
  visibleAt: number;
  deliveries: number;
}

/** How long a message is out before it is handed out again. */
const VISIBILITY_MS = 30_000;

/** An empty queue; `now` is its own clock. */
export function createSimulatedQueue(now: () => number): SimulatedQueue {
  const rows = new Map<number, Row>();
  let receipts = 0;
  return {
    send(event) {
      receipts += 1;
      rows.set(receipts, { event, receipt: receipts, visibleAt: now(), deliveries: 0 });
    },
    receive(limit) {
      const taken = listVisible(rows.values(), now()).slice(0, limit);
      for (const row of taken) {
        row.visibleAt = now() + VISIBILITY_MS;
        row.deliveries += 1;
      }
      return taken.map(({ event, receipt, deliveries }) => ({ event, receipt, deliveries }));
    },
    remove(receipt) {
      const row = rows.get(receipt);
      rows.delete(receipt);
      return row?.event;
    },
    giveBack(receipt, inMs) {
      const row = rows.get(receipt);
      if (row !== undefined) row.visibleAt = now() + inMs;
    },
    nextDueAt() {
      const firsts = listFirsts(rows.values());
      return firsts.length === 0 ? undefined : Math.min(...firsts.map(({ visibleAt }) => visibleAt));
    },
  };
}

/** While one of a stack's events is out, no later one of it is handed out. */
function listVisible(rows: Iterable<Row>, now: number): readonly Row[] {
  const blocked = new Set<string>();
  return [...rows].filter((row) => {
    if (row.visibleAt > now) blocked.add(row.event.stackId);
    return !blocked.has(row.event.stackId);
  });
}

function listFirsts(rows: Iterable<Row>): readonly Row[] {
  const firsts = new Map<string, Row>();
  for (const row of rows) if (!firsts.has(row.event.stackId)) firsts.set(row.event.stackId, row);
  return [...firsts.values()];
}
