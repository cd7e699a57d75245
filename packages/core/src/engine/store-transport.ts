import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Store } from "../ports/store.ts";
import type {
  ConsumeOptions,
  DeliveryOutcome,
  EventDelivery,
  Subscription,
  TaskDelivery,
  Transport,
} from "../ports/transport.ts";
import type { DueItem, DueKind } from "../ports/work-queue.ts";
import { createConsumer } from "./consumer.ts";
import type { Slots } from "./direct-path.ts";

/** What the transport works with. */
export interface StoreTransportDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Places of tasks that it shares with attempts that are claimed as they begin. */
  readonly slots?: Slots;
}

// What a process that dies has in hand is handed out again after this. Handling takes far less; when it does not, two
// processes decide the same events, and the second commit is a conflict or a duplicate.
const EVENT_LEASE_MS = 30_000;
const TASK_LEASE_MS = 30_000;
const MAX_BACK_OFF_MS = 60_000;
const TASK_KINDS: readonly DueKind[] = ["task", "poll", "lapsedLease"];

type EventItem = Extract<DueItem, { kind: "event" }>;
type TaskItem = Extract<DueItem, { kind: "task" | "poll" | "lapsedLease" }>;

/** The transport of embedded and Postgres yards: the outbox rows are the queue, nothing is copied. */
export function createStoreTransport(deps: StoreTransportDeps): Transport {
  const { store } = deps;
  return {
    capabilities: { maxDelayMs: Number.MAX_SAFE_INTEGER, runnersHaveStore: true, keepsOrder: true },
    async publish(events) {
      await store.enqueue(events);
    },
    // A commit has put the messages where consumers take them.
    sendTasks: () => Promise.resolve(),
    consumeEvents: (handler, options) => consumeEvents(deps, handler, options),
    consumeTasks: (handler, options) => consumeTasks(deps, handler, options),
  };
}

function consumeEvents(
  { store, clock, logger }: StoreTransportDeps,
  handler: (deliveries: readonly EventDelivery[]) => Promise<readonly DeliveryOutcome[]>,
  { batchSize, concurrency }: ConsumeOptions,
): Subscription {
  return createConsumer<EventItem>({
    store,
    clock,
    logger,
    kinds: ["event"],
    signal: "event",
    concurrency,
    leaseMs: EVENT_LEASE_MS,
    batchSize,
    // Events of one stack in one take go to one call, in order.
    toBatches: (items) => [items.filter((item): item is EventItem => item.kind === "event")],
    async handle(items) {
      const outcomes = await handler(
        items.map(({ event, receipt, deliveries }) => ({ event, storeReceipt: receipt, deliveries })),
      );
      await giveBackFailed(store, clock, items, outcomes);
    },
  });
}

function consumeTasks(
  { store, clock, logger, slots }: StoreTransportDeps,
  handler: (delivery: TaskDelivery) => Promise<DeliveryOutcome>,
  { concurrency }: ConsumeOptions,
): Subscription {
  return createConsumer<TaskItem>({
    store,
    clock,
    logger,
    kinds: TASK_KINDS,
    signal: "task",
    concurrency,
    slots,
    leaseMs: TASK_LEASE_MS,
    // Taking no more than there are free places keeps the others for whoever is free.
    batchSize: concurrency,
    toBatches: (items) => items.flatMap((item) => (isTask(item) ? [[item]] : [])),
    async handle([item]) {
      if (item === undefined) return;
      const deliveries = item.kind === "task" ? item.deliveries : 1;
      const outcome = await handler({ attemptId: item.attemptId, message: item.message, deliveries });
      await giveBackFailed(store, clock, [item], [outcome]);
    },
  });
}

function isTask(item: DueItem): item is TaskItem {
  return item.kind === "task" || item.kind === "poll" || item.kind === "lapsedLease";
}

/** A claim or a commit removes the rows of what went well; the others are handed out again, later and later. */
async function giveBackFailed(
  store: Store,
  clock: Clock,
  items: readonly (EventItem | TaskItem)[],
  outcomes: readonly DeliveryOutcome[],
): Promise<void> {
  const failed = items.filter((_, index) => outcomes[index]?.kind !== "done");
  const now = clock.now();
  for (const [backOffMs, group] of Map.groupBy(failed, toBackOffMs)) {
    await store.giveBack(
      group.map(({ receipt }) => receipt),
      now + backOffMs,
    );
  }
}

function toBackOffMs(item: EventItem | TaskItem): number {
  const deliveries = "deliveries" in item ? item.deliveries : 1;
  return Math.min(MAX_BACK_OFF_MS, 500 * 2 ** Math.min(deliveries, 10));
}
