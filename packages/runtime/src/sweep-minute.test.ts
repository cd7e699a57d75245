import { describe, expect, it } from "vitest";
import { sweepMinute } from "./sweep-minute.ts";
import { createMemoryParts, type MemoryPartsInput } from "./testing/memory-parts.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** A yard whose stack waits in BUILD; its task's deadline comes after 10 minutes, its timer after 30. */
async function createYard(input: MemoryPartsInput = {}) {
  const yard = createMemoryParts(input);
  await yard.handle("OPENED");
  const [attempt] = await yard.store.queries.listAttempts("pr-1");
  const attemptId = attempt?.attemptId ?? "";
  return {
    ...yard,
    attemptId,
    sweep: () => sweepMinute(yard.parts, Number.POSITIVE_INFINITY),
    /** Claims the attempt and suspends it for so long. */
    async suspendFor(ms: number) {
      const now = yard.clock.now();
      const input = { attemptId, owner: "w1", leaseMs: MINUTE_MS, exclusiveKeys: [], now };
      const claimed = await yard.store.claim(input);
      if (claimed.kind !== "granted") throw new TypeError("The claim was not granted.");
      await yard.store.suspend(claimed.grant, { progress: {}, dueAt: now + ms, now });
    },
  };
}

describe("the sweep of a minute", () => {
  it("sends what is due before the end of the next minute, with the delay that is left, and nothing later", async () => {
    const { sweep, ticks, clock } = await createYard();
    await clock.advance(8 * MINUTE_MS + 30 * SECOND_MS);
    await sweep();
    const early = ticks.length;
    await clock.advance(MINUTE_MS);

    const report = await sweep();

    expect([early, report.due]).toEqual([1, 0]);
    expect(ticks.map(({ body, delayMs }) => [JSON.parse(body).tick, delayMs])).toEqual([["deadline", 90 * SECOND_MS]]);
  });

  it("handles due work itself when no queue is configured for it", async () => {
    const { sweep, clock, find } = await createYard({ hasTicks: false });
    await clock.advance(10 * MINUTE_MS);

    const report = await sweep();

    expect([report.due, await find()]).toEqual([1, "BUILD ERROR"]);
  });

  it("sends the outbox that a dead process has left, and events of the store's own queue to the engine", async () => {
    const { sweep, store, tasks, clock, find, attemptId } = await createYard();
    const message = { stackId: "pr-1", event: "MERGED" };
    await store.enqueue([{ id: "m1", stackId: "pr-1", origin: "external", message, receivedAt: clock.now() }]);

    const report = await sweep();

    expect([report.drained, tasks, await find()]).toEqual([2, [`${attemptId} +0`], "GONE"]);
  });

  it("sends polls of the next minute with their delay", async () => {
    const { sweep, suspendFor, tasks, attemptId } = await createYard();
    await suspendFor(70 * SECOND_MS);

    const report = await sweep();

    expect([report.polls, tasks]).toEqual([1, [`${attemptId} +71`]]);
  });

  it("sends polls by `stack-ticks` where the queue of tasks delays no single message", async () => {
    const capabilities = { maxDelayMs: 0, everyRunnerClaims: true, keepsOrder: true };
    const { sweep, suspendFor, tasks, ticks, clock, attemptId } = await createYard({ transport: { capabilities } });
    await suspendFor(70 * SECOND_MS);

    await sweep();

    expect(tasks).toEqual([]);
    expect(ticks.map(({ body, delayMs }) => [JSON.parse(body), delayMs])).toEqual([
      [{ tick: "poll", attemptId, dueAt: clock.now() + 70 * SECOND_MS }, 70 * SECOND_MS],
    ]);
  });

  it("sends due polls where there is neither a delay nor `stack-ticks`", async () => {
    const capabilities = { maxDelayMs: 0, everyRunnerClaims: true, keepsOrder: true };
    const { sweep, suspendFor, tasks, clock, attemptId } = await createYard({
      transport: { capabilities },
      hasTicks: false,
    });
    await suspendFor(70 * SECOND_MS);
    await sweep();
    const before = [...tasks];
    await clock.advance(70 * SECOND_MS);

    await sweep();

    expect([before, tasks]).toEqual([[], [`${attemptId} +0`]]);
  });

  it("hands an attempt out again when its runner is gone, and not before", async () => {
    const { sweep, store, tasks, clock, attemptId } = await createYard();
    await store.claim({ attemptId, owner: "w1", leaseMs: 30_000, exclusiveKeys: [], now: clock.now() });
    await sweep();
    const early = [...tasks];
    await clock.advance(30_000);

    const report = await sweep();

    expect([early, report.polls, tasks]).toEqual([[], 1, [`${attemptId} +0`]]);
  });

  it("prunes every ten minutes, as often as more is left", async () => {
    const prunedAt: number[] = [];
    const { sweep, clock } = await createYard({
      wrap: (store) => ({
        ...store,
        prune: async (_retention, now) => {
          prunedAt.push(Math.floor(now / MINUTE_MS) % 60);
          return prunedAt.length % 2 === 1;
        },
      }),
    });

    // A clock must have run for a day before anything is removed by it.
    for (const hours of [12, 12]) {
      await sweep();
      await clock.advance(hours * 60 * MINUTE_MS);
    }
    for (let minute = 0; minute < 21; minute += 1) {
      await sweep();
      await clock.advance(MINUTE_MS);
    }

    expect(prunedAt).toEqual([0, 0, 10, 10, 20, 20]);
  });

  it("does everything else when a part fails, and then says so", async () => {
    const { clock, tasks, sweep } = await createYard({
      sendTicks: () => Promise.reject(new Error("The queue does not answer.")),
    });
    await clock.advance(9 * MINUTE_MS);

    await expect(sweep()).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      cause: expect.objectContaining({ message: "The queue does not answer." }),
    });

    expect(tasks).toHaveLength(1);
  });

  it("begins nothing when its time is over", async () => {
    const { parts, clock, ticks, tasks } = await createYard();
    await clock.advance(10 * MINUTE_MS);

    const report = await sweepMinute(parts, clock.now());

    expect([report, ticks, tasks]).toEqual([{ due: 0, polls: 0, drained: 0, isHeld: false }, [], []]);
  });

  it("does the same work once when two run at a time", async () => {
    const { sweep, clock, ticks, tasks } = await createYard();
    await clock.advance(9 * MINUTE_MS);

    await Promise.all([sweep(), sweep()]);

    expect([ticks.length, tasks.length]).toEqual([1, 1]);
  });

  it("measures the yard in one minute of five, whichever instance sweeps", async () => {
    const minutes: number[] = [];
    const { sweep, clock } = await createYard({ measure: async () => void minutes.push(clock.now() / MINUTE_MS) });
    const from = Math.floor(clock.now() / MINUTE_MS);

    for (let minute = 0; minute < 10; minute += 1) {
      await sweep();
      await clock.advance(MINUTE_MS);
    }

    expect(minutes.map(Math.floor)).toEqual(
      Array.from({ length: 10 }, (_, minute) => from + minute).filter((minute) => minute % 5 === 0),
    );
  });

  it("measures how the yard stands, last, and has done its work where that fails", async () => {
    const order: string[] = [];
    const { sweep } = await createYard({
      async measure() {
        order.push("measured");
        throw new TypeError("no");
      },
      wrap: (store) => ({
        ...store,
        async takeDue(input) {
          order.push("taken");
          return store.takeDue(input);
        },
      }),
    });
    order.length = 0;

    const report = await sweep();

    expect([report.due, order.indexOf("measured"), order.at(-1)]).toEqual([0, order.length - 1, "measured"]);
  });

  it("ends in its time where measuring does not", async () => {
    const { parts, clock } = await createYard({ measure: () => new Promise(() => {}) });
    let ended = false;

    const sweeping = sweepMinute(parts, clock.now() + 10 * SECOND_MS).then(() => {
      ended = true;
    });
    await clock.advance(9 * SECOND_MS);
    const before = ended;
    await clock.advance(SECOND_MS);
    await sweeping;

    expect([before, ended]).toEqual([false, true]);
  });
});
