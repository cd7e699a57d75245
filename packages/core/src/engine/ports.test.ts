import { type Static, Type } from "typebox";
import { describe, expect, it } from "vitest";
import { parseMachine } from "../machine/parse-machine.ts";
import { defineExecutor, running, succeeded } from "../ports/executor.ts";
import { createSimulator, type Simulator } from "../testing/simulator.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

const Config = Type.Object({ place: Type.String() });
const Progress = Type.Object({ dueAt: Type.Integer(), stopping: Type.Boolean() });
type Progress = Static<typeof Progress>;

/** Work that takes three hours and five minutes to stop, at one stack a place at a time. */
function createSlowWork(calls: string[], stopMs = 5 * MINUTE_MS) {
  return defineExecutor({
    name: "slow-work",
    config: Config,
    progress: Progress,
    cancelWithin: "10m",
    exclusiveKey: (_subject, { place }) => place,
    timeout: () => 24 * HOUR_MS,
    start(ctx) {
      calls.push(`start ${ctx.stackId}`);
      const progress: Progress = { dueAt: ctx.clock.now() + 3 * HOUR_MS, stopping: false };
      return Promise.resolve(running({ progress, pollAfterMs: 3 * HOUR_MS, message: "works" }));
    },
    poll(ctx, _config, progress) {
      calls.push(`poll ${ctx.stackId}${ctx.cancelling ? " cancelling" : ""}`);
      if (progress.dueAt > ctx.clock.now()) {
        return Promise.resolve(running({ progress, pollAfterMs: MINUTE_MS, message: "not done" }));
      }
      return Promise.resolve(succeeded({ stopped: progress.stopping }));
    },
    cancel(ctx) {
      calls.push(`cancel ${ctx.stackId}`);
      const progress: Progress = { dueAt: ctx.clock.now() + stopMs, stopping: true };
      return Promise.resolve(running({ progress, pollAfterMs: MINUTE_MS, message: "stops" }));
    },
  });
}

const SOURCE = `
version: 1
events: [GO]
states:
  INIT: {on: {GO: [{action: advance, state: WORK}]}}
  WORK: {tasks: [work], on: {NEXT: [{action: advance, state: DONE}]}}
  DONE: {}
tasks:
  work: {executor: slow-work, config: {place: yard-7}}
`;

function createTrial(calls: string[], seed: number): Simulator {
  const executor = createSlowWork(calls);
  const { machine, problems } = parseMachine(SOURCE, {
    name: "trial",
    executors: new Map([[executor.name, executor]]),
  });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return createSimulator({ machines: [{ machine, source: SOURCE }], executors: [executor], seed });
}

const go = (stackId: string) => ({ id: `go-${stackId}`, stackId, event: "GO", machine: "trial" });

describe("the ports", () => {
  it("carry a three-hour poll over an exclusive key that two stacks share", async () => {
    const calls: string[] = [];
    const yard = createTrial(calls, 1);

    await yard.publish(go("a"));
    await yard.settle();
    await yard.publish(go("b"));
    await yard.advance(2 * HOUR_MS);
    const early = [await yard.findStack("a"), await yard.findStack("b")].map((stack) => stack?.state);
    const [waiting] = await yard.store.queries.listAttempts("b");
    await yard.advance(5 * HOUR_MS);

    expect(early).toEqual(["WORK", "WORK"]);
    expect(waiting?.status).toBe("queued");
    expect(waiting?.queuedFor).toMatchObject({ key: "slow-work:yard-7", place: 1 });
    expect(calls).toEqual(["start a", "poll a", "start b", "poll b"]);
    expect((await yard.findStack("a"))?.state).toBe("DONE");
    expect((await yard.findStack("b"))?.state).toBe("DONE");
  });

  it("keep the key through a five-minute cancel, then hand it on", async () => {
    const calls: string[] = [];
    const yard = createTrial(calls, 2);
    await yard.publish(go("a"));
    await yard.settle();
    await yard.publish(go("b"));
    await yard.advance(HOUR_MS);

    await yard.publish({ stackId: "a", event: "CANCEL_TASK", task: { name: "work" } });
    await yard.advance(4 * MINUTE_MS);
    const during = [...calls];
    await yard.advance(2 * MINUTE_MS);

    expect(during).not.toContain("start b");
    expect(calls.filter((call) => call !== "poll a cancelling")).toEqual(["start a", "cancel a", "start b"]);
    expect((await yard.findStack("a"))?.runs).toEqual([]);
  });

  it("give the key to the next when a cancel is never confirmed", async () => {
    const calls: string[] = [];
    const executor = createSlowWork(calls, 1_000 * HOUR_MS);
    const { machine } = parseMachine(SOURCE, { name: "trial", executors: new Map([[executor.name, executor]]) });
    if (machine === undefined) throw new Error("no machine");
    const yard = createSimulator({ machines: [{ machine, source: SOURCE }], executors: [executor], seed: 3 });
    await yard.publish(go("a"));
    await yard.settle();
    await yard.publish(go("b"));

    await yard.publish({ stackId: "a", event: "CANCEL_TASK", task: { name: "work" } });
    await yard.advance(9 * MINUTE_MS);
    const before = calls.includes("start b");
    await yard.advance(2 * MINUTE_MS);

    expect(before).toBe(false);
    expect(calls).toContain("start b");
    expect((await yard.findStack("a"))?.tasks).toEqual([
      { name: "work", status: "ERROR", errorCode: "TASK_CANCELLED", errorMessage: "cancelled" },
    ]);
  });

  it.each([11, 12, 13, 14, 15])(
    "reach the same end when processes die at calls of the store (seed %i)",
    async (seed) => {
      const calls: string[] = [];
      const executor = createSlowWork(calls);
      const { machine } = parseMachine(SOURCE, { name: "trial", executors: new Map([[executor.name, executor]]) });
      if (machine === undefined) throw new Error("no machine");
      const yard = createSimulator({
        machines: [{ machine, source: SOURCE }],
        executors: [executor],
        seed,
        crashRate: 0.1,
      });

      await yard.publish(go("a"), go("b"), go("c"));
      await yard.advance(24 * HOUR_MS);

      const states = await Promise.all(["a", "b", "c"].map(async (id) => (await yard.findStack(id))?.state));
      expect(states).toEqual(["DONE", "DONE", "DONE"]);
      for (const id of ["a", "b", "c"]) {
        const applied = (await yard.listHistory(id)).filter(({ outcome }) => outcome === "applied");
        expect(applied.map(({ event }) => event)).toEqual(["GO", "TASK_COMPLETED"]);
      }
    },
  );
});
