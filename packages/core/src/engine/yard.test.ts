import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { defineExecutor, type ExecutorContext, failed, type Step, succeeded } from "../ports/executor.ts";
import { countingIds, createFakeClock, settlePromises } from "../testing/fake-clock.ts";
import { createRecordingLogger } from "../testing/recording-logger.ts";
import { createTrialLocator, TRIAL_SOURCE } from "../testing/trial.ts";
import { publishMessages } from "./engine.ts";
import { startYard, type YardOptions } from "./yard.ts";
import { listProcesses } from "./yard-health.ts";

const opened = { id: "e1", stackId: "pr-1", event: "OPENED", machine: "app" };

function createBench(
  start: (ctx: ExecutorContext) => Promise<Step> = async () => succeeded({}),
  more: { readonly timeout?: () => number; readonly prepare?: () => Promise<void> } = {},
) {
  const clock = createFakeClock();
  const ids = countingIds();
  const store = createMemoryStore();
  const logger = createRecordingLogger();
  const executors = new Map([["work", defineExecutor({ name: "work", config: Type.Object({}), start, ...more })]]);
  const locator = createTrialLocator(executors, { app: TRIAL_SOURCE });
  return {
    clock,
    store,
    logger,
    start: (options?: YardOptions) => startYard({ store, locator, executors, clock, ids, logger }, options),
    publish: (...messages: readonly object[]) => publishMessages({ store, clock, ids }, messages),
    findState: async () => (await store.load(["pr-1"]))[0]?.stack?.state,
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await settlePromises();
}

describe("a yard", () => {
  it("works events, tasks and results as they come, without waiting for time", async () => {
    const bench = createBench();
    const yard = bench.start();

    await bench.publish(opened);
    await settle();

    expect(await bench.findState()).toBe("LIVE");
    await yard.stop();
    expect(bench.logger.list("error")).toEqual([]);
  });

  it("prepares its executors when it starts workers, and survives a failure", async () => {
    const prepared: string[] = [];
    const bench = createBench(undefined, {
      async prepare() {
        prepared.push("work");
        throw new Error("no program");
      },
    });

    const engine = bench.start({ roles: ["engine"] });
    await settle();
    expect(prepared).toEqual([]);
    const yard = bench.start();
    await bench.publish(opened);
    await settle();

    expect([prepared, await bench.findState()]).toEqual([["work"], "LIVE"]);
    expect(bench.logger.list("error")).toEqual([]);
    await Promise.all([engine.stop(), yard.stop()]);
  });

  it("works what time makes due", async () => {
    const bench = createBench(() => new Promise(() => {}), { timeout: () => 3_600_000 });
    const yard = bench.start({ drainMs: 0, worker: { leaseMs: 3_600_000 } });
    await bench.publish(opened);
    await settle();

    await bench.clock.advance(2 * 3_600_000);

    expect((await bench.store.load(["pr-1"]))[0]?.stack?.tasks).toMatchObject([
      { status: "ERROR", errorMessage: "timed out after 1h" },
      { status: "ERROR", errorMessage: "timed out after 1h" },
    ]);
    void yard;
  });

  it("refuses to deliver refused events again, as its transport keeps their order", () => {
    expect(() => createBench().start({ engine: { refusedEvents: "redeliver" } })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});

describe("a yard of several processes", () => {
  it("decides in one and runs tasks in another", async () => {
    const ran: string[] = [];
    const bench = createBench(async ({ task }) => {
      ran.push(task);
      return succeeded({});
    });
    const engine = bench.start({ roles: ["engine"] });
    await bench.publish(opened);
    await settle();
    const before = { ran: [...ran], state: await bench.findState() };

    const worker = bench.start({ roles: ["worker"] });
    await settle();

    expect(before).toEqual({ ran: [], state: "BUILD" });
    expect([ran.slice(0, 2), await bench.findState()]).toEqual([["network", "db"], "LIVE"]);
    await Promise.all([engine.stop(), worker.stop()]);
    expect(bench.clock.nextWakeAt()).toBeUndefined();
  });

  it("leaves events alone in a worker", async () => {
    const bench = createBench();
    const worker = bench.start({ roles: ["worker"] });
    await bench.publish(opened);
    await settle();

    expect(await bench.store.queries.stats()).toMatchObject({ stacks: 0, queuedEvents: 1 });
    await worker.stop();
  });

  it("lists each under the id that holds its leases, until it has stopped", async () => {
    const ends: (() => void)[] = [];
    const bench = createBench(() => new Promise((resolve) => ends.push(() => resolve(succeeded({})))));
    const list = async () => (await listProcesses(bench.store.records, { limit: 9, now: bench.clock.now() })).items;
    const process = { version: "1.2.3", host: "blue", pid: 7 };
    const engine = bench.start({ roles: ["engine"], process: { ...process, url: "http://blue:7070" } });
    const worker = bench.start({ roles: ["worker"], process, concurrency: 1 });
    await bench.publish(opened);
    await settle();

    const stop = worker.stop();
    await settle();
    const draining = await list();
    for (const end of ends) end();
    await Promise.all([stop, engine.stop()]);

    const [attempt] = (await bench.store.queries.listAttempts("pr-1")).filter(({ owner }) => owner !== undefined);
    expect(attempt?.owner).toBe(worker.id);
    const instants = { startedAt: expect.any(Number), seenAt: expect.any(Number) };
    expect(draining).toEqual([
      {
        ...process,
        ...instants,
        id: engine.id,
        roles: ["engine"],
        url: "http://blue:7070",
        executors: [],
        capacity: 0,
        running: 0,
        draining: false,
        gone: false,
      },
      {
        ...process,
        ...instants,
        id: worker.id,
        roles: ["worker"],
        executors: ["work"],
        capacity: 1,
        running: 1,
        draining: true,
        gone: false,
      },
    ]);
    expect(await list()).toEqual([]);
  });
});

describe("the stop of a yard", () => {
  it("signs the process off also when it fails", async () => {
    const bench = createBench();
    const { watch } = bench.store;
    Object.assign(bench.store, {
      watch: (listener: Parameters<typeof watch>[0]) => {
        const end = watch(listener);
        return () => {
          end();
          throw new Error("no socket");
        };
      },
    });
    const list = async () => (await listProcesses(bench.store.records, { limit: 9, now: bench.clock.now() })).items;
    const yard = bench.start({ roles: ["engine"], process: { version: "1.2.3", host: "blue", pid: 7 } });
    await settle();
    const before = await list();

    await expect(yard.stop()).rejects.toThrow("no socket");

    expect([before.length, await list()]).toEqual([1, []]);
  });

  it("waits for running tasks while they end by themselves, and takes no others", async () => {
    const ends: (() => void)[] = [];
    const bench = createBench(() => new Promise((resolve) => ends.push(() => resolve(succeeded({})))));
    const yard = bench.start({ concurrency: 1 });
    await bench.publish(opened);
    await settle();

    const stop = yard.stop();
    await settle();
    for (const end of ends) end();
    await stop;

    expect(ends).toHaveLength(1);
    expect(await bench.store.queries.stats()).toMatchObject({ openAttempts: 1, queuedTasks: 1 });
    expect(bench.clock.nextWakeAt()).toBeUndefined();
  });

  it("aborts them after a while, and releases them for the next process", async () => {
    const bench = createBench(
      (ctx) =>
        new Promise((resolve) => {
          ctx.signal.addEventListener("abort", () => resolve(failed({ code: "KILLED", message: "", retryable: true })));
        }),
    );
    const yard = bench.start({ drainMs: 5_000 });
    await bench.publish(opened);
    await settle();

    const stop = yard.stop();
    await bench.clock.advance(5_000);
    await stop;

    const attempts = await bench.store.queries.listAttempts("pr-1");
    expect(attempts.map(({ status, pollDueAt }) => [status, pollDueAt])).toEqual([
      ["suspended", bench.clock.now()],
      ["suspended", bench.clock.now()],
    ]);
    expect(bench.clock.nextWakeAt()).toBeUndefined();
  });

  it("says which tasks run, and leaves those that do not end to their leases", async () => {
    const ends: ((step: Step) => void)[] = [];
    const bench = createBench(() => new Promise((resolve) => ends.push(resolve)));
    const yard = bench.start({ drainMs: 5_000, leaveMs: 60_000, concurrency: 1 });
    await bench.publish(opened);
    await settle();
    const running = [{ stackId: "pr-1", task: "network" }];
    expect(yard.running()).toEqual(running);

    const stop = yard.stop();
    await bench.clock.advance(65_000);
    await stop;
    const [attempt] = await bench.store.queries.listAttempts("pr-1");
    for (const end of ends) end(succeeded({}));
    await bench.clock.advance(60_000);

    expect(bench.logger.lines.filter(({ level }) => level === "warn")).toMatchObject([
      { message: expect.stringContaining("being stopped"), fields: { tasks: ["pr-1 network"] } },
      { message: expect.stringContaining("lease"), fields: { tasks: ["pr-1 network"] } },
    ]);
    expect(yard.running()).toEqual([]);
    expect(await bench.store.queries.listAttempts("pr-1")).toContainEqual(attempt);
    expect(bench.clock.nextWakeAt()).toBeUndefined();
  });

  it("leaves a store that another process can continue with", async () => {
    const first = createBench((ctx) => {
      return new Promise((resolve) => {
        ctx.signal.addEventListener("abort", () => resolve(failed({ code: "KILLED", message: "", retryable: true })));
        if (ctx.attempt.token > 1) resolve(succeeded({}));
      });
    });
    const yard = first.start({ drainMs: 0 });
    await first.publish(opened);
    await settle();
    const stop = yard.stop();
    await first.clock.advance(1);
    await stop;

    const second = first.start();
    await settle();
    await first.clock.advance(1_000);

    expect(await first.findState()).toBe("LIVE");
    await second.stop();
  });
});
