import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { shortHashOf } from "../machine/event-message.ts";
import { defineExecutor, type Executor, failed, running, type Step, succeeded } from "../ports/executor.ts";
import { createSimulator, type Simulator } from "../testing/simulator.ts";
import { aDispatch } from "../testing/store-conformance/store-builders.ts";
import { createTrial } from "../testing/trial.ts";
import { prepareRun, type RunInput, type RunName, toFollowUpRun, toRunEvent } from "./attempt-result.ts";

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

async function begin(yard: Simulator, input: RunInput & RunName): Promise<string> {
  const run = prepareRun(input);
  await yard.store.revisions.put(run.revision);
  await yard.store.enqueue([toRunEvent(run, yard.clock.now())]);
  await yard.settle();
  return run.stackId;
}

function createYard(executor: Executor): Simulator {
  return createSimulator({ machines: [], executors: [executor] });
}

describe("a run", () => {
  it("is named by its key, and is the same for every repeat of it", () => {
    const executor = anExecutor();

    const first = prepareRun({ executor, config: { a: 1 }, key: "job-7" });
    const again = prepareRun({ executor, config: { a: 1 }, key: "job-7" });
    const other = prepareRun({ executor, config: { a: 1 }, key: "job-8" });

    expect(again).toEqual(first);
    expect(first).toMatchObject({ key: "job-7", stackId: `run-${shortHashOf("job-7")}` });
    expect([other.stackId === first.stackId, other.revision.hash === first.revision.hash]).toEqual([false, true]);
  });

  it("is started once for its key, whatever a repeat asks for", async () => {
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

    await yard.publish({ stackId: id, event: "RETRY" });
    await yard.advance(MINUTE_MS);

    expect([failedState, (await yard.findStack(id))?.state]).toEqual(["FAILED", "DONE"]);
    expect(await yard.findStack(lost)).toBeUndefined();
  });

  it("can be cancelled, within the time of its executor", async () => {
    const executor = anExecutor(() => running({ progress: {}, pollAfterMs: DAY_MS, message: "" }));
    const yard = createYard(executor);
    const id = await begin(yard, { executor, config: {}, timeoutMs: 5 * DAY_MS, key: "k" });

    await yard.publish({ stackId: id, event: "CANCEL_TASK", task: { name: "run" } });
    await yard.advance(2 * MINUTE_MS - 1);
    const before = (await yard.findStack(id))?.state;
    await yard.advance(1);

    expect([before, (await yard.findStack(id))?.state]).toEqual(["RUN", "FAILED"]);
  });

  it("ends at its own time-out", async () => {
    const executor = anExecutor(() => running({ progress: {}, pollAfterMs: DAY_MS, message: "" }));
    const yard = createYard(executor);
    const id = await begin(yard, { executor, config: {}, timeoutMs: 10 * MINUTE_MS, key: "k" });

    await yard.advance(10 * MINUTE_MS);

    expect((await yard.findStack(id))?.state).toBe("FAILED");
  });

  it("refuses a config that is too large", () => {
    const config = { text: "x".repeat(300_000) };

    expect(() => prepareRun({ executor: anExecutor(), config, key: "k" })).toThrow(
      expect.objectContaining({ code: "PAYLOAD_TOO_LARGE" }),
    );
  });
});

describe("a follow-up", () => {
  const message = aDispatch("s1/e/1/plan/1").message;
  const step = succeeded({}, { followUp: { inMs: 5, config: { remove: true } } });

  it("is a run of the same executor, keyed by the attempt", () => {
    const { run, step: same } = toFollowUpRun(anExecutor(), message, step);

    expect(same).toBe(step);
    expect(run).toMatchObject({ key: `follow-up:${shortHashOf("s1/e/1/plan/1")}`, inMs: 5 });
    expect(JSON.parse(run?.revision.source ?? "")).toMatchObject({ executor: "work", config: { remove: true } });
  });

  it("keeps the task's target", () => {
    const target = { account: "1", region: "eu" };

    const { run } = toFollowUpRun(anExecutor(), { ...message, task: { ...message.task, target } }, step);

    expect(JSON.parse(run?.revision.source ?? "")).toMatchObject({ target });
  });

  it.each([
    ["a step that has none", succeeded({})],
    ["a failed step", failed({ code: "X", message: "", retryable: true })],
  ])("is not made of %s", (_what, other) => {
    expect(toFollowUpRun(anExecutor(), message, other)).toEqual({ step: other });
  });

  it("makes the task fail when it cannot be made, and tells why", () => {
    const config = { text: "x".repeat(300_000) };

    const { step: answered, run } = toFollowUpRun(
      anExecutor(),
      message,
      succeeded({}, { followUp: { inMs: 1, config } }),
    );

    expect(run).toBeUndefined();
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
