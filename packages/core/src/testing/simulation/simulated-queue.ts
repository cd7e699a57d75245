import type { QueuedEvent } from "../../ports/stack-store.ts";
import type { DeliveryOutcome, EventDelivery } from "../../ports/transport.ts";
import type { KeyOf } from "./call-keys.ts";
import type { Life, Scheduler } from "./scheduler.ts";

/** An event from a queue outside the store, as a consumer receives it. */
interface QueueDelivery {
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

/** Receives the events of a queue outside the store in a process. */
export interface QueueLoopInput {
  readonly queue: SimulatedQueue;
  readonly life: Life;
  readonly keyOf: KeyOf;
  readonly scheduler: Scheduler;
  /** Tells that these events have left the queue. */
  readonly noteGone: (receipts: readonly number[]) => Promise<void>;
  readonly handle: (deliveries: readonly EventDelivery[]) => Promise<readonly DeliveryOutcome[]>;
}

const LIMIT = 10;
const RETRY_AFTER_MS = 1_000;
const IDLE_MS = 1_000;

/** Receives, handles and answers, until the process ends or stops. */
export async function runQueueLoop(input: QueueLoopInput, stopping: AbortSignal): Promise<void> {
  const { scheduler, keyOf, life } = input;
  while (!stopping.aborted) {
    try {
      const received = await receive(input);
      if (received.length === 0) await scheduler.idle("queue", keyOf("queue idle"), life, IDLE_MS, stopping);
      else await work(input, received);
    } catch {
      // What was received is handed out again by itself.
      await scheduler.sleep(keyOf("queue sleep"), life, RETRY_AFTER_MS, stopping);
    }
  }
}

function receive({ queue, scheduler, keyOf, life }: QueueLoopInput): Promise<readonly QueueDelivery[]> {
  return scheduler.enter({ key: keyOf("queue receive"), life, tell: () => "", act: () => queue.receive(LIMIT) });
}

async function work(input: QueueLoopInput, received: readonly QueueDelivery[]): Promise<void> {
  const { queue, scheduler, keyOf, life } = input;
  const outcomes = await input.handle(received.map(({ event, deliveries }) => ({ event, deliveries })));
  const done = received.filter((_, index) => outcomes[index]?.kind === "done").map(({ receipt }) => receipt);
  await scheduler.enter({
    key: keyOf("queue answer"),
    life,
    tell: () => done.join(", "),
    async act() {
      for (const { receipt } of received) if (!done.includes(receipt)) queue.giveBack(receipt, RETRY_AFTER_MS);
      await input.noteGone(done);
    },
  });
}
