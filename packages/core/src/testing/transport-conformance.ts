import assert from "node:assert/strict";
import type { TaskMessage } from "../machine/task-message.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import type {
  ConsumeOptions,
  DeliveryOutcome,
  EventDelivery,
  Subscription,
  TaskDelivery,
  Transport,
} from "../ports/transport.ts";
import { type ConformanceCase, portCase } from "./conformance-case.ts";
import { aDispatch, aQueuedEvent } from "./store-conformance/store-builders.ts";

/** Consumes events; `decide` returns the outcome of each one. Returns the ids in order of delivery. */
function consume(
  { transport, finishEvent }: TransportUnderTest,
  decide: (delivery: EventDelivery) => DeliveryOutcome | Promise<DeliveryOutcome> = () => DONE,
  options: Partial<ConsumeOptions> = {},
) {
  const delivered: string[] = [];
  const subscription = transport.consumeEvents(
    (deliveries) =>
      Promise.all(
        deliveries.map(async (delivery) => {
          delivered.push(delivery.event.id);
          const outcome = await decide(delivery);
          if (outcome.kind === "done") await finishEvent(delivery);
          return outcome;
        }),
      ),
    { batchSize: 10, concurrency: 4, ...options },
  );
  return { delivered, subscription };
}

const transportCase = portCase<TransportUnderTest>;

const events: readonly ConformanceCase<TransportUnderTest>[] = [
  transportCase("delivers an event as it was published, once when it is done", async (port) => {
    const event = aQueuedEvent("e1", { actor: "ada", message: { event: "PUSH", metadata: { a: [1, null] } } });
    const seen: EventDelivery[] = [];
    const { subscription } = consume(port, (delivery) => {
      seen.push(delivery);
      return DONE;
    });

    await stopAfter(subscription, async () => {
      await port.transport.publish([event]);
      await port.advance(LONG);

      assert.deepEqual(
        seen.map((delivery) => [delivery.event, delivery.deliveries]),
        [[event, 1]],
      );
    });
  }),

  transportCase("delivers what was published before anybody consumed", async (port) => {
    await port.transport.publish([aQueuedEvent("e1")]);
    const { delivered, subscription } = consume(port);

    await stopAfter(subscription, async () => {
      await port.advance(WHILE);
      assert.deepEqual(delivered, ["e1"]);
    });
  }),

  transportCase("delivers the events of a stack in the order in which they were published", async (port) => {
    const { delivered, subscription } = consume(port, () => DONE, { batchSize: 2 });
    const ids = Array.from({ length: 9 }, (_, index) => `e${index}`);

    await stopAfter(subscription, async () => {
      await port.transport.publish(ids.slice(0, 4).map((id) => aQueuedEvent(id)));
      await port.transport.publish(ids.slice(4).map((id) => aQueuedEvent(id)));
      await port.advance(WHILE);
      assertDelivered(port, delivered, ids);
    });
  }),

  transportCase("never has events of one stack in two calls at the same time; other stacks continue", async (port) => {
    const gate = Promise.withResolvers<void>();
    const { delivered, subscription } = consume(port, async ({ event }) => {
      if (event.id === "e1") await gate.promise;
      return DONE;
    });

    await stopAfter(subscription, async () => {
      await port.transport.publish([aQueuedEvent("e1")]);
      await port.advance(WHILE);
      await port.transport.publish([aQueuedEvent("e2"), aQueuedEvent("other", { stackId: "s2" })]);
      await port.advance(WHILE);
      assert.deepEqual(delivered, ["e1", "other"]);

      gate.resolve();
      await port.advance(WHILE);
      assert.deepEqual(delivered, ["e1", "other", "e2"]);
    });
  }),

  transportCase("delivers an event again after a retry, counts it, and keeps the stack's order", async (port) => {
    const counts: number[] = [];
    const { delivered, subscription } = consume(
      port,
      ({ event, deliveries }) => {
        if (event.id !== "e1") return DONE;
        counts.push(deliveries);
        return deliveries < 3 ? RETRY : DONE;
      },
      { batchSize: 1 },
    );

    await stopAfter(subscription, async () => {
      await port.transport.publish([aQueuedEvent("e1"), aQueuedEvent("e2")]);
      await port.advance(LONG);
      assert.deepEqual(counts, [1, 2, 3]);
      assertDelivered(port, delivered, ["e1", "e1", "e1", "e2"]);
    });
  }),

  transportCase("receipts each event of a batch by itself", async (port) => {
    const { delivered, subscription } = consume(port, ({ event: { id }, deliveries }) =>
      id === "b" && deliveries === 1 ? RETRY : DONE,
    );

    await stopAfter(subscription, async () => {
      await port.transport.publish(["a", "b", "c"].map((id) => aQueuedEvent(id, { stackId: id })));
      await port.advance(LONG);
      assert.deepEqual(delivered.sort(), ["a", "b", "b", "c"]);
    });
  }),

  transportCase("hands a call no more events than its batch, and makes no more calls than allowed", async (port) => {
    const gate = Promise.withResolvers<void>();
    const sizes: number[] = [];
    const subscription = port.transport.consumeEvents(
      async (deliveries) => {
        sizes.push(deliveries.length);
        await gate.promise;
        for (const delivery of deliveries) await port.finishEvent(delivery);
        return deliveries.map(() => DONE);
      },
      { batchSize: 3, concurrency: 2 },
    );

    await stopAfter(subscription, async () => {
      const published = Array.from(
        { length: 12 },
        (_, index): QueuedEvent => aQueuedEvent(`e${index}`, { stackId: `s${index}` }),
      );
      await port.transport.publish(published);
      await port.advance(WHILE);
      assert.ok(sizes.length <= 2 && sizes.every((size) => size <= 3), `calls of ${sizes.join(", ")} events`);

      gate.resolve();
      await port.advance(WHILE);
      assert.equal(
        sizes.reduce((sum, size) => sum + size, 0),
        12,
      );
    });
  }),

  transportCase("stops when what is under way has ended, and takes nothing new", async (port) => {
    const gate = Promise.withResolvers<void>();
    const { delivered, subscription } = consume(port, async () => {
      await gate.promise;
      return DONE;
    });
    await port.transport.publish([aQueuedEvent("e1")]);
    await port.advance(WHILE);
    let isStopped = false;
    const stopping = subscription.stop().then(() => {
      isStopped = true;
    });

    await port.transport.publish([aQueuedEvent("e2", { stackId: "s2" })]);
    await port.advance(WHILE);
    assert.equal(isStopped, false);
    gate.resolve();
    await stopping;

    await port.advance(WHILE);
    assert.deepEqual(delivered, ["e1"]);
  }),
];

const tasks: readonly ConformanceCase<TransportUnderTest>[] = [
  transportCase("delivers a task message as it was sent, once when it is done", async (port) => {
    const { message } = aDispatch("a1");
    const seen: TaskDelivery[] = [];
    const subscription = port.transport.consumeTasks(
      async (delivery) => {
        seen.push(delivery);
        await port.finishTask(delivery);
        return DONE;
      },
      { batchSize: 1, concurrency: 2 },
    );

    await stopAfter(subscription, async () => {
      await port.sendTask(message);
      await port.advance(WHILE);
      assert.deepEqual(seen, [{ attemptId: "a1", message, deliveries: 1 }]);
    });
  }),

  transportCase("delivers a task message again after a retry", async (port) => {
    const counts: number[] = [];
    const subscription = port.transport.consumeTasks(
      async (delivery) => {
        counts.push(delivery.deliveries);
        if (delivery.deliveries === 1) return RETRY;
        await port.finishTask(delivery);
        return DONE;
      },
      { batchSize: 1, concurrency: 1 },
    );

    await stopAfter(subscription, async () => {
      await port.sendTask(aDispatch("a1").message);
      await port.advance(LONG);
      assert.deepEqual(counts, [1, 2]);
    });
  }),

  transportCase("makes no more calls for tasks than allowed, and lets them end when it stops", async (port) => {
    const gate = Promise.withResolvers<void>();
    let started = 0;
    let ended = 0;
    const subscription = port.transport.consumeTasks(
      async (delivery) => {
        started += 1;
        await gate.promise;
        await port.finishTask(delivery);
        ended += 1;
        return DONE;
      },
      { batchSize: 1, concurrency: 2 },
    );
    for (const id of ["a1", "a2", "a3"]) await port.sendTask(aDispatch(id).message);
    await port.advance(WHILE);
    const stopping = subscription.stop();
    assert.equal(started, 2);

    gate.resolve();
    await stopping;

    assert.deepEqual([started, ended], [2, 2]);
  }),
];

/** Every promise of the `Transport` port. */
export const transportConformance: readonly ConformanceCase<TransportUnderTest>[] = [...events, ...tasks];

/** A transport with the helpers that its tests need. */
export interface TransportUnderTest {
  readonly transport: Transport;
  /** Brings a task message under way: by `sendTasks`, or by the commit that dispatches it. */
  sendTask(message: TaskMessage): Promise<void>;
  /** Commits the handling of an event; does nothing where `done` is enough. */
  finishEvent(delivery: EventDelivery): Promise<void>;
  /** Claims the task; does nothing where `done` is enough. */
  finishTask(delivery: TaskDelivery): Promise<void>;
  /** Lets time pass, in milliseconds, and all due work happen. */
  advance(ms: number): Promise<void>;
}

const DONE: DeliveryOutcome = { kind: "done" };
const RETRY: DeliveryOutcome = { kind: "retry", reason: "The store does not answer." };
const WHILE = 10_000;
const LONG = 30 * 60_000;

/** Runs the work and stops the consumer afterwards, even on failure. */
async function stopAfter(subscription: Subscription, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } finally {
    await subscription.stop();
  }
}

/**
 * Asserts that the ids were delivered in the order in which they were published; in any order when the transport does
 * not keep it.
 */
function assertDelivered(
  { transport }: TransportUnderTest,
  delivered: readonly string[],
  published: readonly string[],
): void {
  if (transport.capabilities.keepsOrder) assert.deepEqual(delivered, published);
  else assert.deepEqual(delivered.toSorted(), published.toSorted());
}
