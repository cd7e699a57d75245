import { defineExecutor, failed, running, type Step, silentLogger, succeeded } from "@stackyard/core";
import { createMemoryStore, createPollingWorker } from "@stackyard/core/engine";
import { countingIds, createFakeClock } from "@stackyard/core/testing";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { dispatchTask } from "./testing/dispatch-task.ts";

const MINUTE = 60_000;

/** A worker whose task answers these steps, one after the other; the last one again and again. */
async function createBench(steps: readonly Step[], { resumable = true, clock = createFakeClock() } = {}) {
  const store = createMemoryStore();
  const calls: string[] = [];
  const begun = clock.now();
  const next = (what: string) => async () => {
    calls.push(`${what} +${(clock.now() - begun) / 1_000}`);
    return steps[Math.min(calls.length, steps.length) - 1] ?? succeeded({});
  };
  const executor = defineExecutor({
    name: "work",
    config: Type.Object({}),
    progress: Type.Unknown(),
    resumable,
    start: next("start"),
    poll: next("poll"),
    cancel: next("cancel"),
  });
  const executors = new Map([["work", executor]]);
  const settled: string[] = [];
  const suspended: number[] = [];
  const worker = createPollingWorker(
    { store, executors, clock, ids: countingIds(), logger: silentLogger },
    {
      onSettled: async (attemptId) => void settled.push(attemptId),
      onSuspended: async () => void suspended.push((clock.now() - begun) / 1_000),
    },
  );
  const delivery = await dispatchTask(store, { clock, executor });
  return {
    clock,
    store,
    calls,
    settled,
    suspended,
    worker,
    delivery,
    find: () => store.findAttempt(delivery.attemptId),
  };
}

const after = (pollAfterMs: number) => running({ progress: {}, pollAfterMs, message: "going" });

describe("a worker that polls", () => {
  it("works on what is soon due, until it has ended", async () => {
    const { clock, calls, worker, delivery, find } = await createBench([after(10_000), after(30_000), succeeded({})]);

    const handled = worker.handle(delivery);
    await clock.advance(40_000);

    expect(await handled).toEqual({ kind: "done" });
    expect(calls).toEqual(["start +0", "poll +10", "poll +40"]);
    expect(await find()).toMatchObject({ status: "settled", outcome: "succeeded" });
  });

  it("waits on when its timer has ended early: a claim before the poll is due is refused", async () => {
    const exact = createFakeClock();
    const clock = { ...exact, sleep: (ms: number, signal?: AbortSignal) => exact.sleep(Math.ceil(ms / 2), signal) };
    const { calls, worker, delivery } = await createBench([after(10_000), succeeded({})], { clock });

    const handled = worker.handle(delivery);
    await clock.advance(10_000);
    await handled;

    expect(calls).toEqual(["start +0", "poll +10"]);
  });

  it("leaves to the sweep what is due later", async () => {
    const { calls, worker, delivery, find } = await createBench([after(30_001)]);

    expect(await worker.handle(delivery)).toEqual({ kind: "done" });

    expect(calls).toEqual(["start +0"]);
    expect(await find()).toMatchObject({ status: "suspended" });
  });

  it("gives its place to others after five minutes", async () => {
    const { clock, calls, worker, delivery, find } = await createBench([after(20_000)]);

    const handled = worker.handle(delivery);
    await clock.advance(10 * MINUTE);
    await handled;

    expect(calls.at(-1)).toBe("poll +300");
    expect(await find()).toMatchObject({ status: "suspended" });
  });

  it("polls while more than a minute of the invocation is left", async () => {
    const { clock, calls, worker, delivery, find } = await createBench([after(20_000)]);

    const handled = worker.handle(delivery, { endsAt: clock.now() + 3 * MINUTE });
    await clock.advance(3 * MINUTE);
    await handled;

    expect(calls.at(-1)).toBe("poll +120");
    expect(await find()).toMatchObject({ status: "suspended" });
  });

  it("leaves an attempt to a worker that claims it between two polls", async () => {
    const { clock, calls, store, worker, delivery } = await createBench([after(10_000)]);

    const handled = worker.handle(delivery);
    await clock.advance(9_999);
    const { attemptId } = delivery;
    const claim = { attemptId, owner: "another", leaseMs: MINUTE, exclusiveKeys: [], now: clock.now() + 1 };
    expect(await store.claim(claim)).toMatchObject({ kind: "granted" });
    await clock.advance(1);

    expect(await handled).toEqual({ kind: "done" });
    expect(calls).toEqual(["start +0"]);
  });

  it("leaves what waits when it stops, and takes nothing up any more", async () => {
    const { clock, calls, worker, delivery, find } = await createBench([after(10_000)]);

    const handled = worker.handle(delivery);
    await clock.advance(1_000);
    worker.abort();

    expect(await handled).toEqual({ kind: "done" });
    expect(await worker.handle(delivery)).toMatchObject({ kind: "retry" });
    expect(calls).toEqual(["start +0"]);
    expect(await find()).toMatchObject({ status: "suspended", pollDueAt: clock.now() + 9_000 });
  });

  it("says which attempts it has settled, once", async () => {
    const { clock, settled, worker, delivery } = await createBench([after(10_000), succeeded({})]);

    const handled = worker.handle(delivery);
    await clock.advance(9_999);
    expect(settled).toEqual([]);
    await clock.advance(1);
    await handled;
    // It comes again, and is gone.
    await worker.handle(delivery);

    expect(settled).toEqual([delivery.attemptId]);
  });

  it("says when a step has suspended its attempt: events that it has queued are sent now, not by the next sweep", async () => {
    const { clock, suspended, settled, worker, delivery } = await createBench([
      after(10_000),
      after(20_000),
      succeeded({}),
    ]);

    const handled = worker.handle(delivery);
    await clock.advance(30_000);
    await handled;

    expect(suspended).toEqual([0, 10]);
    expect(settled).toHaveLength(1);
  });

  it("ends with a task that fails", async () => {
    const broken = failed({ code: "BROKEN", message: "It broke.", retryable: false });
    const { clock, worker, delivery, find } = await createBench([after(0), broken]);

    const handled = worker.handle(delivery);
    await clock.advance(0);
    await handled;

    expect(await find()).toMatchObject({ outcome: "failed" });
  });
});

describe("an attempt that begins in a polling worker", () => {
  const HOUR = 60 * MINUTE;

  /** Whether it is claimed at birth after so long of an invocation of ten minutes. */
  async function isClaimed(afterMs: number, { timeoutMs = HOUR, resumable = true, endsInMs = 10 * MINUTE } = {}) {
    const { clock, worker, delivery } = await createBench([succeeded({})], { resumable });
    await worker.handle(delivery, { endsAt: clock.now() + endsInMs });
    await clock.advance(afterMs);
    const facts = {
      stackId: "s1",
      incarnation: "l",
      entry: 1,
      task: "work",
      attempt: 2,
      cancelWithinMs: 1,
      again: false,
    };
    return worker.claimAtBirth({ ...facts, attemptId: "a2", timeoutMs, message: delivery.message }) !== undefined;
  }

  it("is claimed while three quarters of the invocation are left, or all of its own time", async () => {
    expect(await isClaimed(2.5 * MINUTE)).toBe(true);
    expect(await isClaimed(2.5 * MINUTE + 1)).toBe(false);
    expect(await isClaimed(8 * MINUTE, { timeoutMs: MINUTE })).toBe(true);
    expect(await isClaimed(8 * MINUTE + 1, { timeoutMs: MINUTE })).toBe(false);
  });

  it("is left to the queue when its executor cannot continue in another invocation", async () => {
    expect(await isClaimed(0, { resumable: false })).toBe(false);
    expect(await isClaimed(0, { resumable: false, endsInMs: Number.POSITIVE_INFINITY })).toBe(true);
  });
});
