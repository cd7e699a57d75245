import { type Static, Type } from "typebox";
import { describe, expect, it } from "vitest";
import { defineExecutor, failed, running, succeeded } from "../ports/executor.ts";
import { executorConformance } from "./executor-conformance.ts";
import { createExecutorContext, runExecutor } from "./run-executor.ts";

const Config = Type.Object({ minutes: Type.Integer() });
const Progress = Type.Object({ job: Type.String(), endsAt: Type.Integer() });
type Progress = Static<typeof Progress>;

/** Jobs in a world that outlives the executor, found again by the idempotency key. */
function createJobs(jobs: Map<string, Progress>) {
  return defineExecutor({
    name: "job",
    config: Config,
    progress: Progress,
    outputs: Type.Object({ job: Type.String() }),
    exclusiveKey: ({ stackId }) => stackId,
    timeout: ({ minutes }) => minutes * 60_000,
    async start(ctx, { minutes }) {
      ctx.report("starts");
      const endsAt = ctx.clock.now() + minutes * 60_000;
      const job = jobs.get(ctx.idempotencyKey) ?? { job: ctx.idempotencyKey, endsAt };
      jobs.set(ctx.idempotencyKey, job);
      return running({ progress: job, pollAfterMs: 30_000, message: "The job runs." });
    },
    async poll(ctx, _config, progress) {
      if (ctx.clock.now() >= progress.endsAt) return succeeded({ job: progress.job });
      return running({ progress, pollAfterMs: 30_000, message: "The job runs." });
    },
    async cancel() {
      return failed({ code: "JOB_CANCELLED", message: "The job was cancelled.", retryable: false });
    },
  });
}

describe("executorConformance", () => {
  for (const c of executorConformance) {
    it(`job: ${c.name}`, () =>
      c.run(async () => {
        const jobs = new Map<string, Progress>();
        const restart = () => createJobs(jobs);
        return { executor: restart(), restart, config: { minutes: 3 }, invalidConfig: {}, countWork: () => jobs.size };
      }));
  }

  it("finds an executor that does its work again at each start", async () => {
    let started = 0;
    const executor = defineExecutor({
      name: "careless",
      config: Config,
      async start() {
        started += 1;
        return succeeded({});
      },
    });
    const port = {
      executor,
      restart: () => executor,
      config: { minutes: 1 },
      invalidConfig: 1,
      countWork: () => started,
    };
    const once = executorConformance.find(({ name }) => name.includes("once"));

    await expect(once?.run(async () => port)).rejects.toThrow();
  });
});

describe("runExecutor", () => {
  it("runs hours of work in virtual time", async () => {
    const run = await runExecutor(createJobs(new Map()), { minutes: 180 });

    expect(run.step.kind).toBe("succeeded");
    expect(run.elapsedMs).toBe(180 * 60_000);
    expect(run.steps).toHaveLength(361);
    expect(run.reports).toEqual(["starts"]);
  });

  it("begins a cancel at its instant, between two polls", async () => {
    const run = await runExecutor(createJobs(new Map()), { minutes: 180 }, { cancelAfterMs: 45_000 });

    expect(run.step).toMatchObject({ kind: "failed", code: "JOB_CANCELLED" });
    expect(run.elapsedMs).toBe(45_000);
  });

  it("aborts the signal of a start that keeps working when a cancel is requested", async () => {
    const executor = defineExecutor({
      name: "long",
      config: Type.Object({}),
      resumable: false,
      async start(ctx) {
        await ctx.clock.sleep(3_600_000, ctx.signal);
        return ctx.signal.aborted ? failed({ code: "STOPPED", message: "…", retryable: false }) : succeeded({});
      },
    });

    expect((await runExecutor(executor, {}, { cancelAfterMs: 10 })).elapsedMs).toBe(10);
    expect((await runExecutor(executor, {})).elapsedMs).toBe(3_600_000);
  });

  it("fails a step that does not fit the schemas, and config that does not", async () => {
    const context = createExecutorContext();
    const executor = defineExecutor({
      name: "wrong",
      config: Config,
      outputs: Type.Object({ url: Type.String() }),
      start: async () => Object({ kind: "succeeded", outputs: {} }),
    });

    expect((await runExecutor(executor, { minutes: 1 }, { context })).step).toMatchObject({ code: "OUTPUT_INVALID" });
    expect((await runExecutor(executor, {}, { context })).step).toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("gives up on an executor that never ends", async () => {
    const run = runExecutor(createJobs(new Map()), { minutes: 60 }, { maxSteps: 10 });

    await expect(run).rejects.toThrow('The executor "job" has not ended after 10 steps.');
  });
});

describe("createExecutorContext", () => {
  it("says what to do where AWS is wanted", async () => {
    const context = createExecutorContext();

    await expect(context.credentials()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(() => context.aws(class {})).toThrow("Give `aws`");
  });

  it("has one idempotency key an attempt", () => {
    const key = (number: number, token: number) =>
      createExecutorContext({ attempt: { id: `a${number}`, number, token } }).idempotencyKey;

    expect(key(1, 1)).toMatch(/^[0-9a-f]{32}$/);
    expect(key(1, 2)).toBe(key(1, 1));
    expect(key(2, 1)).not.toBe(key(1, 1));
  });
});
