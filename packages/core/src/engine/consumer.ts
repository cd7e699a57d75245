import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Store, StoreSignal } from "../ports/store.ts";
import type { Subscription } from "../ports/transport.ts";
import type { DueItem, DueKind } from "../ports/work-queue.ts";
import { createSlots, type Slots } from "./direct-path.ts";

/** How a consumer takes work out of a store. */
export interface ConsumerInput<Item> {
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
  if (receipts.length > 0) await store.giveBack(receipts, clock.now());
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
