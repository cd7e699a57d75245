import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { StackyardError } from "../../errors/stackyard-error.ts";
import { defined } from "../../machine/json.ts";
import type { TaskMessage } from "../../machine/task-message.ts";
import { createMemoryStore } from "../../memory/memory-store.ts";
import {
  defineExecutor,
  type Executor,
  type ExecutorContext,
  failed,
  running,
  type Step,
  succeeded,
} from "../../ports/executor.ts";
import type { Store } from "../../ports/store.ts";
import { countingIds, createFakeClock, type FakeClock, settlePromises } from "../../testing/fake-clock.ts";
import { createRecordingLogger } from "../../testing/recording-logger.ts";
import { aClaim, aDispatch, aPut, commitNow } from "../../testing/store-conformance/store-builders.ts";
import { listBorn } from "../births.ts";
import { createWorker, type WorkerOptions } from "./worker.ts";

const LEASE_MS = 30_000;

interface Parts {
  readonly start?: (ctx: ExecutorContext) => Promise<Step>;
  readonly poll?: (ctx: ExecutorContext) => Promise<Step>;
  readonly cancel?: (ctx: ExecutorContext) => Promise<Step>;
  readonly exclusiveKey?: () => string | undefined;
}

/** An executor that notes its calls. */
function anExecutor(calls: string[], { start, poll, cancel, exclusiveKey }: Parts = {}): Executor {
  const noted = (name: string, run: (ctx: ExecutorContext) => Promise<Step>) => (ctx: ExecutorContext) => {
    calls.push(`${name}${ctx.cancelling ? " cancelling" : ""}`);
    return run(ctx);
  };
  const done = async () => succeeded({});
  return defineExecutor({
    name: "work",
    config: Type.Object({}, { additionalProperties: false }),
    start: noted("start", start ?? done),
    poll: noted("poll", poll ?? done),
    ...(cancel === undefined ? {} : { cancel: noted("cancel", cancel) }),
    ...defined({ exclusiveKey }),
  });
}

interface Bench {
  readonly clock: FakeClock;
  readonly store: Store;
  readonly logger: ReturnType<typeof createRecordingLogger>;
  readonly calls: string[];
  readonly worker: ReturnType<typeof createWorker>;
  /** Dispatches the attempt and hands it to the worker. */
  run(config?: object): Promise<unknown>;
  deliver(): Promise<unknown>;
  /** What the queue of events holds: bodies without the echoed task. */
  takeEvents(): Promise<readonly Readonly<Record<string, unknown>>[]>;
  findStatus(): Promise<string | undefined>;
}

const ID = "s1/created/1/plan/1";

function createBench(
  parts: Parts = {},
  { wrap = (store) => store, ...options }: WorkerOptions & { wrap?: (store: Store) => Store } = {},
): Bench {
  const clock = createFakeClock();
  const store = createMemoryStore();
  const logger = createRecordingLogger();
  const calls: string[] = [];
  const executors = new Map([["work", anExecutor(calls, parts)]]);
  const worker = createWorker(
    { store: wrap(store), executors, clock, ids: countingIds(), logger },
    { leaseMs: LEASE_MS, owner: "w1", ...options },
  );
  const dispatch = aDispatch(ID, { executor: "work" });
  let message: TaskMessage = { ...dispatch.message, task: { name: "plan", executor: "work", config: {} } };
  return {
    clock,
    store,
    logger,
    calls,
    worker,
    deliver: () => worker.handle({ attemptId: ID, message, deliveries: 1 }),
    async run(config = {}) {
      message = { ...message, task: { name: "plan", executor: "work", config } };
      await commitNow(store, aPut({}, { dispatches: [{ ...dispatch, message }], now: clock.now() }));
      return worker.handle({ attemptId: ID, message, deliveries: 1 });
    },
    async takeEvents() {
      const items = await store.takeDue({ kinds: ["event"], now: clock.now(), limit: 10, leaseMs: 1 });
      return items.flatMap((item) => (item.kind === "event" ? [withoutTask(item.event.message)] : []));
    },
    findStatus: async () => (await store.findAttempt(ID))?.status,
  };
}

function withoutTask({ task, ...rest }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return rest;
}

/** A store whose first calls of one method fail because it does not answer. */
function failing(method: "settle" | "suspend", times: number): (store: Store) => Store {
  let left = times;
  return (store) => ({
    ...store,
    [method](...args: readonly unknown[]) {
      left -= 1;
      if (left >= 0) return Promise.reject(new StackyardError("STORE_UNAVAILABLE", "busy"));
      return Reflect.apply(store[method], store, args);
    },
  });
}

const COMPLETED = { event: "TASK_COMPLETED", stackId: "s1", dispatchId: ID, outputs: {} };

describe("the worker", () => {
  it("settles an attempt whose executor has ended, with the result as its event", async () => {
    const bench = createBench({ start: async () => succeeded({ url: "u", token: "t" }, { sensitive: ["token"] }) });

    const outcome = await bench.run();

    expect(outcome).toEqual({ kind: "done" });
    expect(await bench.takeEvents()).toEqual([{ ...COMPLETED, outputs: { url: "u" } }]);
    expect(await bench.store.findAttempt(ID)).toMatchObject({ status: "settled", outcome: "succeeded" });
  });

  it("suspends one that is not done, and polls it with its progress", async () => {
    const seen: unknown[] = [];
    const bench = createBench({
      start: async () => running({ progress: { at: 1 }, pollAfterMs: 60_000, message: "half", opensAt: 5 }),
      poll: async (ctx) => {
        seen.push(ctx.attempt);
        return succeeded({});
      },
    });

    await bench.run();
    const suspended = await bench.store.findAttempt(ID);
    await bench.clock.advance(60_000);
    await bench.deliver();

    expect(suspended).toMatchObject({ status: "suspended", progressMessage: "half", pollDueAt: bench.clock.now() });
    expect(suspended?.opensAt).toBe(5);
    expect(bench.calls).toEqual(["start", "poll"]);
    expect(seen).toEqual([{ id: ID, number: 1, token: 2 }]);
    expect(await bench.findStatus()).toBe("settled");
  });

  // OptimalBits/bull#1479, namastack/namastack-outbox#464, graphile/worker#165: the runner that receives a message may
  // not be the one that can do the work.
  it("leaves an attempt of an executor that it does not have, for a worker that has it", async () => {
    const bench = createBench();
    const dispatch = aDispatch(ID, { executor: "other" });
    await commitNow(bench.store, aPut({}, { dispatches: [dispatch], now: bench.clock.now() }));
    const other = createWorker(
      {
        store: bench.store,
        executors: new Map([["other", { ...anExecutor(bench.calls, {}), name: "other" }]]),
        clock: bench.clock,
        ids: countingIds(),
        logger: bench.logger,
      },
      { leaseMs: LEASE_MS, owner: "w2" },
    );
    const message = { ...dispatch.message, task: { name: "plan", executor: "other", config: {} } };

    const left = await bench.worker.handle({ attemptId: ID, message, deliveries: 1 });
    const status = await bench.findStatus();
    await other.handle({ attemptId: ID, message, deliveries: 2 });

    expect([left, status]).toEqual([
      { kind: "retry", afterMs: 5_000, left: true, reason: expect.stringContaining('"other"') },
      "unclaimed",
    ]);
    expect(await bench.takeEvents()).toMatchObject([{ event: "TASK_COMPLETED" }]);
  });

  it.each(["running", "suspended"])("does not take one that another worker has begun: %s", async (status) => {
    const bench = createBench({ start: async () => running({ progress: {}, pollAfterMs: 0, message: "works" }) });
    await bench.run();
    const suspended = await bench.store.findAttempt(ID);
    if (status === "running") {
      await bench.store.claim({
        attemptId: ID,
        owner: "w1",
        leaseMs: LEASE_MS,
        exclusiveKeys: [],
        now: bench.clock.now(),
      });
    }
    await bench.clock.advance(LEASE_MS + 1);
    const other = createWorker(
      { store: bench.store, executors: new Map(), clock: bench.clock, ids: countingIds(), logger: bench.logger },
      { leaseMs: LEASE_MS, owner: "w2" },
    );
    const message = { ...aDispatch(ID).message, task: { name: "plan", executor: "work", config: {} } };

    const outcome = await other.handle({ attemptId: ID, message, deliveries: 1 });

    expect(outcome.kind).toBe("retry");
    expect(await bench.store.findAttempt(ID)).toMatchObject({
      status,
      owner: "w1",
      token: (suspended?.token ?? 0) + (status === "running" ? 1 : 0),
    });
  });

  it("fails an attempt of a task that names no executor: no worker can run it", async () => {
    const bench = createBench();
    const { task, ...rest } = aDispatch(ID).message;
    await commitNow(bench.store, aPut({}, { dispatches: [aDispatch(ID)], now: bench.clock.now() }));

    await bench.worker.handle({ attemptId: ID, message: { ...rest, task: { name: task.name } }, deliveries: 1 });

    expect(await bench.takeEvents()).toMatchObject([{ event: "TASK_ERROR", code: "EXECUTOR_UNKNOWN" }]);
  });

  it("does nothing with an attempt that another one holds, nor with one that has ended", async () => {
    const bench = createBench({ start: () => new Promise(() => {}) });
    void bench.run();
    await settlePromises();

    const held = await bench.deliver();
    await bench.store.settle(
      { attemptId: ID, owner: "w1", token: 1 },
      { outcome: "failed", event: { id: "r", stackId: "s1", origin: "worker", receivedAt: 0, message: {} }, now: 0 },
    );
    const gone = await bench.deliver();

    expect([held, gone]).toEqual([{ kind: "done" }, { kind: "done" }]);
    expect(bench.calls).toEqual(["start"]);
  });

  it.each(["settle", "suspend"] as const)("retries a %s that the store does not answer", async (method) => {
    const going = running({ progress: {}, pollAfterMs: 0, message: "" });
    const bench = createBench(
      { start: async () => (method === "settle" ? succeeded({}) : going) },
      { wrap: failing(method, 3) },
    );

    const outcome = bench.run();
    await settlePromises();
    await bench.clock.advance(60_000);

    expect(await outcome).toEqual({ kind: "done" });
    expect(await bench.findStatus()).toBe(method === "settle" ? "settled" : "suspended");
    expect(bench.calls).toEqual(["start"]);
    expect(bench.logger.list("error")).toEqual([]);
  });

  it("leaves an attempt to the end of its lease when the store does not answer at all", async () => {
    const bench = createBench({}, { wrap: failing("settle", 100) });

    const outcome = bench.run();
    await settlePromises();
    await bench.clock.advance(60_000);

    expect(await outcome).toEqual({ kind: "done" });
    expect(await bench.findStatus()).toBe("running");
    const due = await bench.store.takeDue({
      kinds: ["lapsedLease"],
      now: bench.clock.now() + LEASE_MS,
      limit: 1,
      leaseMs: 1,
    });
    expect(due).toMatchObject([{ kind: "lapsedLease", attemptId: ID }]);
    expect(bench.logger.list("error")).toHaveLength(1);
  });

  it("fails a task whose follow-up cannot be made, rather than to do its work again and again", async () => {
    const config = { text: "x".repeat(300_000) };
    const bench = createBench({ start: async () => succeeded({}, { followUp: { inMs: 1, config } }) });

    await bench.run();

    expect(await bench.takeEvents()).toMatchObject([
      { event: "TASK_ERROR", code: "OUTPUT_INVALID", description: expect.stringContaining("PAYLOAD_TOO_LARGE") },
    ]);
    expect(await bench.findStatus()).toBe("settled");
  });

  it("does not let work begin without the exclusive key that its executor cannot name", async () => {
    const bench = createBench({
      exclusiveKey: () => {
        throw new Error("no place");
      },
    });

    await bench.run();

    expect(bench.calls).toEqual([]);
    expect(await bench.takeEvents()).toMatchObject([{ event: "TASK_ERROR", code: "PLUGIN_INVALID" }]);
  });

  it("distinguishes an invalid config from a key that cannot be determined", async () => {
    const bench = createBench({
      exclusiveKey: () => {
        throw new Error("no place");
      },
    });

    await bench.run({ unknown: 1 });

    expect(await bench.takeEvents()).toMatchObject([{ event: "TASK_ERROR", code: "CONFIG_INVALID" }]);
  });

  it("continues when the listener to its progress fails, and keeps the lines", async () => {
    const bench = createBench(
      {
        start: async (ctx) => {
          ctx.report("one");
          return succeeded({});
        },
      },
      {
        onReport: () => {
          throw new Error("closed terminal");
        },
      },
    );

    await bench.run();

    expect(await bench.store.findAttempt(ID)).toMatchObject({ outcome: "succeeded", log: "one" });
    expect(bench.logger.list("warn")).toEqual(["A listener to a task's progress failed."]);
  });

  it("keeps the lines of all its calls in the task's log, and shows only this call's last one as progress", async () => {
    const bench = createBench({
      start: async (ctx) => {
        ctx.report("one");
        return running({ progress: {}, pollAfterMs: 1_000, message: "waits" });
      },
      poll: async (ctx) => {
        await ctx.clock.sleep(LEASE_MS);
        ctx.report("two");
        return succeeded({});
      },
    });

    await bench.run();
    await bench.clock.advance(1_000);
    const polled = bench.deliver();
    await bench.clock.advance(LEASE_MS / 2);
    expect(await bench.store.findAttempt(ID)).toMatchObject({ status: "running", progressMessage: "waits" });
    await bench.clock.advance(LEASE_MS / 2);
    await polled;

    expect(await bench.store.findAttempt(ID)).toMatchObject({ outcome: "succeeded", log: "one\ntwo" });
  });

  it("logs with the ids of stack, task and attempt, its executors' lines included", async () => {
    const bench = createBench({
      start: async (ctx) => {
        ctx.logger.info("hello", { part: 1 });
        return failed({ code: "QUOTA", message: "secret in the message", retryable: true });
      },
    });

    await bench.run();

    const ids = { stackId: "s1", task: "plan", attemptId: ID };
    expect(bench.logger.lines).toEqual([
      { level: "debug", message: "An attempt was started.", fields: { ...ids, token: 1, again: false } },
      { level: "info", message: "hello", fields: { ...ids, part: 1 } },
      { level: "debug", message: "An attempt was settled.", fields: { ...ids, outcome: "failed", code: "QUOTA" } },
    ]);
  });
});

describe("a worker that loses its lease", () => {
  it.each([
    ["w2", "gadget-inc/silo#327, maxcountryman/underway#111"],
    // A worker that is restarted under the same name.
    ["w1", "aegra/aegra#502, Altinn/altinn-studio#18507"],
  ])("aborts the executor, and leaves the attempt to its new owner %s. Reported: %s", async (owner) => {
    const reasons: unknown[] = [];
    const bench = createBench({
      start: (ctx) =>
        new Promise((resolve) => {
          ctx.signal.addEventListener("abort", () => {
            reasons.push(ctx.signal.reason);
            resolve(failed({ code: "STOPPED", message: "", retryable: true }));
          });
        }),
    });
    const outcome = bench.run();
    await settlePromises();
    const later = bench.clock.now() + 2 * LEASE_MS;
    await bench.store.claim({ attemptId: ID, owner, leaseMs: 10 * LEASE_MS, exclusiveKeys: [], now: later });

    await bench.clock.advance(LEASE_MS);

    expect(await outcome).toEqual({ kind: "done" });
    expect(reasons).toEqual(["lost"]);
    expect(await bench.store.findAttempt(ID)).toMatchObject({ status: "running", owner, token: 2 });
    expect(await bench.takeEvents()).toEqual([]);
  });

  it.each([
    ["begins nothing when another owner has it", true, []],
    ["begins when it can be renewed", false, ["start"]],
  ])("after a pause between the claim and the first call %s", async (_, isTaken, calls) => {
    const bench = createBench(
      {},
      { wrap: (store) => pauseAfterClaim(store, (ms) => bench.clock.advance(ms), isTaken) },
    );

    await bench.run();

    expect(bench.calls).toEqual(calls);
    expect(await bench.store.findAttempt(ID)).toMatchObject(isTaken ? { owner: "w2" } : { status: "settled" });
  });

  it("after a pause in the commit that claimed it begins nothing when another owner has it", async () => {
    const { clock, store, calls, worker } = createBench();
    const dispatch = aDispatch(ID, { executor: "work" });
    const claims = [{ attemptId: ID, owner: "w1", leaseMs: LEASE_MS }];
    const change = aPut({}, { dispatches: [dispatch], claims, now: clock.now() });
    const result = (await store.commit([change]))[0];
    await clock.advance(2 * LEASE_MS);
    await store.claim(aClaim(ID, { owner: "w2", now: clock.now() }));

    for (const born of listBorn(change, result)) await worker.run(born);

    expect(result).toMatchObject({ kind: "committed", grants: [{ attemptId: ID }] });
    expect(calls).toEqual([]);
  });

  it("begins nothing when its lease has ended and the store does not answer", async () => {
    const bench = createBench(
      {},
      {
        wrap: (store) => ({
          ...pauseAfterClaim(store, (ms) => bench.clock.advance(ms), false),
          renew: () => Promise.reject(new Error("The store is down.")),
        }),
      },
    );

    await bench.run();

    expect(bench.calls).toEqual([]);
  });
});

/** A process that is frozen as soon as it has claimed an attempt, for two leases. `isTaken`: another claims it then. */
function pauseAfterClaim(store: Store, pass: (ms: number) => Promise<void>, isTaken: boolean): Store {
  return {
    ...store,
    async claim(input) {
      const claimed = await store.claim(input);
      await pass(2 * LEASE_MS);
      const later = { ...input, owner: "w2", now: input.now + 2 * LEASE_MS };
      if (isTaken) await store.claim(later);
      return claimed;
    },
  };
}

describe("a cancel", () => {
  const cancelled = { event: "TASK_CANCELLED", stackId: "s1", dispatchId: ID };

  async function askToStop({ store, clock }: Bench): Promise<void> {
    const cancel = { attemptId: ID, withinMs: 300_000, why: "requested", unclaimedAtOnce: false } as const;
    await commitNow(store, aPut({}, { cancels: [cancel], now: clock.now() }));
  }

  it("reaches a running call by its signal, at the next renewal", async () => {
    const bench = createBench({
      start: (ctx) =>
        new Promise((resolve) => {
          ctx.signal.addEventListener("abort", () => resolve(failed({ code: "X", message: "", retryable: false })));
        }),
    });
    const outcome = bench.run();
    await settlePromises();

    await askToStop(bench);
    await bench.clock.advance(LEASE_MS / 3);

    expect(await outcome).toEqual({ kind: "done" });
    expect(await bench.takeEvents()).toEqual([cancelled]);
    expect(await bench.store.findAttempt(ID)).toMatchObject({ outcome: "cancelled" });
  });

  it("keeps in the log, and reports, how the work ended", async () => {
    const lines: string[] = [];
    const going = running({ progress: {}, pollAfterMs: 60_000, message: "" });
    const message = "The function continues in AWS.\nIt ends within 15 min.";
    const bench = createBench(
      { start: async () => going, cancel: async () => failed({ code: "LEFT_RUNNING", message, retryable: false }) },
      { onReport: ({ line }) => lines.push(line) },
    );
    await bench.run();
    await askToStop(bench);

    await bench.deliver();

    const told = ["It ended after the cancel. LEFT_RUNNING: The function continues in AWS.", "It ends within 15 min."];
    expect(await bench.store.findAttempt(ID)).toMatchObject({ outcome: "cancelled", log: told.join("\n") });
    expect(lines).toEqual(told);
    expect(await bench.takeEvents()).toEqual([cancelled]);
  });

  it("does not undo work that succeeded anyway", async () => {
    const going = running({ progress: {}, pollAfterMs: 60_000, message: "" });
    const bench = createBench({ start: async () => going, cancel: async () => succeeded({}) });
    await bench.run();

    await askToStop(bench);
    await bench.deliver();

    expect(bench.calls).toEqual(["start", "cancel cancelling"]);
    expect(await bench.takeEvents()).toEqual([COMPLETED]);
  });

  it("is begun once; after that the work is polled until it has ended", async () => {
    const going = running({ progress: {}, pollAfterMs: 60_000, message: "" });
    const bench = createBench({ start: async () => going, cancel: async () => going, poll: async () => going });
    await bench.run();
    await askToStop(bench);

    for (let turn = 0; turn < 3; turn += 1) {
      await bench.deliver();
      await bench.clock.advance(60_000);
    }

    expect(bench.calls).toEqual(["start", "cancel cancelling", "poll cancelling", "poll cancelling"]);
  });

  it("ends an attempt that was never started, without a call", async () => {
    const bench = createBench();
    const dispatch = aDispatch(ID, { executor: "work" });
    await commitNow(bench.store, aPut({}, { dispatches: [dispatch], now: bench.clock.now() }));
    await askToStop(bench);

    await bench.deliver();

    expect(bench.calls).toEqual([]);
    expect(await bench.takeEvents()).toEqual([cancelled]);
  });

  it.each([
    ["calls cancel", { cancel: async () => succeeded({}) }, ["start", "cancel cancelling"]],
    ["does not start the work again", {}, ["start"]],
  ] as const)("of an attempt whose worker died: %s", async (_what, parts, calls) => {
    const bench = createBench({ ...parts, start: () => new Promise(() => {}) }, { wrap: withoutRenewals });
    void bench.run();
    await settlePromises();
    await askToStop(bench);
    await bench.clock.advance(LEASE_MS + 1);

    await bench.deliver();

    expect(bench.calls).toEqual(calls);
    expect(await bench.findStatus()).toBe("settled");
  });

  function withoutRenewals(store: Store): Store {
    return { ...store, renew: () => Promise.reject(new Error("dead")) };
  }
});

describe("a worker that is stopped", () => {
  const untilAborted = (ctx: ExecutorContext) =>
    new Promise<Step>((resolve) => {
      ctx.signal.addEventListener("abort", () => resolve(failed({ code: "KILLED", message: "", retryable: true })));
    });

  it("gives what it runs back at once, as it was", async () => {
    const bench = createBench({ start: untilAborted });
    const outcome = bench.run();
    await settlePromises();

    bench.worker.abort();

    expect(await outcome).toEqual({ kind: "done" });
    expect(await bench.store.findAttempt(ID)).toMatchObject({ status: "suspended", pollDueAt: bench.clock.now() });
    expect(await bench.takeEvents()).toEqual([]);
  });

  it("keeps a success that came just then", async () => {
    const bench = createBench({
      start: (ctx) =>
        new Promise((resolve) => {
          ctx.signal.addEventListener("abort", () => resolve(succeeded({})));
        }),
    });
    const outcome = bench.run();
    await settlePromises();

    bench.worker.abort();
    await outcome;

    expect(await bench.takeEvents()).toEqual([COMPLETED]);
  });

  it("does not begin what it is granted meanwhile, and takes nothing up after that", async () => {
    let grant = () => {};
    const bench = createBench(
      {},
      {
        wrap: (store) => ({
          ...store,
          claim: async (input) => {
            await new Promise<void>((resolve) => {
              grant = resolve;
            });
            return store.claim(input);
          },
        }),
      },
    );
    const outcome = bench.run();
    await settlePromises();

    bench.worker.abort();
    grant();

    expect(await outcome).toEqual({ kind: "done" });
    expect(bench.calls).toEqual([]);
    expect(await bench.findStatus()).toBe("suspended");
    expect(await bench.deliver()).toEqual({ kind: "retry", reason: "The worker stops." });
  });
});
