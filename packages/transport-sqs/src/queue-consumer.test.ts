import { StackyardError } from "@stackyard/core";
import { createFakeClock, settlePromises } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createLanes, createQueueConsumer, createVisibilityKeeper, type QueueConsumerInput } from "./queue-consumer.ts";
import type { Settlement } from "./settlement.ts";
import { aFailedReceipt, aNamed, createFakeReader, createRecordingLogger } from "./testing/builders.ts";

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

  it("continues with the next message when order does not matter", async () => {
    const settle = (name: string): Settlement => (name === "a1" ? { kind: "return", afterMs: 2_000 } : REMOVE);
    const { reader, consumer, deliver } = createBench({ batchSize: 1, prefetch: 9, ordered: false, settle });

    await deliver("a1", "a2");

    expect(reader.hidden).toEqual(["a1 for 2000"]);
    expect(reader.removed).toEqual(["a2"]);
    await consumer.stop();
  });

  it("requests at most as many messages as there is capacity for", async () => {
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

  it("waits and continues after a failed receive", async () => {
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
    expect(logger.lines[0]).toBe("error Messages could not be received; the receive is retried.");
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

interface Item {
  readonly lane: string;
  readonly name: string;
}

const anItem = (name: string): Item => ({ name, lane: name.slice(0, 1) });
const namesOf = (items: readonly Item[] | undefined) => items?.map(({ name }) => name);

function createFilled(...names: readonly string[]) {
  const lanes = createLanes<Item>();
  lanes.add(names.map(anItem));
  return lanes;
}

describe("createLanes", () => {
  it("gives items in the order of their arrival, those of one lane together", () => {
    const lanes = createFilled("a1", "b1", "a2", "c1");

    expect(namesOf(lanes.take(3))).toEqual(["a1", "b1", "a2"]);
    expect(namesOf(lanes.take(3))).toEqual(["c1"]);
    expect(lanes.take(3)).toBeUndefined();
  });

  it("keeps what follows in a lane until the call with the lane has ended", () => {
    const lanes = createFilled("a1", "a2", "b1");
    const first = lanes.take(1) ?? [];

    expect(namesOf(lanes.take(9))).toEqual(["b1"]);
    expect(lanes.size).toBe(1);
    lanes.free(first);

    expect(namesOf(lanes.take(9))).toEqual(["a2"]);
  });

  it("drops what waits in a lane, or all of it", () => {
    const lanes = createFilled("a1", "b1", "a2", "c1");

    expect(namesOf(lanes.drop("a"))).toEqual(["a1", "a2"]);
    expect(namesOf(lanes.dropAll())).toEqual(["b1", "c1"]);
    expect(lanes.size).toBe(0);
  });
});

describe("createVisibilityKeeper", () => {
  const VISIBILITY_MS = 60_000;

  const HOUR = 3_600_000;

  function createBench() {
    const clock = createFakeClock();
    const reader = createFakeReader();
    const logger = createRecordingLogger();
    return {
      clock,
      reader,
      logger,
      keeper: createVisibilityKeeper({ clock, reader, logger, visibilityMs: VISIBILITY_MS }),
    };
  }

  it("extends what is held at a third of the time, all in one request", async () => {
    const { clock, reader, keeper } = createBench();
    keeper.hold("a");
    keeper.hold("b");

    await clock.advance(19_999);
    expect(reader.hidden).toEqual([]);
    await clock.advance(1);

    expect(reader.hidden).toEqual(["a for 60000", "b for 60000"]);
  });

  it("extends no more what was let go, and sleeps when nothing is held", async () => {
    const { clock, reader, keeper } = createBench();
    keeper.hold("a");
    keeper.hold("b");
    keeper.release("a");
    await clock.advance(20_000);
    keeper.release("b");

    await clock.advance(HOUR);

    expect(reader.hidden).toEqual(["b for 60000"]);
    expect(clock.nextWakeAt()).toBeUndefined();
  });

  it("begins again for what is held later", async () => {
    const { clock, reader, keeper } = createBench();
    keeper.hold("a");
    keeper.release("a");
    keeper.hold("b");

    await clock.advance(20_000);

    expect(reader.hidden).toEqual(["b for 60000"]);
  });

  it("continues after a failed request", async () => {
    const { clock, reader, logger, keeper } = createBench();
    reader.failNext(new Error("No."), [aFailedReceipt("a", false)]);
    keeper.hold("a");

    await clock.advance(60_000);

    expect(reader.hidden).toHaveLength(3);
    expect(logger.lines).toEqual([
      "warn The visibility of messages could not be extended.",
      "warn The visibility of a message could not be extended; it may be delivered again.",
    ]);
  });

  it("asks no more where the role may not extend, and says what to allow", async () => {
    const { clock, reader, logger, keeper } = createBench();
    reader.failNext(new StackyardError("FORBIDDEN", "No."));
    keeper.hold("a");

    await clock.advance(HOUR);

    expect(reader.hidden).toHaveLength(1);
    expect(logger.lines).toEqual([expect.stringContaining("allow sqs:ChangeMessageVisibility")]);
    keeper.release("a");
  });

  it("lets a delivery go that is over", async () => {
    const { clock, reader, logger, keeper } = createBench();
    reader.failNext([aFailedReceipt("a", true)]);
    keeper.hold("a");
    keeper.hold("b");

    await clock.advance(40_000);

    expect(reader.hidden).toEqual(["a for 60000", "b for 60000", "b for 60000"]);
    expect(logger.lines).toHaveLength(1);
  });

  it("says nothing of a delivery that was acknowledged meanwhile", async () => {
    const { clock, reader, logger } = createBench();
    const keeper = createVisibilityKeeper({
      clock,
      logger,
      visibilityMs: VISIBILITY_MS,
      reader: {
        queueUrl: reader.queueUrl,
        async hide() {
          keeper.release("a");
          return [aFailedReceipt("a", true)];
        },
      },
    });
    keeper.hold("a");

    await clock.advance(20_000);

    expect(logger.lines).toEqual([]);
  });

  it("never requests more than twelve hours after the receive, and reports when they are over", async () => {
    const { clock, reader, logger, keeper } = createBench();
    keeper.hold("a");

    await clock.advance(12 * HOUR);

    expect(reader.hidden.slice(-2)).toEqual(["a for 40000", "a for 20000"]);
    expect(logger.lines).toEqual([
      "warn A message was hidden for twelve hours, the most that SQS allows; it is delivered again.",
    ]);
  });
});
