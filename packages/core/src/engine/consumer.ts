import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Store, StoreSignal } from "../ports/store.ts";
import type { Subscription } from "../ports/transport.ts";
import type { DueItem, DueKind } from "../ports/work-queue.ts";

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
  readonly leaseMs: number;
  readonly toBatches: (items: readonly DueItem[]) => readonly (readonly Item[])[];
  readonly handle: (batch: readonly Item[]) => Promise<void>;
}

// Without a signal (another process wrote) and without an instant that is due, the store is asked again after this.
const IDLE_MS = 1_000;
const AFTER_ERROR_MS = 1_000;

/** Takes, handles, and takes again; sleeps while nothing is due. */
export function createConsumer<Item>(input: ConsumerInput<Item>): Subscription {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
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
    if (running.size >= input.concurrency) {
      await Promise.race(running);
      return;
    }
    wake.arm();
    const free = input.concurrency - running.size;
    const limit = input.batchSize === input.concurrency ? free : input.batchSize;
    const { clock, kinds, leaseMs } = input;
    const items = await input.store.takeDue({ kinds, now: clock.now(), limit, leaseMs });
    for (const batch of input.toBatches(items)) if (batch.length > 0) start(batch);
    if (items.length === 0) await wake.wait();
  }

  function start(batch: readonly Item[]): void {
    const work = input
      .handle(batch)
      .catch((error: unknown) => input.logger.error("Work failed; it is handed out again.", { error }))
      .finally(() => running.delete(work));
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
  const now = () => {
    woken = true;
    sleeping?.abort();
  };
  const end = input.store.watch(({ kind }) => {
    if (kind === input.signal) now();
  });
  return {
    arm() {
      woken = false;
    },
    async wait() {
      const dueAt = await input.store.nextDueAt(input.kinds);
      if (woken || stopping.aborted) return;
      sleeping = new AbortController();
      const ms = Math.min(IDLE_MS, (dueAt ?? Number.POSITIVE_INFINITY) - input.clock.now());
      if (ms > 0) await input.clock.sleep(ms, sleeping.signal);
      sleeping = undefined;
    },
    now,
    end,
  };
}
