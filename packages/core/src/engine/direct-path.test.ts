import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { defineExecutor, succeeded } from "../ports/executor.ts";
import { countingIds, createFakeClock, settlePromises } from "../testing/fake-clock.ts";
import { createRecordingLogger } from "../testing/recording-logger.ts";
import { createTrialLocator } from "../testing/trial.ts";
import { createEngine, publishMessages } from "./engine.ts";
import { createEventRoom } from "./event-room.ts";
import { Slots } from "./slots.ts";
import { startYard } from "./yard.ts";

const never = new AbortController().signal;

describe("places for tasks", () => {
  it("hands out as many as there are", () => {
    const slots = new Slots(3);

    expect([slots.take(2), slots.take(2), slots.take(1)]).toEqual([2, 1, 0]);
    slots.release(2);
    expect(slots.take(5)).toBe(2);
  });

  it("gives a free place to who waits, in the order of waiting", async () => {
    const slots = new Slots(1);
    slots.take(1);
    const order: string[] = [];
    const first = slots.takeNext(never).then(() => order.push("first"));
    const second = slots.takeNext(never).then(() => order.push("second"));

    slots.release();
    await first;
    expect(slots.take(1)).toBe(0);
    slots.release();
    await second;

    expect(order).toEqual(["first", "second"]);
  });

  it("reserves the place of an ended task for tasks that its result starts, for a limited time", async () => {
    let now = 0;
    const slots = new Slots(1, () => now);
    slots.take(1);
    let taken = false;
    void slots.takeNext(never).then(() => {
      taken = true;
    });

    const narrow = slots.widen("pr-1");
    expect([slots.take(1), slots.takeForBirth("pr-1"), slots.takeForBirth("pr-1")]).toEqual([0, true, false]);
    narrow();
    slots.release();
    now = 200;
    const narrowAgain = slots.widen("pr-2");
    expect(slots.takeForBirth("pr-2")).toBe(false);
    narrowAgain();
    await Promise.resolve();

    expect(taken).toBe(true);
  });

  it("keeps places for the stacks of events, and counts one that an attempt has taken no longer as kept", () => {
    const slots = new Slots(3);

    const end = slots.keep(["pr-1", "pr-2"], slots.take(2));
    const before = slots.free;
    const births = [slots.takeForBirth("pr-1"), slots.takeForBirth("pr-3"), slots.takeForBirth("pr-3")];
    const during = slots.free;
    end();

    expect([before, births, during, slots.free]).toEqual([1, [true, true, false], 0, 1]);
  });

  it("frees what is kept once the inputs of a stack are decided, and returns which part of it attempts have taken", () => {
    const slots = new Slots(4);
    const end = slots.keep(["pr-1", "pr-2", "pr-3", "pr-4"], 0);
    slots.takeForBirth("pr-1");

    slots.endKeeping(["pr-1", "pr-2", "pr-3"]);
    const free = slots.free;

    expect([free, end(), slots.free]).toEqual([2, 0.25, 3]);
  });

  it("lets a message wait until the results of all that followed from it are written", async () => {
    const slots = new Slots(0);
    let isOver = false;
    void slots.takeLast().then(() => {
      isOver = true;
    });

    const narrow = slots.widen("pr-1");
    slots.endKeeping(["pr-1"]);
    await settlePromises();
    const wasOverBefore = isOver;
    narrow();
    slots.release();
    await settlePromises();

    expect([wasOverBefore, isOver]).toEqual([false, true]);
  });

  it("does not give the place of a result that is being written to a message whose own result is written", async () => {
    const slots = new Slots(0);
    const narrow = slots.widen("pr-1");
    slots.endKeeping(["pr-1"]);
    let isOver = false;

    void slots.takeLast().then(() => {
      isOver = true;
    });
    await settlePromises();
    const wasOverBefore = isOver;
    narrow();
    slots.release();
    await settlePromises();

    expect([wasOverBefore, isOver]).toEqual([false, true]);
  });

  it("leaves a place alone that the stack keeps for its next attempt", () => {
    const slots = new Slots(1);
    const endOfEvent = slots.keep(["pr-1"], 0);
    slots.takeForBirth("pr-1");

    const narrow = slots.widen("pr-1");
    endOfEvent();

    expect(slots.takeForBirth("pr-1")).toBe(true);
    narrow();
  });

  it("keeps no more places than are free", () => {
    const slots = new Slots(1);

    const end = slots.keep(["pr-1", "pr-2"], slots.take(2));

    expect([slots.takeForBirth("pr-2"), slots.takeForBirth("pr-1")]).toEqual([false, true]);
    end();
    expect(slots.free).toBe(0);
  });

  it("reports a free place to a caller that waits for one, until the caller gives up", async () => {
    const slots = new Slots(1);
    const stopping = new AbortController();
    slots.take(1);
    let freed = 0;
    const first = slots.whenFree(never).then(() => {
      freed = slots.free;
    });

    slots.release();
    await first;
    slots.take(1);
    const second = slots.whenFree(stopping.signal);
    stopping.abort();
    await second;

    expect([freed, slots.free]).toEqual([1, 0]);
  });

  it("lets who waits give up", async () => {
    const slots = new Slots(1);
    slots.take(1);
    const stopping = new AbortController();
    const waiting = slots.takeNext(stopping.signal);

    stopping.abort();

    expect(await waiting).toBe(false);
    slots.release();
    expect(slots.take(1)).toBe(1);
    expect(await slots.takeNext(stopping.signal)).toBe(false);
  });
});

describe("room for events", () => {
  const stackIds = ["pr-1", "pr-2", "pr-3", "pr-4"];

  it("takes as many events as attempts can begin, and more where few of them begin one", async () => {
    const slots = new Slots(4);
    const room = createEventRoom({ slots, clock: createFakeClock(), batchSize: 64 });

    const first = await room.take(never);
    first.keepFor(stackIds)();
    const second = await room.take(never);
    const end = second.keepFor(stackIds);
    for (const stackId of stackIds) slots.takeForBirth(stackId);
    end();
    slots.release(4);
    const third = await room.take(never);

    expect([first.limit, second.limit, third.limit]).toEqual([4, 8, 6]);
  });

  it("waits a moment for a place, then takes one event and each time twice as many", async () => {
    const clock = createFakeClock();
    const slots = new Slots(1, clock.now);
    const room = createEventRoom({ slots, clock, batchSize: 3 });
    slots.take(1);
    const limits: number[] = [];
    const note = () => room.take(never).then(({ limit }) => limits.push(limit));

    const first = note();
    await clock.advance(24);
    const early = [...limits];
    await clock.advance(1);
    await first;
    for (let turn = 0; turn < 2; turn += 1) {
      const next = note();
      await clock.advance(25);
      await next;
    }

    expect([early, limits]).toEqual([[], [1, 2, 3]]);
  });

  it("does not wait for a place when the stop has come before", async () => {
    const slots = new Slots(0);
    const room = createEventRoom({ slots, clock: createFakeClock(), batchSize: 3 });

    expect((await room.take(AbortSignal.abort())).limit).toBe(1);
  });

  it("waits longer where tasks end all the time, and is there as soon as a place is", async () => {
    const clock = createFakeClock();
    const slots = new Slots(1, clock.now);
    const room = createEventRoom({ slots, clock, batchSize: 64 });
    slots.take(1);
    slots.widen("pr-1")();

    const taken = room.take(never);
    await clock.advance(400);
    slots.release();

    expect((await taken).limit).toBe(1);
    expect(slots.free).toBe(0);
  });
});

const SOURCE = `
version: 1
events: [OPENED, PUSHED]
states:
  INIT: {on: {OPENED: [{action: advance, state: BUILD}]}}
  BUILD: {tasks: [work], on: {NEXT: [{action: advance, state: CHECK}]}}
  CHECK: {tasks: [work], on: {NEXT: [{action: advance, state: LIVE}]}}
  LIVE: {on: {PUSHED: [{action: advance, state: DONE}]}}
  DONE: {}
tasks: {work: {executor: work, config: {}}}
`;

/** A yard whose tasks end when the test ends them, and another engine over the same store. */
function createBench() {
  const memory = createMemoryStore();
  const loads: (readonly string[])[] = [];
  const ends: (() => void)[] = [];
  const start = () => new Promise<ReturnType<typeof succeeded>>((resolve) => ends.push(() => resolve(succeeded({}))));
  const executors = new Map([["work", defineExecutor({ name: "work", config: Type.Object({}), start })]]);
  const [clock, ids, logger] = [createFakeClock(), countingIds(), createRecordingLogger()];
  const deps = { executors, clock, ids, logger, locator: createTrialLocator(executors, { app: SOURCE }) };
  const store = {
    ...memory,
    load(stackIds: readonly string[]) {
      loads.push(stackIds);
      return memory.load(stackIds);
    },
  };
  const yard = startYard({ ...deps, store });
  const other = createEngine({ ...deps, store: memory });
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await settlePromises();
  };
  return {
    yard,
    loads,
    async publish(id: string, event: string) {
      await publishMessages({ store, clock, ids }, [{ id, event, stackId: "pr-1", machine: "app" }]);
      await settle();
    },
    /** Another process handles an event. */
    async handle(id: string, event: string) {
      const message = { event, stackId: "pr-1" };
      const queued = { id, stackId: "pr-1", origin: "external", receivedAt: clock.now(), message } as const;
      return other.handle([{ event: queued, deliveries: 1 }]);
    },
    async endTask() {
      ends.shift()?.();
      await settle();
    },
    load: async () => (await memory.load(["pr-1"]))[0],
  };
}

describe("a result that is applied at once", () => {
  it("is decided on the stack as this process wrote it, without a load", async () => {
    const { yard, loads, publish, endTask, load } = createBench();
    await publish("e1", "OPENED");

    await endTask();
    await endTask();

    expect([(await load())?.stack?.state, loads.length]).toEqual(["LIVE", 1]);
    await yard.stop();
  });

  it("is decided on a fresh load when another process has changed the stack", async () => {
    const { yard, publish, handle, endTask, load } = createBench();
    await publish("e1", "OPENED");
    const before = (await load())?.version ?? 0;

    await handle("e2", "PUSHED");
    const parked = await load();
    await endTask();
    await endTask();

    // Parking gives the stack a new version, so that the result's commit is a conflict.
    expect([parked?.version, parked?.parked.length]).toEqual([before + 1, 1]);
    expect(await load()).toMatchObject({ stack: { state: "DONE" }, parked: [] });
    await yard.stop();
  });
});

describe("the last in line for a place", () => {
  it("gets one when neither the queue nor a result wants it", async () => {
    const slots = new Slots(0);
    const order: string[] = [];
    const narrow = slots.widen("pr-1");
    const patient = slots.takeLast().then(() => void order.push("last"));
    const queued = slots.takeNext(new AbortController().signal).then(() => void order.push("queue"));

    const isBorn = slots.takeForBirth("pr-1");
    narrow();
    slots.release(2);
    await queued;
    const early = [...order];
    slots.release();
    await patient;

    expect([isBorn, early, order]).toEqual([true, ["queue"], ["queue", "last"]]);
  });
});
