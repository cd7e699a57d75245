import type { Executor, ExecutorContext, Step } from "@stackyard/core";
import { runExecutor } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createEcsExecutor } from "./ecs.ts";
import { createEcsYard, INSTANCE } from "./testing/an-ecs-yard.ts";
import { crashAt } from "./testing/crash-at.ts";

const config = { cluster: "web", taskDefinition: "migrate" };

/** Calls that no process gets to make. */
const MAX_CALLS = 60;

/** An executor whose process dies at one call of AWS or of the records; the next process gets what was kept. */
function dyingAt(number: number, when: "before" | "after"): { readonly executor: Executor; hasDied(): boolean } {
  let seen = 0;
  let died = false;

  async function attempt(ctx: ExecutorContext, call: (executor: Executor, ctx: ExecutorContext) => Promise<Step>) {
    const crashing = crashAt(ctx, died ? 0 : number - seen, when);
    const step = await call(createEcsExecutor(), crashing.context).catch(() => undefined);
    seen += crashing.count();
    if (!crashing.isDead()) return step as Step;
    died = true;
    return call(createEcsExecutor(), ctx);
  }

  const executor = createEcsExecutor();
  return {
    hasDied: () => died,
    executor: {
      ...executor,
      start: (ctx, given) => attempt(ctx, (each, as) => each.start(as, given)),
      poll: (ctx, given, progress) => attempt(ctx, async (each, as) => each.poll?.(as, given, progress) as never),
      cancel: (ctx, given, progress) => attempt(ctx, async (each, as) => each.cancel?.(as, given, progress) as never),
    },
  };
}

/** Every call of a run, before and after it was carried out, until a run is over before its turn. */
async function crashEverywhere(run: (dying: ReturnType<typeof dyingAt>) => Promise<void>): Promise<number> {
  let crashes = 0;
  for (const when of ["before", "after"] as const) {
    for (let number = 1; number <= MAX_CALLS; number++) {
      const dying = dyingAt(number, when);
      await run(dying);
      if (!dying.hasDied()) break;
      crashes += 1;
    }
  }
  return crashes;
}

describe("a process that dies at any call", () => {
  it.each([
    ["RunTask", { count: 2 }, 2],
    ["StartTask", { instances: [INSTANCE] }, 1],
  ])("has its work done once by the next one, by %s", async (_, given, count) => {
    const crashes = await crashEverywhere(async ({ executor }) => {
      const yard = createEcsYard();

      const { step } = await runExecutor(executor, { ...config, ...given }, { context: yard.context() });

      expect(step).toMatchObject({ kind: "succeeded" });
      expect(yard.sim.ecs.tasks()).toHaveLength(count);
    });

    expect(crashes).toBeGreaterThan(10);
  });

  it("never has more tasks than requested while a cluster has no capacity", async () => {
    await crashEverywhere(async ({ executor }) => {
      const yard = createEcsYard();
      yard.sim.ecs.refuse({ reason: "RESOURCE:MEMORY", tasks: 1, calls: 2 });

      const { step } = await runExecutor(executor, { ...config, count: 3 }, { context: yard.context() });

      expect(step).toMatchObject({ kind: "succeeded" });
      expect(yard.sim.ecs.tasks()).toHaveLength(3);
    });
  });

  it("leaves nothing running after a deadline, and reports the deadline", async () => {
    await crashEverywhere(async ({ executor }) => {
      const yard = createEcsYard();
      yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });

      const { step } = await runExecutor(executor, { ...config, timeout: "30s" }, { context: yard.context() });

      expect(step).toMatchObject({ code: "ECS_TIMEOUT" });
      expect(yard.sim.ecs.tasks()).toMatchObject([{ lastStatus: "STOPPED" }]);
    });
  });

  it("leaves nothing running after a cancel", async () => {
    await crashEverywhere(async ({ executor }) => {
      const yard = createEcsYard();
      yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });

      const { step } = await runExecutor(executor, config, { context: yard.context(), cancelAfterMs: 1_000 });

      expect(step).toMatchObject({ code: "ECS_CANCELLED" });
      expect(yard.sim.ecs.tasks().every(({ lastStatus }) => lastStatus === "STOPPED")).toBe(true);
    });
  });
});

describe("an attempt that is cancelled after its process died in the start", () => {
  it("has the tasks found and stopped that the start has begun", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY, missingMs: 8_000 });
    await createEcsExecutor().start(yard.context(), config as never);
    const executor = createEcsExecutor();
    const cancelling = {
      ...executor,
      start: async (ctx: ExecutorContext) => executor.cancel?.(ctx, config as never, undefined as never) as never,
    };

    const { step } = await runExecutor(cancelling, config, { context: { ...yard.context(), cancelling: true } });

    expect(step).toMatchObject({ code: "ECS_CANCELLED" });
    expect(yard.sim.ecs.tasks()).toMatchObject([{ lastStatus: "STOPPED", stopCode: "UserInitiated" }]);
  });

  it("ends when nothing was begun", async () => {
    const yard = createEcsYard();
    const executor = createEcsExecutor();
    const cancelling = {
      ...executor,
      start: async (ctx: ExecutorContext) => executor.cancel?.(ctx, config as never, undefined as never) as never,
    };

    const { step, elapsedMs } = await runExecutor(cancelling, config, { context: yard.context() });

    expect(step).toEqual({
      kind: "failed",
      code: "ECS_CANCELLED",
      message: "The attempt was cancelled. No task was started.",
      retryable: false,
    });
    expect(elapsedMs).toBeLessThanOrEqual(60_000);
  });
});
