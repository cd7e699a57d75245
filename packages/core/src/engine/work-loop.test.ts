import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { silentLogger } from "../ports/executor.ts";
import type { Store } from "../ports/store.ts";
import { createFakeClock, settlePromises } from "../testing/fake-clock.ts";
import { aClaim, aDispatch, aPut, aQueuedEvent, commitNow } from "../testing/store-conformance/store-builders.ts";
import { transportConformance } from "../testing/transport-conformance.ts";
import { Slots } from "./slots.ts";
import { createStoreTransport } from "./work-loop.ts";

describe("createStoreTransport", () => {
  for (const c of transportConformance) {
    it(c.name, () =>
      c.run(async () => {
        const clock = createFakeClock();
        const store = createMemoryStore();
        return {
          transport: createStoreTransport({ store, clock, logger: silentLogger }),
          async sendTask(message) {
            const dispatch = aDispatch(message.dispatch.id, { message });
            await commitNow(store, aPut({}, { dispatches: [dispatch], now: clock.now() }));
          },
          finishEvent: ({ storeReceipt = "" }) => store.release([storeReceipt]),
          async finishTask({ attemptId }) {
            await store.claim(aClaim(attemptId, { now: clock.now(), leaseMs: 3_600_000 }));
          },
          advance: clock.advance,
        };
      }),
    );
  }

  it("takes events of small calls together, and hands those of one stack to one call", async () => {
    const clock = createFakeClock();
    const store = createMemoryStore();
    const taken: number[] = [];
    const counting: Store = {
      ...store,
      async takeDue(input) {
        const items = await store.takeDue(input);
        if (items.length > 0) taken.push(items.length);
        return items;
      },
    };
    await store.enqueue([
      aQueuedEvent("e1", { stackId: "a" }),
      aQueuedEvent("e2", { stackId: "b" }),
      aQueuedEvent("e3", { stackId: "a" }),
    ]);
    const deps = { store: counting, clock, logger: silentLogger, slots: new Slots(3), isDirect: true };
    const calls: (readonly string[])[] = [];

    const subscription = createStoreTransport(deps).consumeEvents(
      async (deliveries) => {
        calls.push(deliveries.map(({ event }) => event.id));
        return deliveries.map(() => ({ kind: "done" }));
      },
      { batchSize: 1, concurrency: 3 },
    );
    await settlePromises();
    await subscription.stop();

    expect([taken, calls]).toEqual([[3], [["e1", "e3"], ["e2"]]]);
  });

  it("gives what failed of a batch back with one call for each instant", async () => {
    const clock = createFakeClock();
    const store = createMemoryStore();
    const calls: (readonly [count: number, inMs: number])[] = [];
    const counting: Store = {
      ...store,
      release(receipts, visibleAt) {
        if (visibleAt !== undefined) calls.push([receipts.length, visibleAt - clock.now()]);
        return store.release(receipts, visibleAt);
      },
    };
    await store.enqueue(["a", "b", "c", "d"].map((stackId) => aQueuedEvent("e1", { stackId })));
    await store.takeDue({ kinds: ["event"], now: clock.now(), limit: 1, leaseMs: 0 });
    const transport = createStoreTransport({ store: counting, clock, logger: silentLogger });

    const { promise: handled, resolve } = Promise.withResolvers<void>();
    const subscription = transport.consumeEvents(
      async (deliveries) => {
        resolve();
        return deliveries.map(({ event }) =>
          event.stackId === "b" ? { kind: "done" } : { kind: "retry", reason: "no" },
        );
      },
      { batchSize: 10, concurrency: 1 },
    );
    await handled;
    await subscription.stop();

    expect(calls).toEqual([
      [1, 2_000],
      [2, 1_000],
    ]);
  });
});
