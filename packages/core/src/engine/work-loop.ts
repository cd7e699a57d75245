import type { Dispatch } from "../machine/decide/decision.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { DueItem, DueKind } from "../ports/stack-store.ts";
import type { Store, StoreSignal } from "../ports/store.ts";
import type {
  ConsumeOptions,
  DeliveryOutcome,
  EventDelivery,
  Subscription,
  TaskDelivery,
  Transport,
} from "../ports/transport.ts";
import type { Engine } from "./engine.ts";
import type { Births, BornAttempt, FinishedAttempt } from "./work-inputs.ts";
import type { StoreWorker } from "./worker.ts";

/** What the transport works with. */
interface StoreTransportDeps {
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

/** An event of the store's own queue. */
export type EventItem = Extract<DueItem, { kind: "event" }>;
/** An attempt whose message is due. */
export type TaskItem = Extract<DueItem, { kind: "task" | "poll" | "lapsedLease" }>;

/** The transport of embedded and Postgres yards: the outbox rows are the queue, nothing is copied. */
export function createStoreTransport(deps: StoreTransportDeps): Transport {
  const { store } = deps;
  return {
    capabilities: { maxDelayMs: Number.MAX_SAFE_INTEGER, everyRunnerClaims: true, keepsOrder: true },
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
    toBatches: (items) => [items.filter(isEvent)],
    handle: (items) => decideQueued({ store, clock }, items, handler),
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

/** True for an event of the store's own queue. */
export function isEvent(item: DueItem): item is EventItem {
  return item.kind === "event";
}

/** True for an attempt whose message is due. */
export function isTask(item: DueItem): item is TaskItem {
  return item.kind === "task" || item.kind === "poll" || item.kind === "lapsedLease";
}

/** Has events of the store's own queue decided; those that fail are handed out again later. */
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

/** A claim or a commit removes the rows of what went well; the others are handed out again, later and later. */
async function giveBackFailed(
  store: Pick<Store, "release">,
  clock: Clock,
  items: readonly (EventItem | TaskItem)[],
  outcomes: readonly DeliveryOutcome[],
): Promise<void> {
  const failed = items.filter((_, index) => outcomes[index]?.kind !== "done");
  const now = clock.now();
  for (const [backOffMs, group] of Map.groupBy(failed, toBackOffMs)) {
    await store.release(
      group.map(({ receipt }) => receipt),
      now + backOffMs,
    );
  }
}

function toBackOffMs(item: EventItem | TaskItem): number {
  const deliveries = "deliveries" in item ? item.deliveries : 1;
  return Math.min(MAX_BACK_OFF_MS, 500 * 2 ** Math.min(deliveries, 10));
}

/** How a consumer takes work out of a store. */
interface ConsumerInput<Item> {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly kinds: readonly DueKind[];
  /** The store's signal that wakes it. */
  readonly signal: StoreSignal["kind"];
  readonly batchSize: number;
  readonly concurrency: number;
  /** Where the work that it starts shares its places with other work. Default: `concurrency` places of its own. */
  readonly slots?: Slots | undefined;
  readonly leaseMs: number;
  readonly toBatches: (items: readonly DueItem[]) => readonly (readonly Item[])[];
  readonly handle: (batch: readonly Item[]) => Promise<void>;
}

// Without a signal (another process wrote) and without an instant that is due, the store is asked again after this.
const IDLE_MS = 1_000;
const AFTER_ERROR_MS = 1_000;
// A store may say that something is due and hand nothing out, because somebody else has it.
const SHORTEST_MS = 10;
// Under load a consumer finds nothing many times a second, and the next signal is near: it need not ask each time.
const ASK_AFTER_MS = 20;

/** Takes, handles, and takes again; sleeps while nothing is due. */
export function createConsumer<Item>(input: ConsumerInput<Item>): Subscription {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  const slots = input.slots ?? createSlots(input.concurrency);
  // Each task has a place; events that are taken together share one.
  const isEachPlaced = input.batchSize === input.concurrency;
  const wake = createWake(input, stopping.signal);
  const loop = run();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await turn();
      } catch (error) {
        input.logger.error("Work could not be taken out of the store.", { error });
        await input.clock.sleep(AFTER_ERROR_MS, stopping.signal);
      }
    }
    await Promise.all(running);
  }

  async function turn(): Promise<void> {
    const places = await takePlaces();
    if (places === 0) return;
    let started = 0;
    let found = 0;
    try {
      wake.arm();
      const items = await take(input, isEachPlaced ? places : input.batchSize);
      found = items.length;
      if (stopping.signal.aborted) await giveBack(input, items);
      else for (const batch of input.toBatches(items)) started += start(batch);
    } finally {
      slots.release(places - started);
    }
    if (found === 0) await wake.wait();
  }

  async function takePlaces(): Promise<number> {
    const places = slots.take(isEachPlaced ? input.concurrency : 1);
    return places === 0 && (await slots.takeNext(stopping.signal)) ? 1 : places;
  }

  /** Returns how many places the work has taken. */
  function start(batch: readonly Item[]): number {
    if (batch.length === 0) return 0;
    const work = input
      .handle(batch)
      .catch((error: unknown) => input.logger.error("Work failed; it is handed out again.", { error }))
      .finally(() => {
        running.delete(work);
        slots.release();
      });
    running.add(work);
    return 1;
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

function take<Item>({ store, clock, kinds, leaseMs }: ConsumerInput<Item>, limit: number): Promise<readonly DueItem[]> {
  return store.takeDue({ kinds, now: clock.now(), limit, leaseMs });
}

/** What was taken while the stop came is free for others at once. */
async function giveBack<Item>({ store, clock }: ConsumerInput<Item>, items: readonly DueItem[]): Promise<void> {
  const receipts = items.flatMap((item) => ("receipt" in item ? [item.receipt] : []));
  if (receipts.length > 0) await store.release(receipts, clock.now());
}

/** Sleeping until a signal comes or the next thing is due. */
interface Wake {
  /** Signals from now on count. */
  arm(): void;
  wait(): Promise<void>;
  now(): void;
  end(): void;
}

function createWake<Item>(input: ConsumerInput<Item>, stopping: AbortSignal): Wake {
  let woken = false;
  let sleeping: AbortController | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
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
      if (woken || stopping.aborted) return;
      const ms = await sleepMs();
      if (woken || stopping.aborted) return;
      sleeping = new AbortController();
      await input.clock.sleep(ms, sleeping.signal);
      sleeping = undefined;
    },
    now,
    end,
  };

  async function sleepMs(): Promise<number> {
    const sinceAskedMs = input.clock.now() - askedAt;
    // Less than nothing: the clock was set back, and the difference is no length of time.
    if (sinceAskedMs >= 0 && sinceAskedMs < ASK_AFTER_MS) return ASK_AFTER_MS - sinceAskedMs;
    askedAt = input.clock.now();
    const dueAt = (await input.store.nextDueAt(input.kinds)) ?? Number.POSITIVE_INFINITY;
    return Math.max(SHORTEST_MS, Math.min(IDLE_MS, dueAt - input.clock.now()));
  }
}

/** Places for tasks that run at the same time in one process. */
export interface Slots {
  /** Takes up to so many places for tasks of the queue, and returns how many were free. */
  take(most: number): number;
  /** Takes a place for an attempt as it begins, also one that a result keeps. */
  takeForBirth(): boolean;
  /** Takes one place as soon as it is free; false: the wait was aborted. Who waits comes before who asks. */
  takeNext(signal: AbortSignal): Promise<boolean>;
  /** Waits until a place is free for which neither the queue nor a result waits, and takes it. */
  takeLast(): Promise<void>;
  /** Default: one. */
  release(count?: number): void;
  /**
   * Adds a place for a while, because a task has ended and only its result is still to be written. It is for the attempt
   * that this result begins, unless somebody has waited for a place too long.
   */
  widen(): () => void;
}

/** So long the tasks of the queue wait for those that follow from a result, which cost one commit less. */
const LONGEST_WAIT_MS = 200;

/** Creates free places. */
export function createSlots(size: number, now: () => number = Date.now): Slots {
  let free = size;
  let kept = 0;
  const waiting: { readonly since: number; readonly take: () => void }[] = [];
  const patient: (() => void)[] = [];
  return {
    async takeLast() {
      if (free <= kept) await new Promise<void>((resolve) => patient.push(resolve));
      else free -= 1;
    },
    take(most) {
      const taken = Math.max(0, Math.min(most, free - kept));
      free -= taken;
      return taken;
    },
    takeForBirth() {
      if (free <= 0) return false;
      free -= 1;
      return true;
    },
    takeNext(signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve(false);
        const entry = {
          since: now(),
          take() {
            signal.removeEventListener("abort", giveUp);
            free -= 1;
            resolve(true);
          },
        };
        const giveUp = () => {
          waiting.splice(waiting.indexOf(entry), 1);
          resolve(false);
        };
        waiting.push(entry);
        signal.addEventListener("abort", giveUp, { once: true });
        if (free > kept) waiting.shift()?.take();
      });
    },
    release(count = 1) {
      free += count;
      while (free > kept && waiting.length > 0) waiting.shift()?.take();
      while (free > kept && patient.length > 0) {
        free -= 1;
        patient.shift()?.();
      }
    },
    widen() {
      free += 1;
      kept += 1;
      const [first] = waiting;
      if (first !== undefined && first.since <= now() - LONGEST_WAIT_MS) waiting.shift()?.take();
      return () => {
        free -= 1;
        kept -= 1;
      };
    },
  };
}

/** What connects an engine and a worker of one process. */
export interface DirectPath {
  /** For the engine: attempts that this process takes as they begin. */
  readonly births: Births;
  /** For the worker: has a result decided and committed at once. `retry`: settle it, so that its event is queued. */
  readonly finish: (finished: FinishedAttempt) => Promise<DeliveryOutcome>;
  /** Takes no more attempts as they begin, and resolves when those that run have ended. */
  stop(): Promise<void>;
}

/** What a direct path is made of. */
interface DirectPathInput {
  /** Called when both exist. */
  readonly parts: () => {
    readonly engine: Pick<Engine, "finish">;
    readonly worker: Pick<StoreWorker, "claimAtBirth" | "run">;
  };
  readonly slots: Slots;
  /** Results that one commit takes together, and commits that are under way at the same time. */
  readonly batchSize: number;
  readonly commitsAtATime: number;
}

/**
 * Connects the engine and the worker of one process. A result is decided by the commit that ends its attempt, and the next
 * attempt begins as claimed here when a place is free: neither goes through a queue. Results that end while commits are
 * under way share the next one.
 */
export function createDirectPath(input: DirectPathInput): DirectPath {
  const { parts, slots } = input;
  const running = new Set<Promise<void>>();
  const results = createGatherer<FinishedAttempt, DeliveryOutcome>({
    ...input,
    handle: (batch) => parts().engine.finish(batch),
  });
  let stopping = false;
  return {
    births: {
      reserve(dispatch: Dispatch) {
        if (stopping || !slots.takeForBirth()) return undefined;
        const claim = parts().worker.claimAtBirth(dispatch);
        if (claim === undefined) slots.release();
        return claim;
      },
      run(born: BornAttempt) {
        const work = parts()
          .worker.run(born)
          .finally(() => {
            running.delete(work);
            slots.release();
          });
        running.add(work);
      },
      giveBack: () => slots.release(),
    },
    async finish(finished) {
      const narrow = slots.widen();
      try {
        return await results.add(finished);
      } finally {
        narrow();
      }
    },
    async stop() {
      stopping = true;
      while (running.size > 0) await Promise.all(running);
    },
  };
}

interface GathererInput<Item, Answer> {
  readonly batchSize: number;
  readonly commitsAtATime: number;
  /** Answers in the order of the items. */
  readonly handle: (batch: readonly Item[]) => Promise<readonly Answer[]>;
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Handles items in batches: while batches are under way, the next one gathers. */
function createGatherer<Item, Answer>({ batchSize, commitsAtATime, handle }: GathererInput<Item, Answer>) {
  const waiting: Waiting<Item, Answer>[] = [];
  let underWay = 0;

  async function work(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await handle(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      underWay -= 1;
      flush();
    }
  }

  function flush(): void {
    while (underWay < commitsAtATime && waiting.length > 0) {
      underWay += 1;
      void work(waiting.splice(0, batchSize));
    }
  }

  return {
    add(item: Item): Promise<Answer> {
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        // What ends in the same turn of the event loop goes together.
        queueMicrotask(flush);
      });
    },
  };
}
