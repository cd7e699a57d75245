import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import type { Store } from "../ports/store.ts";
import type { DueItem } from "../ports/work-queue.ts";
import { createFakeClock, type FakeClock, settlePromises } from "../testing/fake-clock.ts";
import { createRecordingLogger } from "../testing/recording-logger.ts";
import { aQueuedEvent } from "../testing/store-conformance/store-builders.ts";
import { createConsumer } from "./work-loop.ts";

type EventItem = Extract<DueItem, { kind: "event" }>;

interface Bench {
  readonly clock: FakeClock;
  /** Sets the clock that the consumer reads back. */
  readonly setBack: (ms: number) => void;
  readonly store: Store;
  readonly logger: ReturnType<typeof createRecordingLogger>;
  readonly handled: string[];
  readonly takes: () => number;
  readonly listeners: () => number;
  readonly consumer: ReturnType<typeof createConsumer>;
}

interface BenchInput {
  readonly store?: Partial<Store>;
  readonly handle?: (id: string) => Promise<void>;
  readonly concurrency?: number;
  /** How long work must have been due before it is taken. */
  readonly behindMs?: number;
}

function createBench({
  store: replaced = {},
  handle = async () => {},
  concurrency = 1,
  behindMs = 0,
}: BenchInput = {}): Bench {
  const clock = createFakeClock();
  const memory = createMemoryStore();
  const logger = createRecordingLogger();
  const handled: string[] = [];
  let takes = 0;
  let listeners = 0;
  let backMs = 0;
  const store: Store = {
    ...memory,
    takeDue(input) {
      takes += 1;
      return memory.takeDue(input);
    },
    watch(listener) {
      listeners += 1;
      const end = memory.watch(listener);
      return () => {
        listeners -= 1;
        end();
      };
    },
    ...replaced,
  };
  const consumer = createConsumer<EventItem>({
    store,
    clock: { ...clock, now: () => clock.now() - backMs },
    logger,
    kinds: ["event"],
    signal: "event",
    batchSize: 8,
    concurrency,
    leaseMs: 60_000,
    behindMs: () => behindMs,
    toBatches: (items) => items.flatMap((item) => (item.kind === "event" ? [[item]] : [])),
    async handle([item]) {
      if (item === undefined) return;
      handled.push(item.event.id);
      await handle(item.event.id);
      await memory.release([item.receipt]);
    },
  });
  const setBack = (ms: number) => {
    backMs += ms;
  };
  const counts = { takes: () => takes, listeners: () => listeners };
  return { clock, setBack, store: memory, logger, handled, ...counts, consumer };
}

describe("a consumer", () => {
  it("takes what is there, and what comes while it sleeps, at once", async () => {
    const bench = createBench();
    await bench.store.enqueue([aQueuedEvent("a")]);
    await settlePromises();

    await bench.store.enqueue([aQueuedEvent("b")]);
    await settlePromises();

    expect(bench.handled).toEqual(["a", "b"]);
    await bench.consumer.stop();
  });

  it("takes an event that came behind another one of its stack as soon as that one is handled", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const bench = createBench({ concurrency: 2, handle: (id) => (id === "a" ? promise : Promise.resolve()) });
    await bench.store.enqueue([aQueuedEvent("a")]);
    await settlePromises();
    await bench.store.enqueue([aQueuedEvent("b")]);
    await bench.clock.advance(100);
    expect(bench.handled).toEqual(["a"]);

    resolve();
    await settlePromises();

    expect(bench.handled).toEqual(["a", "b"]);
    await bench.consumer.stop();
  });

  it("does not ask again after a take that has emptied the queue", async () => {
    const bench = createBench({ concurrency: 2 });
    await settlePromises();
    const before = bench.takes();

    await bench.store.enqueue([aQueuedEvent("a")]);
    await settlePromises();

    expect(bench.handled).toEqual(["a"]);
    expect(bench.takes() - before).toBe(1);
    await bench.consumer.stop();
  });

  it("that lets others go first sleeps until the work has been due for so long", async () => {
    const taken: number[] = [];
    const bench = createBench({
      behindMs: 500,
      store: {
        async takeDue({ now }) {
          taken.push(now);
          return [];
        },
        nextDueAt: async () => dueAt,
      },
    });
    const dueAt: number = bench.clock.now();

    await bench.clock.advance(550);

    expect(taken).toEqual([dueAt - 500, dueAt, dueAt + 20, dueAt + 40]);
    await bench.consumer.stop();
  });

  it("loses no signal that comes while it looks whether something is due", async () => {
    const inner: { enqueue?: () => Promise<void> } = {};
    const bench = createBench({
      store: {
        async nextDueAt() {
          await inner.enqueue?.();
          delete inner.enqueue;
          await settlePromises();
          return undefined;
        },
      },
    });
    inner.enqueue = async () => {
      await bench.store.enqueue([aQueuedEvent("a")]);
    };

    await bench.clock.advance(25);
    await settlePromises();

    expect(bench.handled).toEqual(["a"]);
    await bench.consumer.stop();
  });

  it("does not ask when something is due next while signals come one after the other", async () => {
    let asked = 0;
    const bench = createBench({
      store: {
        nextDueAt() {
          asked += 1;
          return Promise.resolve(undefined);
        },
      },
    });
    for (let index = 0; index < 50; index += 1) {
      await bench.store.enqueue([aQueuedEvent(`event-${index}`)]);
      await bench.clock.advance(1);
    }

    expect(bench.handled).toHaveLength(50);
    expect(asked).toBe(0);
    await bench.consumer.stop();
  });

  it("does not run in circles when the store says that something is due and hands nothing out", async () => {
    const bench = createBench({ store: { nextDueAt: async () => 0 } });

    await bench.clock.advance(1_000);

    expect(bench.takes()).toBeLessThanOrEqual(51);
    await bench.consumer.stop();
  });

  it("looks again each second, as another process may have written", async () => {
    const bench = createBench();
    await settlePromises();
    const before = bench.takes();

    await bench.clock.advance(10_000);

    expect(bench.takes() - before).toBe(10);
    await bench.consumer.stop();
  });

  it("looks again each second although the clock was set back", async () => {
    const bench = createBench();
    await settlePromises();
    const before = bench.takes();

    bench.setBack(3_600_000);
    await bench.clock.advance(10_000);

    expect(bench.takes() - before).toBe(10);
    await bench.consumer.stop();
  });

  it("continues after a failed receive, and after failed work", async () => {
    let failures = 1;
    const memory = createMemoryStore();
    const bench = createBench({
      store: {
        takeDue(input) {
          failures -= 1;
          return failures >= 0 ? Promise.reject(new Error("no disk")) : memory.takeDue(input);
        },
      },
      handle: (id) => (id === "bad" ? Promise.reject(new Error("no")) : Promise.resolve()),
    });
    await memory.enqueue([aQueuedEvent("bad"), aQueuedEvent("good", { stackId: "s2" })]);

    await bench.clock.advance(2_000);

    expect(bench.handled).toEqual(["bad", "good"]);
    expect(bench.logger.list("error")).toEqual([
      "Work could not be received from the store.",
      "Work failed; it is delivered again.",
    ]);
    await bench.consumer.stop();
  });

  it("runs no more at the same time than it may", async () => {
    const ends: (() => void)[] = [];
    const bench = createBench({ concurrency: 2, handle: () => new Promise((resolve) => ends.push(resolve)) });
    const ids = ["a", "b", "c", "d"];
    for (const id of ids.slice(0, 2)) await bench.store.enqueue([aQueuedEvent(id, { stackId: id })]);
    await settlePromises();
    for (const id of ids.slice(2)) await bench.store.enqueue([aQueuedEvent(id, { stackId: id })]);
    await bench.clock.advance(5_000);
    const before = [...bench.handled];

    ends[1]?.();
    await settlePromises();

    expect(before).toEqual(["a", "b"]);
    expect(bench.handled.slice(0, 3)).toEqual(["a", "b", "c"]);
    for (const end of ends) end();
    await settlePromises();
    for (const end of ends) end();
    await bench.consumer.stop();
  });
});

describe("the stop of a consumer", () => {
  it("waits for what is under way, takes nothing new, and listens to the store no more", async () => {
    let end = () => {};
    const bench = createBench({
      handle: () =>
        new Promise((resolve) => {
          end = resolve;
        }),
    });
    await bench.store.enqueue([aQueuedEvent("a")]);
    await settlePromises();
    let stopped = false;

    const stop = bench.consumer.stop().then(() => {
      stopped = true;
    });
    await bench.store.enqueue([aQueuedEvent("b", { stackId: "s2" })]);
    await settlePromises();
    const early = stopped;
    end();
    await stop;

    expect(early).toBe(false);
    expect(bench.handled).toEqual(["a"]);
    expect(bench.listeners()).toBe(0);
    expect(bench.clock.nextWakeAt()).toBeUndefined();
  });

  it("gives what it takes in that very moment back, for others to take at once", async () => {
    const memory = createMemoryStore();
    await memory.enqueue([aQueuedEvent("a")]);
    let answer = () => {};
    const bench = createBench({
      store: {
        async takeDue(input) {
          const items = await memory.takeDue(input);
          await new Promise<void>((resolve) => {
            answer = resolve;
          });
          return items;
        },
        release: memory.release,
      },
    });
    await settlePromises();

    const stop = bench.consumer.stop();
    answer();
    await stop;

    const again = await memory.takeDue({ kinds: ["event"], now: bench.clock.now(), limit: 1, leaseMs: 1 });
    expect(bench.handled).toEqual([]);
    expect(again).toMatchObject([{ event: { id: "a" }, deliveries: 2 }]);
  });

  it("ends its sleep, however often it is called", async () => {
    const bench = createBench();
    await settlePromises();

    await Promise.all([bench.consumer.stop(), bench.consumer.stop()]);

    expect(bench.clock.nextWakeAt()).toBeUndefined();
  });
});
