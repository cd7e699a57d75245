import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import type { Dispatch } from "../../machine/decide/decision.ts";
import { createMemoryStore } from "../../memory/memory-store.ts";
import { defineExecutor, type ExecutorContext, failed, running, type Step, succeeded } from "../../ports/executor.ts";
import { countingIds, createFakeClock } from "../../testing/fake-clock.ts";
import { createRecordingLogger } from "../../testing/recording-logger.ts";
import { aChange, aDispatch, aPut, commitNow } from "../../testing/store-conformance/store-builders.ts";
import { createWorker } from "./worker.ts";

const ID = "s1/created/1/plan/1";
const SECRET = "hunter22";

interface Config {
  readonly url: string;
}

type Call = (ctx: ExecutorContext, config: Config) => Promise<Step>;

/** A worker at a stack of version 2 whose password is a secret. */
function createBench(start: Call, cancel?: Call) {
  const clock = createFakeClock();
  const store = createMemoryStore();
  const logger = createRecordingLogger();
  const reports: string[] = [];
  const executor = defineExecutor({
    name: "work",
    config: Type.Object({ url: Type.String({ pattern: "^pg://u:[a-z0-9]+@h$" }) }),
    start,
    poll: start,
    ...(cancel && { cancel }),
  });
  const worker = createWorker(
    { store, executors: new Map([["work", executor]]), clock, ids: countingIds(), logger },
    { owner: "w1", onReport: ({ line }) => reports.push(line) },
  );

  async function run(more: Partial<Dispatch> = {}) {
    const dispatch = aDispatch(ID, { executor: "work", secrets: ["password#1"], ...more });
    const config = { url: { $concat: ["pg://u:", { $secret: "password#1" }, "@h"] } };
    const message: Dispatch["message"] = {
      task: { name: "plan", executor: "work", config },
      stack: { ...dispatch.message.stack, metadata: { password: { $secret: "password#1" }, size: 3 } },
      dispatch: { ...dispatch.message.dispatch, version: 2, exclusiveKey: "db" },
    };
    const stack = { metadata: { password: SECRET, size: 3 }, secretVersions: { password: 1 } };
    await commitNow(store, aPut(stack, { dispatches: [{ ...dispatch, message }], now: clock.now() }));
    await worker.handle({ attemptId: ID, message, deliveries: 1 });
    return store.findAttempt(ID);
  }

  /** Removes the stack by force, and hands the attempt out again. */
  async function removeStack() {
    const now = clock.now();
    const cancel = { attemptId: ID, withinMs: 60_000, why: "requested", unclaimedAtOnce: true } as const;
    await commitNow(store, aChange({ write: { kind: "remove" }, cancels: [cancel], now }));
    await redeliver();
  }

  async function redeliver() {
    const [item] = await store.takeDue({ kinds: ["task", "poll"], now: clock.now(), limit: 1, leaseMs: 1_000 });
    if (item === undefined || !("message" in item)) throw new Error("Nothing is due.");
    await worker.handle({ attemptId: ID, message: item.message, deliveries: 2 });
  }

  async function takeResult() {
    const [item] = await store.takeDue({ kinds: ["event"], now: clock.now(), limit: 1, leaseMs: 1 });
    return item?.kind === "event" ? item.event.message : undefined;
  }

  return { run, removeStack, redeliver, takeResult, reports, logger, store, clock };
}

describe("a worker that was given secrets", () => {
  it("gives their values to the executor, in config, in metadata and by themselves", async () => {
    const seen: unknown[] = [];
    const bench = createBench(async (ctx, config) => {
      seen.push(config, ctx.metadata, ctx.secrets);
      return succeeded({});
    });

    await bench.run();

    expect(seen).toEqual([{ url: `pg://u:${SECRET}@h` }, { password: SECRET, size: 3 }, [SECRET]]);
  });

  it("lets none of them out: not by its log, its progress, its failure or what it logs", async () => {
    const bench = createBench(async (ctx, { url }) => {
      ctx.report(`connects to ${url}`);
      ctx.logger.warn(`slow: ${url}`, { url });
      throw new TypeError(`cannot reach ${url}`);
    });

    const attempt = await bench.run();

    const result = await bench.takeResult();
    const lines = ["connects to pg://u:***@h", "It failed. EXECUTOR_FAILED: TypeError: cannot reach pg://u:***@h"];
    expect(bench.reports).toEqual(lines);
    expect(attempt).toMatchObject({ log: lines.join("\n"), outcome: "failed" });
    expect(result).toMatchObject({ description: "TypeError: cannot reach pg://u:***@h" });
    expect(JSON.stringify([attempt, result, bench.logger.lines])).not.toContain(SECRET);
  });

  it("reveals none of them while the work runs", async () => {
    const bench = createBench(async () =>
      running({ progress: {}, pollAfterMs: 1_000, message: `waits for ${SECRET}` }),
    );

    expect((await bench.run())?.progressMessage).toBe("waits for ***");
  });

  it("says of outputs which must not be shown, and keeps them out of the log", async () => {
    const bench = createBench(async (ctx, { url }) => {
      ctx.report("made AKIA1234");
      return succeeded({ key: "AKIA1234", url, host: "h" }, { sensitive: ["key"] });
    });

    const attempt = await bench.run();

    expect(await bench.takeResult()).toMatchObject({
      outputs: { key: "AKIA1234", url: `pg://u:${SECRET}@h`, host: "h" },
      sensitiveOutputs: ["key", "url"],
    });
    expect(attempt?.log).toBe("made ***");
  });

  it("does not begin without them, as when the stack is gone", async () => {
    const bench = createBench(async () => succeeded({}));

    await bench.run({ secrets: ["password#9"] });

    expect(await bench.takeResult()).toMatchObject({
      event: "TASK_ERROR",
      code: "SECRETS_NEED_STORE",
      retryable: false,
    });
  });

  it("cancels what was begun although the stack is gone with them", async () => {
    const seen: unknown[] = [];
    const pending = async () => running({ progress: {}, pollAfterMs: 1_000, message: "stops" });
    const bench = createBench(
      async (ctx) => (ctx.cancelling ? failed({ code: "X", message: "It stopped.", retryable: false }) : pending()),
      async (ctx, config) => {
        seen.push(config, ctx.metadata);
        return pending();
      },
    );
    await bench.run();

    await bench.removeStack();
    const cancelled = await bench.store.findAttempt(ID);
    await bench.clock.advance(1_000);
    await bench.redeliver();

    expect(seen).toEqual([{ url: "pg://u:***@h" }, { password: "***", size: 3 }]);
    expect(cancelled).toMatchObject({ status: "suspended", heldKeys: ["key:db"] });
    expect(await bench.store.findAttempt(ID)).toMatchObject({ outcome: "cancelled" });
  });

  it("holds the task's explicit key while it works", async () => {
    const keys: unknown[] = [];
    const bench = createBench(async () => {
      keys.push((await bench.store.findAttempt(ID))?.heldKeys);
      return failed({ code: "X", message: "no", retryable: true });
    });

    await bench.run();

    expect(keys).toEqual([["key:db"]]);
  });
});
