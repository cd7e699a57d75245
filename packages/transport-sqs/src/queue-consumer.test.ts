import { createFakeClock, settlePromises } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createQueueConsumer, type QueueConsumerInput } from "./queue-consumer.ts";
import type { Settlement } from "./settle-messages.ts";
import { aNamed, createFakeReader } from "./testing/fake-reader.ts";
import { createRecordingLogger } from "./testing/recording-logger.ts";

const REMOVE: Settlement = { kind: "remove" };

type Overrides = Partial<QueueConsumerInput<string>> & {
  /** What becomes of a message, by its name. */
  readonly settle?: (name: string) => Settlement | Promise<Settlement>;
};

function createBench({ settle = () => REMOVE, ...overrides }: Overrides = {}) {
  const clock = createFakeClock();
  const reader = createFakeReader();
  const logger = createRecordingLogger();
  const calls: (readonly string[])[] = [];
  const consumer = createQueueConsumer<string>({
    clock,
    reader,
    logger,
    batchSize: 10,
    concurrency: 2,
    prefetch: 0,
    ordered: true,
    visibilityMs: 60_000,
    idleMs: 0,
    // The lane of `a1` is `a`.
    read: async (incoming) => ({ incoming, lane: incoming.body.slice(0, 1), value: incoming.body }),
    handle(messages) {
      calls.push(messages.map(({ value }) => value));
      return Promise.all(messages.map(({ value }) => settle(value)));
    },
    retryDelayMs: (deliveries) => deliveries * 1_000,
    ...overrides,
  });
  const deliver = async (...names: readonly string[]): Promise<void> => {
    reader.deliver(...names.map((name) => aNamed(name)));
    await settlePromises();
  };
  return { clock, reader, logger, calls, consumer, deliver };
}

function createGate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

describe("createQueueConsumer", () => {
  it("hands messages to a call and removes them", async () => {
    const { reader, calls, consumer, deliver } = createBench();

    await deliver("a1", "b1", "a2");

    expect(calls).toEqual([["a1", "b1", "a2"]]);
    expect(reader.removed).toEqual(["a1", "b1", "a2"]);
    await consumer.stop();
  });

  it("gives back what waits behind a message of its lane that goes back", async () => {
    const settle = (name: string): Settlement => (name === "a1" ? { kind: "return", afterMs: 2_000 } : REMOVE);
    const { reader, calls, consumer, deliver } = createBench({ batchSize: 1, prefetch: 9, settle });

    await deliver("a1", "a2", "b1", "a3");

    expect(calls).toEqual([["a1"], ["b1"]]);
    expect(reader.hidden).toEqual(["a1 for 2000", "a2 for 2000", "a3 for 2000"]);
    expect(reader.removed).toEqual(["b1"]);
    await consumer.stop();
  });

  it("gives messages of one lane back together, so that none is there before the first", async () => {
    const settle = (name: string): Settlement => ({ kind: "return", afterMs: name === "a1" ? 60_000 : 2_000 });
    const { reader, consumer, deliver } = createBench({ settle });

    await deliver("a1", "b1", "a2");

    expect(reader.hidden).toEqual(["a1 for 60000", "b1 for 2000", "a2 for 60000"]);
    await consumer.stop();
  });

  it("goes on with what is behind where no order is kept", async () => {
    const settle = (name: string): Settlement => (name === "a1" ? { kind: "return", afterMs: 2_000 } : REMOVE);
    const { reader, consumer, deliver } = createBench({ batchSize: 1, prefetch: 9, ordered: false, settle });

    await deliver("a1", "a2");

    expect(reader.hidden).toEqual(["a1 for 2000"]);
    expect(reader.removed).toEqual(["a2"]);
    await consumer.stop();
  });

  it("asks for no more messages than calls have room for", async () => {
    const gate = createGate();
    const settle = async () => {
      await gate.opened;
      return REMOVE;
    };
    const { reader, calls, consumer, deliver } = createBench({ batchSize: 1, concurrency: 3, settle });

    await deliver("a1");
    await deliver("b1", "c1", "d1");

    expect(reader.asked).toEqual([3, 2]);
    expect(calls).toEqual([["a1"], ["b1"], ["c1"]]);
    gate.open();
    await settlePromises();
    expect(calls).toEqual([["a1"], ["b1"], ["c1"], ["d1"]]);
    await consumer.stop();
  });

  it("keeps what is worked out of sight of others", async () => {
    const gate = createGate();
    const settle = async () => {
      await gate.opened;
      return REMOVE;
    };
    const { clock, reader, consumer, deliver } = createBench({ settle });

    await deliver("a1");
    await clock.advance(40_000);

    expect(reader.hidden).toEqual(["a1 for 60000", "a1 for 60000"]);
    gate.open();
    await settlePromises();
    await clock.advance(40_000);
    expect(reader.hidden).toHaveLength(2);
    await consumer.stop();
  });

  it("gives all of a call back that throws", async () => {
    const settle = () => Promise.reject(new Error("No."));
    const { reader, logger, consumer, deliver } = createBench({ settle });

    await deliver("a1", "b1");

    expect(reader.hidden).toEqual(["a1 for 1000", "b1 for 1000"]);
    expect(logger.lines).toEqual(["error Messages could not be handled; they are delivered again."]);
    await consumer.stop();
  });

  it("gives a message back of which a call says nothing", async () => {
    const { reader, consumer, deliver } = createBench({ handle: async () => [REMOVE] });

    await deliver("a1", "b1");

    expect([reader.removed, reader.hidden]).toEqual([["a1"], ["b1 for 1000"]]);
    await consumer.stop();
  });

  it("settles what cannot be understood without a call, and gives back what cannot be read", async () => {
    const read: Overrides["read"] = async (incoming) => {
      if (incoming.body === "bad") return REMOVE;
      throw new Error("The bucket does not answer.");
    };
    const { reader, calls, consumer, deliver } = createBench({ read });

    await deliver("bad", "far");

    expect(calls).toEqual([]);
    expect(reader.removed).toEqual(["bad"]);
    expect(reader.hidden).toEqual(["far for 1000"]);
    await consumer.stop();
  });

  it("waits and goes on after a receive that failed", async () => {
    const { clock, reader, logger } = createBench();
    let tries = 0;
    const failing = {
      ...reader,
      async receive() {
        tries += 1;
        throw new Error("No.");
      },
    };
    const { consumer } = createBench({ reader: failing, clock, logger });
    await settlePromises();
    expect(tries).toBe(1);

    await clock.advance(5_000);

    expect(tries).toBe(2);
    expect(logger.lines[0]).toBe("error Messages could not be received; it is tried again.");
    await consumer.stop();
  });

  it("gives back at once what waits when it stops, and lets calls end", async () => {
    const gate = createGate();
    const settle = async () => {
      await gate.opened;
      return REMOVE;
    };
    const { reader, calls, consumer, deliver } = createBench({ batchSize: 1, concurrency: 1, prefetch: 9, settle });
    await deliver("a1", "a2", "b1");

    const stopping = consumer.stop();
    await settlePromises();
    expect(reader.hidden).toEqual(["a2 for 0", "b1 for 0"]);
    gate.open();
    await stopping;

    expect(calls).toEqual([["a1"]]);
    expect(reader.removed).toEqual(["a1"]);
  });
});
