import type { DeliveryOutcome, EventDelivery } from "../../ports/transport.ts";
import type { KeyOf } from "./call-keys.ts";
import type { Life } from "./operation.ts";
import type { Scheduler } from "./scheduler.ts";
import type { QueueDelivery, SimulatedQueue } from "./simulated-queue.ts";

/** What a process receives events with from a queue beside the store. */
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
