import { silentLogger } from "@stackyard/core";
import { createBulks, createLeases } from "@stackyard/core/engine";
import { countingIds } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createInvocationHandler } from "./handle-invocation.ts";
import { createMemoryParts, type MemoryPartsInput } from "./testing/memory-parts.ts";

const EVENTS = "arn:aws:sqs:eu-west-1:111122223333:stack-events";
const TICKS = "arn:aws:sqs:eu-west-1:111122223333:stack-ticks";
const context = { getRemainingTimeInMillis: () => 30_000 };

function aBatch(eventSourceARN: string, ...bodies: readonly unknown[]) {
  return {
    Records: bodies.map((body, index) => ({
      messageId: `m${index}`,
      eventSourceARN,
      body: typeof body === "string" ? body : JSON.stringify(body),
      attributes: { ApproximateReceiveCount: "1" },
    })),
  };
}

function createBench(input: MemoryPartsInput = {}) {
  const yard = createMemoryParts(input);
  return { ...yard, invoke: createInvocationHandler(yard.parts) };
}

const opened = { stackId: "pr-1", event: "OPENED", machine: "app", id: "o1" };

describe("an invocation of the state manager", () => {
  it("decides a batch and sends the tasks that follow from it", async () => {
    const { invoke, tasks, find } = createBench();

    const answer = await invoke(aBatch(EVENTS, opened), context);

    expect([answer, await find(), tasks.length]).toEqual([{ batchItemFailures: [] }, "BUILD PENDING", 1]);
  });

  it("does not report events whose tasks could not be sent: the sweep sends them", async () => {
    const errors: string[] = [];
    let down = true;
    const sent: string[] = [];
    const { invoke, clock } = createBench({
      logger: { ...silentLogger, error: (message) => void errors.push(message) },
      transport: {
        async sendTasks(messages) {
          if (down) throw new Error("The queue does not answer.");
          sent.push(...messages.map(({ dispatch }) => dispatch.id));
        },
      },
    });

    const answer = await invoke(aBatch(EVENTS, opened), context);
    down = false;
    await clock.advance(30_000);
    await invoke({ source: "aws.scheduler", "detail-type": "Scheduled Event" }, context);

    expect([answer, errors.length, sent.length]).toEqual([{ batchItemFailures: [] }, 1, 1]);
  });

  it("reports what could not be decided, and what is behind it on the same stack", async () => {
    const { invoke } = createBench({
      wrap: (store) => ({
        ...store,
        commit: (changes) =>
          changes.some(({ stackId }) => stackId === "pr-1")
            ? Promise.reject(new Error("The store does not answer."))
            : store.commit(changes),
      }),
    });

    const pushed = { stackId: "pr-1", event: "PUSHED", id: "p1" };
    const answer = await invoke(aBatch(EVENTS, opened, pushed, { ...opened, stackId: "pr-2", id: "o2" }), context);

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "m0" }, { itemIdentifier: "m1" }] });
  });

  it("throws where nothing of a batch could be decided, so that a mapping that reads no answers keeps it too", async () => {
    const { invoke } = createBench({
      wrap: (store) => ({ ...store, commit: () => Promise.reject(new Error("The store does not answer.")) }),
    });

    await expect(invoke(aBatch(EVENTS, opened), context)).rejects.toMatchObject({ code: "SERVER_ERROR" });
  });

  it("needs no context", async () => {
    const { invoke, find } = createBench();

    await invoke(aBatch(EVENTS, opened));

    expect(await find()).toBe("BUILD PENDING");
  });

  it("takes ticks from their own queue only", async () => {
    const { invoke, handle, clock, find } = createBench();
    await handle("OPENED");
    const tick = { tick: "timer", stackId: "pr-1", dueAt: clock.now() + 1_800_000 };
    await clock.advance(1_800_000);

    await invoke(aBatch(EVENTS, tick), context);
    const before = await find();
    await invoke(aBatch(TICKS, tick), context);

    expect([before, await find()]).toEqual(["BUILD PENDING", "GONE"]);
  });

  it("sweeps now and then where no schedule and no `stack-ticks` have been set up", async () => {
    const { invoke, handle, clock, find } = createBench({ hasTicks: false });
    await handle("OPENED");
    await clock.advance(1_800_000);

    await invoke(aBatch(EVENTS, { ...opened, stackId: "pr-2" }), context);

    expect(await find()).toBe("GONE");
  });

  it("does not measure the yard while a batch waits for its answer", async () => {
    const measured: string[] = [];
    const { invoke, clock } = createBench({ hasTicks: false, measure: async () => void measured.push("measured") });
    await clock.advance(1_800_000);

    await invoke(aBatch(EVENTS, opened), context);
    const before = [...measured];
    await invoke({ source: "aws.events", "detail-type": "Scheduled Event" }, context);

    expect([before, measured]).toEqual([[], ["measured"]]);
  });

  describe("carries out bulk operations whose command has ended", () => {
    const stacks = Array.from({ length: 120 }, (_, n) => `s-${n}`);
    const sender = { kind: "aws", id: "arn", name: "arn", groups: [] } as const;
    const order = { id: "01J", operation: "send", filter: {}, message: { event: "MERGED" }, sender } as const;

    /** A yard in which a command has chosen the items of one, and has died. */
    async function createAbandoned() {
      const { invoke, handle, store, clock } = createBench();
      for (const id of stacks) await handle("OPENED", id);
      const bell = { count: 0, wait: async () => undefined };
      const command = createBulks({ store, clock, ids: countingIds(), logger: silentLogger, bell });
      await command.stop();
      await command.start(order, stacks);
      return {
        store,
        clock,
        find: async () => (await command.find(order.id))?.bulk,
        /** A call of the schedule that may take so long, until its end. */
        async tick(leftMs: number) {
          const called = invoke(
            { source: "aws.events", "detail-type": "Scheduled Event" },
            { getRemainingTimeInMillis: () => leftMs },
          );
          await clock.advance(leftMs);
          await called;
        },
      };
    }

    it("in the time that is left, and the next tick continues", async () => {
      const { tick, find, store } = await createAbandoned();

      await tick(40);
      const first = await find();
      await tick(30_000);

      expect(first).toMatchObject({ status: "running", done: 50 });
      expect(await find()).toMatchObject({ status: "done", done: 120, counts: { applied: 120 } });
      const { items } = await store.queries.listHistory({}, { limit: 1_000 });
      const merged = items.filter(({ event, outcome }) => event === "MERGED" && outcome === "applied");
      expect(merged.map(({ stackId }) => stackId).toSorted()).toEqual(stacks.toSorted());
    });

    it("when its lease has ended", async () => {
      const { tick, find, store, clock } = await createAbandoned();
      await createLeases(store.records, { clock }).acquire("bulk/01J", "the command", 50_000);

      await tick(30_000);
      const before = await find();
      await clock.advance(30_000);
      await tick(30_000);

      expect([before?.done, (await find())?.status]).toEqual([0, "done"]);
    });
  });

  describe("works what commits have left", () => {
    function createDrained(input: MemoryPartsInput = {}) {
      const { parts } = createMemoryParts(input);
      const drained: string[] = [];
      const drain = async (_stopAt: number, whose = "all") => drained.push(whose);
      return { drained, invoke: createInvocationHandler({ ...parts, yard: { ...parts.yard, drain } }) };
    }
    const again = (batch: ReturnType<typeof aBatch>) => ({
      Records: batch.Records.map((record) => ({ ...record, attributes: { ApproximateReceiveCount: "2" } })),
    });
    const tick = { tick: "timer", stackId: "pr-1", dueAt: 1 };

    it.each([
      ["its own, after events", aBatch(EVENTS, opened), "own"],
      ["its own, after ticks", aBatch(TICKS, tick), "own"],
      [
        "all, after redelivered events, because their first receiver may have died",
        again(aBatch(EVENTS, opened)),
        "all",
      ],
      ["all, after redelivered ticks", again(aBatch(TICKS, tick)), "all"],
    ])("%s", async (_what, event, whose) => {
      const { invoke, drained } = createDrained();

      await invoke(event, context);

      expect(drained).toEqual([whose]);
    });

    it("all, where perhaps nothing sweeps", async () => {
      const { invoke, drained } = createDrained({ hasTicks: false });

      await invoke(aBatch(EVENTS, opened), context);

      expect(drained).toEqual(["all"]);
    });
  });

  it("leaves that to the schedule where there is one", async () => {
    const { invoke, handle, clock, find, ticks } = createBench();
    await handle("OPENED");
    await clock.advance(1_800_000);

    await invoke(aBatch(EVENTS, { ...opened, stackId: "pr-2" }), context);

    expect([await find(), ticks]).toEqual(["BUILD PENDING", []]);
  });

  it("begins nothing when its time is nearly over, and leaves it to the next", async () => {
    const { invoke, tasks } = createBench();

    await invoke(aBatch(EVENTS, opened), { getRemainingTimeInMillis: () => 0 });
    const before = tasks.length;
    await invoke({ source: "aws.events", "detail-type": "Scheduled Event" }, context);

    expect([before, tasks.length]).toEqual([0, 1]);
  });
});
