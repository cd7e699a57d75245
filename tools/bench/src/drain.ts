import { type Store, silentLogger } from "@stackyard/core";
import { createEngine, createStaticLocator, createUlids, publishMessages, systemClock } from "@stackyard/core/engine";
import { createNoOp, loadBenchMachine } from "./bench-machine.ts";

const PUBLISH_BATCH = 500;
const LEASE_MS = 60_000;

const ids = createUlids();

/** Sends messages in batches, as a busy program would. */
export async function publish(store: Store, messages: readonly object[]): Promise<void> {
  for (let first = 0; first < messages.length; first += PUBLISH_BATCH) {
    await publishMessages({ store, clock: systemClock, ids }, messages.slice(first, first + PUBLISH_BATCH));
  }
}

/** An engine without loops of its own, so that nothing else is measured. */
export function createDrain(store: Store): (batchSize: number) => Promise<number> {
  const executors = createNoOp();
  const engine = createEngine({
    store,
    locator: createStaticLocator([loadBenchMachine(executors)]),
    executors,
    clock: systemClock,
    ids,
    logger: silentLogger,
  });
  /** Works all events that wait, so many at a time; gives how many. */
  return async (batchSize) => {
    for (let worked = 0; ; ) {
      const now = systemClock.now();
      const items = await store.takeDue({ kinds: ["event"], now, limit: batchSize, leaseMs: LEASE_MS });
      if (items.length === 0) return worked;
      const events = items.flatMap((item) => (item.kind === "event" ? [item] : []));
      await engine.handle(
        events.map(({ event, receipt, deliveries }) => ({ event, storeReceipt: receipt, deliveries })),
      );
      worked += events.length;
    }
  };
}
