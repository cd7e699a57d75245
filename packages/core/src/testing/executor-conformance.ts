import assert from "node:assert/strict";
import { findFaults } from "../engine/attempts/check-step.ts";
import { parseDuration } from "../machine/document/duration.ts";
import type { Executor, Running } from "../ports/executor.ts";
import { type ConformanceCase, portCase } from "./conformance-case.ts";
import { createExecutorContext, runExecutor, type TestContextInput } from "./run-executor.ts";

/** An executor over its own world. */
export interface ExecutorUnderTest {
  readonly executor: Executor;
  /** Returns another process's executor over the same world. */
  restart(): Executor;
  /** Fits the schema, and leads to success. */
  readonly config: unknown;
  /** Does not fit the schema. */
  readonly invalidConfig: unknown;
  /** The context of the cases, such as `aws`. */
  readonly context?: TestContextInput;
  /** Counts the pieces of work that were begun in that world. */
  countWork(): number | Promise<number>;
}

const DEFAULT_CANCEL_WITHIN = "5m";

const executorCase = portCase<ExecutorUnderTest>;

/** Starts as a worker does; undefined when the first step ends the work. */
async function startNow({ executor, config, context }: ExecutorUnderTest): Promise<Running | undefined> {
  const step = await executor.start(createExecutorContext(context), toArgument(config));
  if (step.kind === "failed") return assert.fail(`The start failed: ${step.code} ${step.message}`);
  return step.kind === "running" ? step : undefined;
}

/** Casts a value for the executor. Its own schema has been checked; its type is not known here. */
function toArgument(value: unknown): never {
  return value as never;
}

/** The promises of every executor, whatever its work. */
export const executorConformance: readonly ConformanceCase<ExecutorUnderTest>[] = [
  executorCase("distinguishes valid and invalid config by its schema", async ({ executor, config, invalidConfig }) => {
    assert.equal(findFaults(executor.config, config), undefined);
    assert.notEqual(findFaults(executor.config, invalidConfig), undefined);
  }),

  executorCase("succeeds, with progress and outputs that fit its schemas", async ({ executor, config, context }) => {
    const { step, steps } = await runExecutor(executor, config, { context: createExecutorContext(context) });

    assert.equal(step.kind, "succeeded", JSON.stringify(step));
    for (const each of steps) {
      if (each.kind !== "running") continue;
      assert.deepEqual(JSON.parse(JSON.stringify(each.progress)), each.progress);
      assert.ok(each.pollAfterMs >= 0 && each.message.length > 0);
    }
  }),

  executorCase("declares what a running step needs", async (port) => {
    if ((await startNow(port)) === undefined) return;

    assert.equal(port.executor.resumable, true);
    assert.ok(port.executor.progress !== undefined && port.executor.poll !== undefined);
  }),

  executorCase("does the work once when it is started twice under one key", async (port) => {
    await startNow(port);
    const context = createExecutorContext({ ...port.context, attempt: { id: "a1", number: 1, token: 2 } });

    const { step } = await runExecutor(port.restart(), port.config, { context });

    assert.equal(step.kind, "succeeded", JSON.stringify(step));
    assert.equal(await port.countWork(), 1);
  }),

  executorCase("continues after a restart with nothing but its progress", async (port) => {
    const first = await startNow(port);
    if (first === undefined) return;
    const executor = port.restart();
    const context = createExecutorContext(port.context);
    const { poll } = executor;
    assert.ok(poll !== undefined);
    const progress = toArgument(JSON.parse(JSON.stringify(first.progress)));

    const resumed = { ...executor, start: () => poll.call(executor, context, toArgument(port.config), progress) };
    const { step } = await runExecutor(resumed, port.config, { context });

    assert.equal(step.kind, "succeeded", JSON.stringify(step));
    assert.equal(await port.countWork(), 1);
  }),

  executorCase("ends within its time when a cancel is requested", async ({ executor, config, context }) => {
    const { elapsedMs } = await runExecutor(executor, config, {
      context: createExecutorContext(context),
      cancelAfterMs: 1,
    });

    const withinMs = parseDuration(executor.cancelWithin ?? DEFAULT_CANCEL_WITHIN) ?? 0;
    assert.ok(elapsedMs <= 1 + withinMs, `The cancel took ${elapsedMs} ms, more than ${executor.cancelWithin}.`);
  }),

  executorCase("gives the same key and limit for the same task", async ({ executor, config }) => {
    const subject = {
      stackId: "s1",
      machine: "web",
      task: "work",
      target: { account: "111122223333", region: "eu-west-1" },
    };
    const key = () => executor.exclusiveKey?.(subject, toArgument(config));
    const limit = () => executor.timeout?.(toArgument(config));

    assert.equal(key(), key());
    assert.equal(limit(), limit());
    const limitMs = limit();
    assert.ok(limitMs === undefined || limitMs > 0);
  }),
];
