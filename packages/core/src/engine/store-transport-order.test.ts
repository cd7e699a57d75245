import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { silentLogger } from "../ports/executor.ts";
import type { DeliveryOutcome, TaskDelivery } from "../ports/transport.ts";
import { createFakeClock, settlePromises } from "../testing/fake-clock.ts";
import { aDispatch, aPut, aQueuedEvent, commitNow } from "../testing/store-conformance/store-builders.ts";
import { createStoreTransport } from "./work-loop.ts";

function createBench() {
  const clock = createFakeClock();
  const store = createMemoryStore();
  return { clock, store, transport: createStoreTransport({ store, clock, logger: silentLogger }) };
}

const RETRY: DeliveryOutcome = { kind: "retry", reason: "busy" };

describe("the transport of the store", () => {
  it("delivers what failed again, later and later, and never more than a minute later", async () => {
    const { clock, store, transport } = createBench();
    const start = clock.now();
    const at: number[] = [];
    const subscription = transport.consumeEvents(
      async (deliveries) => {
        at.push((clock.now() - start) / 1_000);
        return deliveries.map(() => RETRY);
      },
      { batchSize: 8, concurrency: 1 },
    );

    await store.enqueue([aQueuedEvent("a")]);
    await clock.advance(300_000);

    expect(at).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    await subscription.stop();
  });

  it("holds the events behind a failed one back, of its own stack only", async () => {
    const { clock, store, transport } = createBench();
    const handled: string[] = [];
    const subscription = transport.consumeEvents(
      async (deliveries) => {
        for (const { event, deliveries: count } of deliveries) handled.push(`${event.id} ${count}`);
        return deliveries.map(({ event, deliveries: count }) =>
          event.stackId === "bad" && count === 1 ? RETRY : { kind: "done" },
        );
      },
      { batchSize: 1, concurrency: 1 },
    );

    await store.enqueue([
      aQueuedEvent("b1", { stackId: "bad" }),
      aQueuedEvent("b2", { stackId: "bad" }),
      aQueuedEvent("g1", { stackId: "good" }),
    ]);
    await clock.advance(500);

    expect(handled).toEqual(["b1 1", "g1 1"]);
    await subscription.stop();
  });

  it("hands a task out again when its handler fails, and a poll when it is due", async () => {
    const { clock, store, transport } = createBench();
    const taken: string[] = [];
    let outcome: DeliveryOutcome = RETRY;
    const subscription = transport.consumeTasks(
      async ({ attemptId, deliveries }: TaskDelivery) => {
        taken.push(`${attemptId} ${deliveries}`);
        if (outcome.kind === "done") {
          const input = { attemptId, owner: "w", leaseMs: 1_000, exclusiveKeys: [], now: clock.now() };
          const claimed = await store.claim(input);
          if (claimed.kind === "granted" && taken.length < 4) {
            const now = clock.now();
            await store.suspend(claimed.grant, { progress: {}, dueAt: now + 30_000, now });
          }
        }
        return outcome;
      },
      { batchSize: 2, concurrency: 2 },
    );
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1")], now: clock.now() }));
    await settlePromises();

    outcome = { kind: "done" };
    await clock.advance(1_000);
    const first = [...taken];
    await clock.advance(30_000);

    expect(first).toEqual(["a1 1", "a1 2"]);
    expect(taken.slice(2)).toEqual(["a1 1"]);
    await subscription.stop();
  });

  it("says what it can, and sends tasks by the commits themselves", async () => {
    const { store, transport } = createBench();

    await transport.sendTasks([aDispatch("a1").message]);

    expect(transport.capabilities).toEqual({
      maxDelayMs: Number.MAX_SAFE_INTEGER,
      everyRunnerClaims: true,
      keepsOrder: true,
    });
    expect((await store.queries.stats()).queuedTasks).toBe(0);
  });
});
