import { type TSchema, Type } from "typebox";
import { describe, expect, it } from "vitest";
import { StackyardError } from "../../errors/stackyard-error.ts";
import { defineExecutor, type Executor, failed, running, succeeded } from "../../ports/executor.ts";
import { createExecutorContext } from "../../testing/run-executor.ts";
import { callExecutor, type Operation, operationOf } from "./call-executor.ts";
import type { KeptProgress } from "./kept-progress.ts";

const Config = Type.Object({ name: Type.String() });
const Progress = Type.Object({ id: Type.String() });

/** An executor that answers so, whatever is called. */
function anExecutor(answer: () => unknown, config: TSchema = Config): Executor {
  const run = async () => answer() as never;
  return defineExecutor({
    name: "work",
    config,
    progress: Progress,
    outputs: Type.Object({ url: Type.Optional(Type.String()), size: Type.Optional(Type.Unknown()) }),
    start: run,
    poll: run,
  });
}

function callWith(
  executor: Executor,
  options: { operation?: Operation; config?: unknown; kept?: KeptProgress } = {},
): ReturnType<typeof callExecutor> {
  const { operation = "start", config = { name: "a" }, kept } = options;
  return callExecutor(executor, createExecutorContext(), { operation, config, kept });
}

describe("the call of an executor", () => {
  it.each([
    succeeded({ url: "https://a" }),
    running({ progress: { id: "1" }, pollAfterMs: 0, message: "works" }),
    failed({ code: "QUOTA", message: "no room", retryable: true }),
  ])("passes a sound answer on: %j", async (step) => {
    expect(await callWith(anExecutor(() => step))).toEqual(step);
  });

  it("does not call it with a config that does not fit", async () => {
    let calls = 0;
    const executor = anExecutor(() => {
      calls += 1;
      return succeeded({});
    });

    const step = await callWith(executor, { config: { name: 7 } });

    expect(calls).toBe(0);
    expect(step).toEqual({
      kind: "failed",
      code: "CONFIG_INVALID",
      message: 'The config does not fit "work": /name must be string.',
      retryable: false,
    });
  });

  // Reported: runatlantis/atlantis#4826
  it.each(["EROFS", "ENOSPC", "EMFILE"])("says what to do about a limit of the machine: %s", async (code) => {
    const step = await callWith(anExecutor(() => Promise.reject(Object.assign(new Error(`${code}: no`), { code }))));

    expect(step).toMatchObject({
      code: "EXECUTOR_FAILED",
      message: expect.stringMatching(`^Error: ${code}: no\\. .+\\.$`),
    });
  });

  // The kinds of danielgerlag/workflow-core#814, elsa-workflows/elsa-core#6430 and #1141: a plugin was updated while work of it ran.
  it.each(["poll", "cancel"] as const)(
    "gives %s the config and the progress of the start, whatever its schemas say now",
    async (operation) => {
      const given: unknown[] = [];
      const executor: Executor = {
        ...anExecutor(() => succeeded({})),
        [operation]: async (_ctx: unknown, ...args: readonly unknown[]) => {
          given.push(...args);
          return succeeded({});
        },
      };
      const config = { name: 7, gone: true };
      const kept = { progress: { id: 1 }, cancelBegun: false };

      const step = await callWith(executor, { operation, config, kept });

      expect([step, given]).toEqual([succeeded({}), [config, kept.progress]]);
    },
  );

  it.each([
    ["nothing", undefined, "PLUGIN_INVALID"],
    ["a text", "done", "PLUGIN_INVALID"],
    ["an object of another kind", { kind: "done" }, "PLUGIN_INVALID"],
    ["a wait of no length", { kind: "running", progress: { id: "1" }, message: "" }, "PLUGIN_INVALID"],
    ["a wait of no number", running({ progress: { id: "1" }, pollAfterMs: Number.NaN, message: "" }), "PLUGIN_INVALID"],
    ["progress that does not fit", running({ progress: {}, pollAfterMs: 1, message: "" }), "PLUGIN_INVALID"],
    ["outputs that do not fit", succeeded({ url: 1 }), "OUTPUT_INVALID"],
    ["outputs that are not JSON", succeeded({ size: 1n }), "OUTPUT_INVALID"],
    ["a failure without a code", { kind: "failed" }, "PLUGIN_INVALID"],
    [
      "a follow-up without a valid delay",
      succeeded({}, { followUp: { inMs: Number.NaN, config: {} } }),
      "OUTPUT_INVALID",
    ],
  ])("converts %s to a failure that is not retryable", async (_what, answer, code) => {
    expect(await callWith(anExecutor(() => answer))).toMatchObject({ kind: "failed", code, retryable: false });
  });

  it.each([
    [Object.create(null), "a value without a text (object)"],
    [Object.assign(new Error(), { message: Object.create(null) }), "Error: a value without a text (object)"],
    ["too far", "too far"],
  ])("converts a malformed thrown value to a failure, case %#", async (thrown, message) => {
    const executor = anExecutor(() => {
      throw thrown;
    });

    expect(await callWith(executor)).toMatchObject({ kind: "failed", code: "EXECUTOR_FAILED", message });
  });

  it("converts a thrown error to a failure, with the code of a StackyardError", async () => {
    const own = anExecutor(() => {
      throw new StackyardError("LEASE_LOST", "gone");
    });
    const other = anExecutor(() => {
      throw new RangeError("too far");
    });

    expect(await callWith(own)).toEqual(failed({ code: "LEASE_LOST", message: "gone", retryable: true }));
    expect(await callWith(other)).toEqual(
      failed({ code: "EXECUTOR_FAILED", message: "RangeError: too far", retryable: true }),
    );
  });

  it("makes a failure of a schema that cannot be used", async () => {
    const step = await callWith(anExecutor(() => succeeded({}), Type.Object({ name: Type.String({ pattern: "(" }) })));

    expect(step).toMatchObject({ kind: "failed", code: "EXECUTOR_FAILED" });
  });

  it("says so when an executor that is not done cannot be asked again", async () => {
    const { poll, ...rest } = anExecutor(() => succeeded({}));

    const step = await callWith(rest, { operation: "poll", kept: { progress: { id: "1" }, cancelBegun: false } });

    expect(step).toMatchObject({ code: "PLUGIN_INVALID", message: expect.stringContaining("has no poll") });
  });
});

describe("what is called", () => {
  const kept = { progress: {}, cancelBegun: false };
  const plain = anExecutor(() => succeeded({}));
  const cancellable: Executor = { ...plain, cancel: async () => succeeded({}) };

  it.each([
    ["start at first", undefined, false, plain, "start"],
    ["poll after that", kept, false, plain, "poll"],
    ["cancel after a cancel request", kept, true, cancellable, "cancel"],
    ["cancel even without progress", undefined, true, cancellable, "cancel"],
    ["poll when the cancel has begun", { ...kept, cancelBegun: true }, true, cancellable, "poll"],
    ["poll when the executor has no cancel", kept, true, plain, "poll"],
  ] as const)("is %s", (_what, progress, cancelling, executor, operation) => {
    expect(operationOf(progress, cancelling, executor)).toBe(operation);
  });
});
