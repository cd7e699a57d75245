import { createMemoryQueue, type TakenRow } from "../../in-process/queue.ts";
import type { QueuedEvent } from "../../ports/stack-store.ts";
import type { DeliveryOutcome, EventDelivery } from "../../ports/transport.ts";
import type { KeyOf } from "./call-keys.ts";
import type { Life, Scheduler } from "./scheduler.ts";

/**
 * A queue service that is independent of the store: events of one stack in order, at least once. Events that were
 * delivered and not acknowledged in time are delivered again.
 */
export interface SimulatedQueue {
  send(event: QueuedEvent): void;
  receive(limit: number): readonly TakenRow<QueuedEvent>[];
  /** Removes an event and returns it; undefined when it was removed before. */
  remove(receipt: string): QueuedEvent | undefined;
  giveBack(receipt: string, inMs: number): void;
  /** Returns when there is an event to receive; may be early. */
  nextDueAt(): number | undefined;
}

/** The time for which a message is hidden before it is delivered again. */
const VISIBILITY_MS = 30_000;

/** Creates an empty queue; `now` is its own clock. */
export function createSimulatedQueue(now: () => number): SimulatedQueue {
  const queue = createMemoryQueue<QueuedEvent>("queue");
  let takes = 0;
  return {
    send: (event) => void queue.add(event, { lane: event.stackId, dueAt: now() }),
    receive(limit) {
      takes += 1;
      const take = { number: takes, now: now(), leaseMs: VISIBILITY_MS };
      return Array.from({ length: limit }, () => queue.takeOne(take)).filter((row) => row !== undefined);
    },
    remove: queue.remove,
    giveBack: (receipt, inMs) => queue.giveBack(receipt, now() + inMs),
    nextDueAt: queue.nextDueAt,
  };
}

/** Receives the events of a queue outside the store in a process. */
export interface QueueLoopInput {
  readonly queue: SimulatedQueue;
  readonly incarnation: Life;
  readonly keyOf: KeyOf;
  readonly scheduler: Scheduler;
  /** Tells that these events have left the queue. */
  readonly noteGone: (receipts: readonly string[]) => Promise<void>;
  readonly handle: (deliveries: readonly EventDelivery[]) => Promise<readonly DeliveryOutcome[]>;
}

const LIMIT = 10;
const RETRY_AFTER_MS = 1_000;
const IDLE_MS = 1_000;

/** Receives, handles and acknowledges, until the process ends or stops. */
export async function runQueueLoop(input: QueueLoopInput, stopping: AbortSignal): Promise<void> {
  const { scheduler, keyOf, incarnation } = input;
  while (!stopping.aborted) {
    try {
      const received = await receive(input);
      if (received.length === 0) await scheduler.idle("queue", keyOf("queue idle"), incarnation, IDLE_MS, stopping);
      else await work(input, received);
    } catch {
      // Received events are delivered again without further action.
      await scheduler.sleep(keyOf("queue sleep"), incarnation, RETRY_AFTER_MS, stopping);
    }
  }
}

function receive({ queue, scheduler, keyOf, incarnation }: QueueLoopInput): Promise<readonly TakenRow<QueuedEvent>[]> {
  return scheduler.enter({
    key: keyOf("queue receive"),
    incarnation,
    describe: () => "",
    act: () => queue.receive(LIMIT),
  });
}

async function work(input: QueueLoopInput, received: readonly TakenRow<QueuedEvent>[]): Promise<void> {
  const { queue, scheduler, keyOf, incarnation } = input;
  const outcomes = await input.handle(received.map(({ value: event, deliveries }) => ({ event, deliveries })));
  const done = received.filter((_, index) => outcomes[index]?.kind === "done").map(({ receipt }) => receipt);
  await scheduler.enter({
    key: keyOf("queue answer"),
    incarnation,
    describe: () => done.join(", "),
    async act() {
      for (const { receipt } of received) if (!done.includes(receipt)) queue.giveBack(receipt, RETRY_AFTER_MS);
      await input.noteGone(done);
    },
  });
}
