import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";
import type { Store, StoreSignal } from "../ports/store.ts";
import type {
  ConsumeOptions,
  DeliveryOutcome,
  EventDelivery,
  Subscription,
  TaskDelivery,
  Transport,
} from "../ports/transport.ts";
import type { DueItem, DueKind } from "../ports/work-queue.ts";
import { backoff } from "../retry.ts";
import { createEventRoom, type EventRoom, type TakenRoom } from "./event-room.ts";
import { Slots } from "./slots.ts";

/** Dependencies of the transport. */
interface StoreTransportDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The slots of tasks, shared with attempts that are claimed when they begin. */
  readonly slots?: Slots;
  /** True: attempts may be claimed when they begin, so events wait briefly for slots for these attempts. */
  readonly isDirect?: boolean;
}

// When a process crashes, other processes receive its events and tasks after this time. Handling takes much less; if it
// takes longer, two processes decide the same events, and the second commit is a conflict or a duplicate.
const EVENT_LEASE_MS = 30_000;
const TASK_LEASE_MS = 30_000;
const MAX_BACK_OFF_MS = 60_000;
// A worker that has left an attempt for want of its executor lets others go first for a while: with each message it would
// be as fast as they are, and take it again and again.
const LEFT_KNOWN_MS = 60_000;
const BEHIND_MS = 500;
const TASK_KINDS: readonly DueKind[] = ["task", "poll", "lapsedLease"];

/** An event of the store's own queue. */
export type EventItem = Extract<DueItem, { kind: "event" }>;
/** An attempt whose message is due. */
export type TaskItem = Extract<DueItem, { kind: "task" | "poll" | "lapsedLease" }>;

/** Creates the transport of embedded and Postgres yards: the outbox rows are the queue, so messages are not copied. */
export function createStoreTransport(deps: StoreTransportDeps): Transport {
  const { store } = deps;
  return {
    capabilities: { maxDelayMs: Number.MAX_SAFE_INTEGER, everyRunnerClaims: true, keepsOrder: true },
    async publish(events) {
      await store.enqueue(events);
    },
    // The messages are rows of the commit, and consumers read them there.
    sendTasks: () => Promise.resolve(),
    consumeEvents: (handler, options) => consumeEvents(deps, handler, options),
    consumeTasks: (handler, options) => consumeTasks(deps, handler, options),
  };
}

function consumeEvents(
  { store, clock, logger, slots, isDirect = false }: StoreTransportDeps,
  handler: (deliveries: readonly EventDelivery[]) => Promise<readonly DeliveryOutcome[]>,
  { batchSize, concurrency }: ConsumeOptions,
): Subscription {
  // Small batches share one take, because each take is a separate statement.
  const takeSize = Math.max(batchSize, concurrency);
  return createConsumer<EventItem>({
    store,
    clock,
    logger,
    room: isDirect && slots !== undefined ? createEventRoom({ slots, clock, batchSize: takeSize }) : undefined,
    kinds: ["event"],
    signal: "event",
    concurrency,
    leaseMs: EVENT_LEASE_MS,
    batchSize,
    toBatches: (items) => (items.length === 0 ? [] : [items.filter(isEvent)]),
    async handle(items, room) {
      const end = room?.keepFor(items.map(toStackId));
      try {
        // Events of one stack go to one call, in order.
        const calls = items.length <= batchSize ? [items] : [...Map.groupBy(items, toStackId).values()];
        await Promise.all(calls.map((call) => decideQueued({ store, clock }, call, handler)));
      } finally {
        end?.();
      }
    },
  });
}

function consumeTasks(
  { store, clock, logger, slots, isDirect = false }: StoreTransportDeps,
  handler: (delivery: TaskDelivery) => Promise<DeliveryOutcome>,
  { concurrency }: ConsumeOptions,
): Subscription {
  let leftAt = Number.NEGATIVE_INFINITY;
  return createConsumer<TaskItem>({
    store,
    clock,
    logger,
    kinds: TASK_KINDS,
    signal: "task",
    behindMs: () => (clock.now() - leftAt < LEFT_KNOWN_MS ? BEHIND_MS : 0),
    concurrency,
    slots,
    // Leaves half of the free slots to events, because the queue of tasks is usually empty.
    mostPlaces: isDirect && slots !== undefined ? () => Math.ceil(slots.free / 2) : undefined,
    leaseMs: TASK_LEASE_MS,
    // Receives no more than there are free slots, and leaves the rest to processes with capacity.
    batchSize: concurrency,
    toBatches: (items) => items.flatMap((item) => (isTask(item) ? [[item]] : [])),
    async handle([item]) {
      if (item === undefined) return;
      const deliveries = item.kind === "task" ? item.deliveries : 1;
      const outcome = await handler({ attemptId: item.attemptId, message: item.message, deliveries });
      if (outcome.kind === "retry" && outcome.left === true) leftAt = clock.now();
      await giveBackFailed(store, clock, [item], [outcome]);
    },
  });
}

function toStackId({ event }: EventItem): string {
  return event.stackId;
}

/** Returns true for an event of the store's own queue. */
export function isEvent(item: DueItem): item is EventItem {
  return item.kind === "event";
}

/** Returns true for an attempt whose message is due. */
export function isTask(item: DueItem): item is TaskItem {
  return item.kind === "task" || item.kind === "poll" || item.kind === "lapsedLease";
}

/** Passes events of the store's own queue to the handler, and releases those that fail, to be received again later. */
export async function decideQueued(
  { store, clock }: { readonly store: Pick<Store, "release">; readonly clock: Clock },
  items: readonly EventItem[],
  handle: (deliveries: readonly EventDelivery[]) => Promise<readonly DeliveryOutcome[]>,
): Promise<void> {
  const outcomes = await handle(
    items.map(({ receipt, kind: _, ...delivery }) => ({ ...delivery, storeReceipt: receipt })),
  );
  await giveBackFailed(store, clock, items, outcomes);
}

/** Releases failed items with exponential backoff. A claim or a commit has removed the rows of the others. */
async function giveBackFailed(
  store: Pick<Store, "release">,
  clock: Clock,
  items: readonly (EventItem | TaskItem)[],
  outcomes: readonly DeliveryOutcome[],
): Promise<void> {
  const failed = items.flatMap((item, index) => {
    const outcome = outcomes[index];
    return outcome?.kind === "done" ? [] : [{ item, afterMs: outcome?.afterMs ?? toBackOffMs(item) }];
  });
  const now = clock.now();
  for (const [backOffMs, group] of Map.groupBy(failed, ({ afterMs }) => afterMs)) {
    await store.release(
      group.map(({ item }) => item.receipt),
      now + backOffMs,
    );
  }
}

function toBackOffMs(item: EventItem | TaskItem): number {
  const deliveries = "deliveries" in item ? item.deliveries : 1;
  return backoff(deliveries, { first: 1_000, most: MAX_BACK_OFF_MS });
}

/** The input of `createConsumer`. */
interface ConsumerInput<Item> {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly kinds: readonly DueKind[];
  /** The store's signal that wakes it. */
  readonly signal: StoreSignal["kind"];
  readonly batchSize: number;
  readonly concurrency: number;
  /** Slots that the consumer shares with other work. Default: `concurrency` separate slots. */
  readonly slots?: Slots | undefined;
  /** The most shared slots that one take may use. Default: all. */
  readonly mostPlaces?: (() => number) | undefined;
  /** Limits the events of a take to the attempts that can begin here. Default: no limit. */
  readonly room?: EventRoom | undefined;
  readonly leaseMs: number;
  /** How long work must have been due before it is taken. Default: not at all. */
  readonly behindMs?: () => number;
  readonly toBatches: (items: readonly DueItem[]) => readonly (readonly Item[])[];
  readonly handle: (batch: readonly Item[], room: TakenRoom | undefined) => Promise<void>;
}

// Without a signal (another process wrote) and without a due time, polls the store after this interval.
const IDLE_MS = 1_000;
const AFTER_ERROR_MS = 1_000;
// The time that a consumer waits for a signal before it asks the store when work is due: under load the next signal
// comes sooner. So it does not run in circles either where the store reports due work that another process has.
const ASK_AFTER_MS = 20;

/** Starts a loop that receives due work and handles it. The loop sleeps while the queue is empty. */
export function createConsumer<Item>(input: ConsumerInput<Item>): Subscription {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  const slots = input.slots ?? new Slots(input.concurrency);
  // Each task has a slot; the events of one take share one.
  const isEachPlaced = input.batchSize === input.concurrency;
  const wake = createWake(input, stopping.signal);
  // Events of a stack are not received while earlier ones are handled, and no signal comes when that ends.
  let isMoreHidden = false;
  const loop = run();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await turn();
      } catch (error) {
        input.logger.error("Work could not be received from the store.", { error });
        await input.clock.sleep(AFTER_ERROR_MS, stopping.signal);
      }
    }
    await Promise.all(running);
  }

  async function turn(): Promise<void> {
    const places = await takePlaces();
    if (places === 0) return;
    const room = await input.room?.take(stopping.signal);
    const limit = room?.limit ?? (isEachPlaced ? places : input.batchSize);
    let started = 0;
    let found = 0;
    try {
      wake.arm();
      isMoreHidden = input.kinds.includes("event") && running.size > 0;
      const items = await take(input, limit);
      found = items.length;
      started = await startAll(items, room);
    } finally {
      slots.release(places - started);
      if (started === 0) room?.release();
    }
    if (found < limit) await wake.wait();
  }

  async function takePlaces(): Promise<number> {
    const places = slots.take(isEachPlaced ? (input.mostPlaces?.() ?? input.concurrency) : 1);
    return places === 0 && (await slots.takeNext(stopping.signal)) ? 1 : places;
  }

  /** Returns how many slots the work has taken. */
  async function startAll(items: readonly DueItem[], room: TakenRoom | undefined): Promise<number> {
    if (stopping.signal.aborted) {
      await giveBack(input, items);
      return 0;
    }
    const batches = input.toBatches(items);
    for (const batch of batches) start(batch, room);
    return batches.length;
  }

  function start(batch: readonly Item[], room: TakenRoom | undefined): void {
    const work = input
      .handle(batch, room)
      .catch((error: unknown) => input.logger.error("Work failed; it is delivered again.", { error }))
      .finally(() => {
        running.delete(work);
        slots.release();
        if (isMoreHidden) wake.now();
      });
    running.add(work);
  }

  return {
    async stop() {
      stopping.abort();
      wake.now();
      await loop;
      wake.end();
    },
  };
}

function take<Item>(input: ConsumerInput<Item>, limit: number): Promise<readonly DueItem[]> {
  const { store, clock, kinds, leaseMs, behindMs } = input;
  return store.takeDue({ kinds, now: clock.now() - (behindMs?.() ?? 0), limit, leaseMs });
}

/** Releases work that was received during the stop, so that other processes receive it at once. */
async function giveBack<Item>({ store, clock }: ConsumerInput<Item>, items: readonly DueItem[]): Promise<void> {
  const receipts = items.flatMap((item) => ("receipt" in item ? [item.receipt] : []));
  if (receipts.length > 0) await store.release(receipts, clock.now());
}

/** Waits for a signal of the store or for the next due time. */
interface Wake {
  /** Forgets earlier signals. */
  arm(): void;
  wait(): Promise<void>;
  now(): void;
  end(): void;
}

function createWake<Item>(input: ConsumerInput<Item>, stopping: AbortSignal): Wake {
  let woken = false;
  let sleeping: AbortController | undefined;
  const now = () => {
    woken = true;
    sleeping?.abort("woken");
  };
  const end = input.store.watch(({ kind }) => {
    if (kind === input.signal) now();
  });
  return {
    arm() {
      woken = false;
    },
    async wait() {
      await sleep(ASK_AFTER_MS);
      if (woken || stopping.aborted) return;
      const dueAt = (await input.store.nextDueAt(input.kinds)) ?? Number.POSITIVE_INFINITY;
      const takenAt = dueAt + (input.behindMs?.() ?? 0);
      await sleep(Math.min(IDLE_MS - ASK_AFTER_MS, takenAt - input.clock.now()));
    },
    now,
    end,
  };

  async function sleep(ms: number): Promise<void> {
    if (woken || stopping.aborted || ms <= 0) return;
    sleeping = new AbortController();
    await input.clock.sleep(ms, sleeping.signal);
    sleeping = undefined;
  }
}
