import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { shortHashOf } from "../../machine/short-hash.ts";
import { defineExecutor, type Executor, failed, running, type Step, succeeded } from "../../ports/executor.ts";
import { createRecordingLogger } from "../../testing/recording-logger.ts";
import { createSimulator, type Simulator } from "../../testing/simulator.ts";
import { aDispatch } from "../../testing/store-conformance/store-builders.ts";
import { createTrial } from "../../testing/trial.ts";
import {
  boundOutputs,
  createAttemptMask,
  type FinalStep,
  type JobInput,
  type JobName,
  maskOutputs,
  prepareJob,
  toFollowUpJob,
  toJobEvent,
  toResultEvent,
  toSettledOutcome,
} from "./attempt-result.ts";

const ID = "s1/created/1/plan/1";
const message = aDispatch(ID).message;
const quota = failed({ code: "QUOTA", message: "no room", retryable: true });

describe("the event of a result", () => {
  it("bears the attempt's id, so that it counts once, and echoes the task", () => {
    expect(toResultEvent(message, succeeded({ url: "u" }), { cancelling: false, now: 5 })).toEqual({
      id: `result:${ID}`,
      stackId: "s1",
      origin: "worker",
      receivedAt: 5,
      message: {
        event: "TASK_COMPLETED",
        stackId: "s1",
        task: message.task,
        dispatchId: ID,
        outputs: { url: "u" },
      },
    });
  });

  it("reports a failure with its code, its message, and whether it is retryable", () => {
    const { message: body } = toResultEvent(message, { ...quota, outputs: { part: 1 } }, { cancelling: false, now: 5 });

    expect(body).toMatchObject({
      event: "TASK_ERROR",
      code: "QUOTA",
      description: "no room",
      retryable: true,
      outputs: { part: 1 },
    });
  });

  it("holds no sensitive outputs for stacks of version 1, which keep none", () => {
    const step = succeeded({ url: "u", password: "s3cret" }, { sensitive: ["password"] });

    const { message: body } = toResultEvent(message, step, { cancelling: false, now: 5 });

    expect(body).toMatchObject({ outputs: { url: "u" } });
    expect(body).not.toHaveProperty("sensitiveOutputs");
  });

  it("names those that must not be shown for stacks of version 2", () => {
    const v2 = { ...message, dispatch: { ...message.dispatch, version: 2 } } as const;
    const step = succeeded({ url: "u", password: "s3cret" }, { sensitive: ["password", "gone"] });

    const events = [step, succeeded({ url: "u" })].map((each) =>
      toResultEvent(v2, each, { cancelling: false, now: 5 }),
    );

    expect(events.map(({ message: { outputs, sensitiveOutputs } }) => [outputs, sensitiveOutputs])).toEqual([
      [{ url: "u", password: "s3cret" }, ["password"]],
      [{ url: "u" }, undefined],
    ]);
  });

  it.each([null, "text", 7])("has no outputs when they are not an object: %j", (outputs) => {
    expect(toResultEvent(message, succeeded(outputs), { cancelling: false, now: 5 }).message["outputs"]).toEqual({});
  });

  it.each([
    [succeeded({}), false, "succeeded", "TASK_COMPLETED"],
    [succeeded({}), true, "succeeded", "TASK_COMPLETED"],
    [quota, false, "failed", "TASK_ERROR"],
    [quota, true, "cancelled", "TASK_CANCELLED"],
  ] satisfies [FinalStep, boolean, string, string][])(
    "of %j, cancelling %s: %s",
    (step, cancelling, outcome, event) => {
      expect(toSettledOutcome(step, cancelling)).toBe(outcome);
      expect(toResultEvent(message, step, { cancelling, now: 5 }).message["event"]).toBe(event);
    },
  );
});

const v1 = aDispatch("s1/created/1/plan/1").message;
const v2 = { ...v1, dispatch: { ...v1.dispatch, version: 2 } } as const;
// As JSON `{"text":"…"}`, 11 bytes besides the text.
const ofBytes = (bytes: number) => succeeded({ text: "x".repeat(bytes - 11) });

describe("boundOutputs", () => {
  it("lets 64 KiB through", () => {
    expect(boundOutputs(v2, ofBytes(65_536))).toEqual(ofBytes(65_536));
  });

  it("fails a task of version 2 whose outputs are larger, for good", () => {
    expect(boundOutputs(v2, ofBytes(65_537))).toEqual(
      failed({
        code: "OUTPUT_INVALID",
        message:
          "The outputs are 65537 bytes as JSON; the limit is 65536. Store large values elsewhere and return their address.",
        retryable: false,
      }),
    );
  });

  it("counts bytes, not characters", () => {
    expect(boundOutputs(v2, succeeded({ text: "ü".repeat(40_000) }))).toMatchObject({ code: "OUTPUT_INVALID" });
  });

  it("leaves them out for version 1, which keeps none", () => {
    expect(boundOutputs(v1, ofBytes(65_537))).toEqual(succeeded({}));
  });

  it("leaves out what a failure brings too much of, and keeps the failure", () => {
    const quota = failed({ code: "QUOTA", message: "no room", retryable: true });

    expect(boundOutputs(v2, { ...quota, outputs: { text: "x".repeat(70_000) } })).toEqual({ ...quota, outputs: {} });
    expect(boundOutputs(v2, quota)).toBe(quota);
  });
});

const mask = createAttemptMask({ "password#1": "hunter22", "pin#1": 123_456 });

describe("the mask of an attempt", () => {
  it("hides secrets in what a step says", () => {
    expect(mask.step(running({ progress: {}, pollAfterMs: 1, message: "uses hunter22" }))).toMatchObject({
      message: "uses ***",
    });
    expect(
      mask.step({ ...failed({ code: "X", message: "no 123456", retryable: true }), outputs: { a: ["hunter22"] } }),
    ).toMatchObject({ message: "no ***", outputs: { a: ["***"] } });
  });

  it("takes an output for sensitive that holds a secret, and leaves its value", () => {
    const step = succeeded({ url: "pg://u:hunter22@h", host: "h", pin: 123_456, key: "k" }, { sensitive: ["key"] });

    expect(mask.step(step)).toEqual({ ...step, sensitive: ["key", "url", "pin"] });
    expect(mask.step(succeeded({ host: "h" }))).toEqual(succeeded({ host: "h" }));
    expect(mask.step(succeeded(null))).toEqual(succeeded(null));
  });

  it("takes an output for sensitive for a whole value alone, not for a line of it, which may be any word", () => {
    const config = "apiVersion: v1\nkind: Config\ntoken: hunter22\n";
    const lines = createAttemptMask({ "config#1": config });
    const step = succeeded({
      kind: "kind: Config",
      whole: `it is\n${config}`,
      trimmed: config.trim(),
      deep: { config },
    });
    const followUp = { inMs: 1, config: { kind: "kind: Config" } };

    expect(lines.step(step)).toEqual({ ...step, sensitive: ["whole", "trimmed", "deep"] });
    expect(lines.step({ ...succeeded({}), followUp })).toEqual({ ...succeeded({}), followUp });
    expect(lines.text("has kind: Config")).toBe("has ***");
  });

  it("lets no run follow that would keep a secret in its config", () => {
    const step = (config: Readonly<Record<string, unknown>>) => ({ ...succeeded({}), followUp: { inMs: 1, config } });

    expect(mask.step(step({ deep: ["hunter22"] }))).toMatchObject({ kind: "failed", code: "OUTPUT_INVALID" });
    expect(mask.step(step({ deep: ["else"] }))).toEqual(step({ deep: ["else"] }));
  });

  it("hides secrets in logs, errors and their stacks included", () => {
    const recorded = createRecordingLogger();
    const logger = mask.logger(recorded);
    const error = new TypeError("bad hunter22");

    logger.debug("a hunter22", { url: "hunter22", deep: { list: ["hunter22"] } });
    logger.info("b");
    logger.warn("c", { error });
    logger.error("d", { error: new Error("else") });

    const text = JSON.stringify(recorded.lines, (_, value) =>
      value instanceof Error ? `${value.name} ${value.message} ${value.stack}` : value,
    );
    expect(text).not.toContain("hunter22");
    expect(text).toContain("TypeError bad ***");
    expect(text).toContain("Error else");
  });

  it("changes nothing where the claim gave no secrets", () => {
    const none = createAttemptMask();
    const logger = createRecordingLogger();
    const step = failed({ code: "X", message: "hunter22", retryable: true });

    expect([none.text("hunter22"), none.step(step), none.logger(logger)]).toEqual(["hunter22", step, logger]);
  });
});

describe("a log of a task that gave sensitive outputs", () => {
  it("does not quote them", () => {
    const step = succeeded({ key: "AKIA1234", host: "h", none: null }, { sensitive: ["key", "none", "gone"] });

    expect(maskOutputs("made AKIA1234 at h", step)).toBe("made *** at h");
    expect(maskOutputs("made AKIA1234", succeeded(null, { sensitive: ["key"] }))).toBe("made AKIA1234");
  });
});

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** An executor whose every call answers so. */
function anExecutor(answer: () => Step = () => succeeded({}), calls: unknown[] = []): Executor {
  return defineExecutor({
    name: "work",
    config: Type.Record(Type.String(), Type.Unknown()),
    cancelWithin: "2m",
    async start(ctx, config) {
      calls.push({ config, ...(ctx.target && { target: ctx.target }) });
      return answer();
    },
    poll: async () => answer(),
  });
}

async function begin(yard: Simulator, input: JobInput & JobName): Promise<string> {
  const run = prepareJob(input);
  await yard.store.revisions.put(run.revision, 0);
  await yard.store.enqueue([toJobEvent(run, yard.clock.now())]);
  await yard.settle();
  return run.stackId;
}

async function operate(yard: Simulator, message: { readonly stackId: string; readonly [field: string]: unknown }) {
  const { stackId } = message;
  const facts = { origin: "external", receivedAt: yard.clock.now(), own: true } as const;
  await yard.store.enqueue([{ id: "operation", stackId, message, ...facts }]);
}

function createYard(executor: Executor): Simulator {
  return createSimulator({ machines: [], executors: [executor] });
}

describe("a run", () => {
  it("is named by its key, and is the same for every repeat of it", () => {
    const executor = anExecutor();

    const first = prepareJob({ executor, config: { a: 1 }, key: "job-7" });
    const again = prepareJob({ executor, config: { a: 1 }, key: "job-7" });
    const other = prepareJob({ executor, config: { a: 1 }, key: "job-8" });

    expect(again).toEqual(first);
    expect(first).toMatchObject({ key: "job-7", stackId: `run-${shortHashOf("job-7")}` });
    expect([other.stackId === first.stackId, other.revision.hash === first.revision.hash]).toEqual([false, true]);
  });

  it("is started once for its key, whatever a repeated call requests", async () => {
    const calls: unknown[] = [];
    const executor = anExecutor(() => succeeded({}), calls);
    const yard = createYard(executor);
    const id = await begin(yard, { executor, config: { a: 1 }, key: "job-7" });

    await begin(yard, { executor, config: { a: 2 }, key: "job-7" });
    await yard.advance(2 * DAY_MS);
    await begin(yard, { executor, config: { a: 3 }, key: "job-7" });

    expect(calls).toEqual([{ config: { a: 1 } }]);
    expect(await yard.findStack(id)).toBeUndefined();
  });

  it("works in the target that it names", async () => {
    const calls: unknown[] = [];
    const executor = anExecutor(() => succeeded({}), calls);
    const target = { account: "111122223333", region: "eu-central-1" };

    await begin(createYard(executor), { executor, config: {}, target, key: "k" });

    expect(calls).toEqual([{ config: {}, target: { ...target, partition: "aws" } }]);
  });

  it("stays for a day when it is done, and goes then", async () => {
    const executor = anExecutor();
    const yard = createYard(executor);
    const id = await begin(yard, { executor, config: {}, key: "k" });
    const done = await yard.findStack(id);
    await yard.advance(DAY_MS - 1);
    const late = await yard.findStack(id);
    await yard.advance(1);

    expect([done?.state, late?.state, await yard.findStack(id)]).toEqual(["DONE", "DONE", undefined]);
    expect(await yard.findViolations()).toEqual([]);
  });

  it("stays for 30 days when it has failed, and can be tried again until then", async () => {
    let answer: Step = failed({ code: "X", message: "no", retryable: true });
    const executor = anExecutor(() => answer);
    const yard = createYard(executor);
    const id = await begin(yard, { executor, config: {}, key: "k" });
    const lost = await begin(yard, { executor, config: {}, key: "other" });
    await yard.advance(30 * DAY_MS - MINUTE_MS);
    const failedState = (await yard.findStack(id))?.state;
    answer = succeeded({});

    await operate(yard, { stackId: id, event: "RETRY" });
    await yard.advance(MINUTE_MS);

    expect([failedState, (await yard.findStack(id))?.state]).toEqual(["FAILED", "DONE"]);
    expect(await yard.findStack(lost)).toBeUndefined();
  });

  it("can be cancelled, within the time of its executor", async () => {
    const executor = anExecutor(() => running({ progress: {}, pollAfterMs: DAY_MS, message: "" }));
    const yard = createYard(executor);
    const id = await begin(yard, { executor, config: {}, timeoutMs: 5 * DAY_MS, key: "k" });

    await operate(yard, { stackId: id, event: "CANCEL_TASK", task: { name: "run" } });
    await yard.advance(2 * MINUTE_MS - 1);
    const before = (await yard.findStack(id))?.state;
    await yard.advance(1);

    expect([before, (await yard.findStack(id))?.state]).toEqual(["RUN", "FAILED"]);
  });

  it("ends at its own timeout", async () => {
    const executor = anExecutor(() => running({ progress: {}, pollAfterMs: DAY_MS, message: "" }));
    const yard = createYard(executor);
    const id = await begin(yard, { executor, config: {}, timeoutMs: 10 * MINUTE_MS, key: "k" });

    await yard.advance(10 * MINUTE_MS);

    expect((await yard.findStack(id))?.state).toBe("FAILED");
  });

  it("refuses a config that is too large", () => {
    const config = { text: "x".repeat(300_000) };

    expect(() => prepareJob({ executor: anExecutor(), config, key: "k" })).toThrow(
      expect.objectContaining({ code: "PAYLOAD_TOO_LARGE" }),
    );
  });
});

describe("a follow-up", () => {
  const message = aDispatch("s1/e/1/plan/1").message;
  const step = succeeded({}, { followUp: { inMs: 5, config: { remove: true } } });

  it("is a job of the same executor, keyed by the attempt", () => {
    const { followUp, step: same } = toFollowUpJob(anExecutor(), message, step);

    expect(same).toBe(step);
    expect(followUp).toMatchObject({ key: `follow-up:${shortHashOf("s1/e/1/plan/1")}`, inMs: 5 });
    expect(JSON.parse(followUp?.revision.source ?? "")).toMatchObject({ executor: "work", config: { remove: true } });
  });

  it("keeps the task's target", () => {
    const target = { account: "1", region: "eu" };

    const { followUp } = toFollowUpJob(anExecutor(), { ...message, task: { ...message.task, target } }, step);

    expect(JSON.parse(followUp?.revision.source ?? "")).toMatchObject({ target });
  });

  it.each([
    ["a step that has none", succeeded({})],
    ["a failed step", failed({ code: "X", message: "", retryable: true })],
  ])("is not made of %s", (_what, other) => {
    expect(toFollowUpJob(anExecutor(), message, other)).toEqual({ step: other });
  });

  it("fails the task when it cannot be created, and gives the reason", () => {
    const config = { text: "x".repeat(300_000) };

    const { step: answered, followUp } = toFollowUpJob(
      anExecutor(),
      message,
      succeeded({}, { followUp: { inMs: 1, config } }),
    );

    expect(followUp).toBeUndefined();
    expect(answered).toMatchObject({ kind: "failed", code: "OUTPUT_INVALID", retryable: false });
  });

  it("starts when its time has come, also when processes die, and once", async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const calls: unknown[] = [];
      const executor = defineExecutor({
        name: "work",
        config: Type.Object({ remove: Type.Optional(Type.Boolean()) }),
        async start(ctx, config) {
          if (config.remove === true) calls.push(ctx.attempt.number);
          const followUp = { inMs: 10 * MINUTE_MS, config: { remove: true } };
          return ctx.task === "db" ? succeeded({}, { followUp }) : succeeded({});
        },
      });
      const { yard } = createTrial({ executors: [executor], seed, crashRate: 0.05, leaseMs: 30_000 });
      await yard.publish({ stackId: "a-stack-with-a-name".repeat(10), event: "OPENED", machine: "app" });
      await yard.advance(8 * MINUTE_MS);
      const early = calls.length;

      await yard.advance(20 * MINUTE_MS);

      const { items } = await yard.store.queries.listStacks({ machine: "stackyard.run" }, { limit: 9 });
      expect([early, items.map(({ stack }) => stack.state)]).toEqual([0, ["DONE"]]);
      expect(await yard.findViolations()).toEqual([]);
    }
  });
});
