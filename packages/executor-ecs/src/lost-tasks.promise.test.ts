import { type AwsSim, SimFault } from "@stackyard/aws-sim";
import type { FakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createEcsExecutor } from "./ecs.ts";
import { createEcsTaskWorld, LEAST } from "./testing/an-ecs-task-world.ts";
import { createEcsYard, INSTANCE } from "./testing/an-ecs-yard.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const config = { cluster: "web", taskDefinition: "migrate", timeout: "3h" };

/** From the tenth minute on, DescribeTasks leaves all tasks out of its answers for so long. */
function hide({ sim, clock }: { readonly sim: AwsSim; readonly clock: FakeClock }, ms: number): void {
  const from = clock.now() + 10 * MINUTE;
  let until = Number.POSITIVE_INFINITY;
  const look = async (proceed: () => Promise<unknown>): Promise<unknown> => {
    sim.once("ECS.DescribeTasks", look);
    const answer = (await proceed()) as { readonly tasks: readonly { readonly taskArn: string }[] };
    if (clock.now() < from) return answer;
    until = Math.min(until, clock.now() + ms);
    if (clock.now() > until) return answer;
    return { tasks: [], failures: answer.tasks.map(({ taskArn }) => ({ arn: taskArn, reason: "MISSING" })) };
  };
  sim.once("ECS.DescribeTasks", look);
}

// boto3#842, dagster#4448 and #7695: what DescribeTasks does not list is unknown, and not failed.
describe("a running task that looks in its tenth minute do not show", () => {
  it.each([0, 30_000])("is not stopped by the executor: for %i ms", async (ms) => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: 20 * MINUTE });
    hide(yard, ms);

    const { step } = await yard.run(config);

    expect([step.kind, yard.countCalls("ECS.StopTask")]).toEqual(["succeeded", 0]);
  });

  it.each([0, 30_000])("is not stopped by the custom resource: for %i ms", async (ms) => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", { runsMs: 20 * MINUTE });
    hide(world, ms);

    const { status } = await world.until(world.life.create(LEAST));

    expect([status, world.count("ECS.StopTask")]).toEqual(["CREATE_COMPLETE", 0]);
  });

  it("is unknown to the executor when they never show it again, and keeps working", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: 20 * MINUTE });
    hide(yard, Number.POSITIVE_INFINITY);

    const { step, elapsedMs } = await yard.run(config);

    const [task] = yard.sim.ecs.tasks();
    const taskArns = JSON.stringify([task?.taskArn]);
    expect(step).toMatchObject({ kind: "failed", code: "ECS_TASK_LOST", retryable: false, outputs: { taskArns } });
    expect([elapsedMs, yard.countCalls("ECS.StopTask")]).toEqual([11 * MINUTE + 2_000, 0]);
  });

  it("is looked for in vain from its start", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { missingMs: Number.POSITIVE_INFINITY });

    const { step, elapsedMs } = await yard.run(config);

    expect(step).toMatchObject({ code: "ECS_TASK_LOST", retryable: false });
    expect(elapsedMs).toBe(62_000);
  });
});

/** Runs a task of a minute; after the first look, no one looks for so long. */
async function runUnwatched(awayMs: number, given: object = {}, script: object = {}) {
  const yard = createEcsYard();
  yard.sim.ecs.script("migrate", { runsMs: MINUTE, ...script });
  const { step } = await yard.run({ ...config, ...given }, { lateMs: (steps) => (steps === 2 ? awayMs : 0) });
  return { step, yard, tasks: yard.sim.ecs.tasks() };
}

// dask-cloudprovider#483: ECS forgets a stopped task after an hour.
describe("a task that ended while it was unwatched", () => {
  it("counts as it ended, within an hour", async () => {
    const { step } = await runUnwatched(50 * MINUTE, { timeout: "10m" });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { exitCode: 0 } });
  });

  it.each([70 * MINUTE, 20 * HOUR])(
    "is unknown after %i ms: not repeated, its ARN and its log are kept",
    async (ms) => {
      const { step, tasks } = await runUnwatched(ms, {}, { containers: { app: { logs: ["users migrated"] } } });

      const taskArns = JSON.stringify([tasks[0]?.taskArn]);
      expect(step).toEqual({
        kind: "failed",
        code: "ECS_TASK_LOST",
        message: expect.stringMatching(/it is unknown whether the work was done\. .* Last lines: users migrated$/),
        retryable: false,
        outputs: { taskArns },
      });
      expect(tasks).toHaveLength(1);
    },
  );

  it("is done when its log says so", async () => {
    const given = { count: 2, logs: { success: "users migrated" } };
    const script = { containers: { app: { logs: ["users migrated in 3 s"] } } };

    const { step, tasks } = await runUnwatched(70 * MINUTE, given, script);

    const taskArns = JSON.stringify(tasks.map(({ taskArn }) => taskArn));
    expect(step).toEqual({ kind: "succeeded", outputs: { taskArns } });
  });

  it("is unknown when the log of one of its tasks does not say so", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: MINUTE, containers: { app: { logs: ["done"] } } }, 1);
    yard.sim.ecs.script("migrate", { runsMs: MINUTE });

    const lateMs = (steps: number) => (steps === 2 ? 70 * MINUTE : 0);
    const { step } = await yard.run({ ...config, count: 2, logs: { success: "done" } }, { lateMs });

    expect(step).toMatchObject({ kind: "failed", code: "ECS_TASK_LOST" });
  });
});

// "Ensuring idempotency" of ECS: an hour after its tasks, a token starts them again.
describe("a start whose worker died, and that is repeated later", () => {
  async function startTwice(given: object, pauseMs: number, meanwhile = (_: AwsSim): void => undefined) {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: MINUTE });
    const executor = createEcsExecutor();
    const context = yard.context();
    await executor.start(context, { ...config, ...given } as never);
    await yard.clock.advance(pauseMs);
    meanwhile(yard.sim);
    const { step } = await yard.run({ ...config, ...given }, { context });
    return { step, tasks: yard.sim.ecs.tasks() };
  }

  it.each([{}, { instances: [INSTANCE] }])("finds its tasks within an hour: %j", async (given) => {
    const { step, tasks } = await startTwice(given, 58 * MINUTE);

    expect([step.kind, tasks.length]).toEqual(["succeeded", 1]);
  });

  it("finds its tasks when one answer of ECS does not list them", async () => {
    const { step, tasks } = await startTwice({}, 58 * MINUTE, (sim) => {
      for (let lists = 0; lists < 2; lists += 1) sim.once("ECS.ListTasks", async () => ({ taskArns: [] }));
    });

    expect([step.kind, tasks.length]).toEqual(["succeeded", 1]);
  });

  it.each([{}, { instances: [INSTANCE] }])("does not start them again after an hour: %j", async (given) => {
    const { step, tasks } = await startTwice(given, 70 * MINUTE);

    expect(step).toMatchObject({ kind: "failed", code: "ECS_TASK_LOST", retryable: false });
    expect(tasks).toHaveLength(1);
  });
});

describe("unwatched time", () => {
  it.each([1, 2, 3, 4, 5, 6, 8, 10])("does not count against a task that works, after step %i", async (step) => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: 100 * MINUTE });

    const lateMs = (steps: number) => (steps === step ? 90 * MINUTE : 0);
    const run = await yard.run({ ...config, timeout: "30m" }, { lateMs });

    expect([run.step.kind, yard.countCalls("ECS.StopTask")]).toEqual(["succeeded", 0]);
  });

  it.each([
    [5, 19.5],
    [3, 23.5],
  ])("does not count where the worker looks every %i hours", async (hours, runsHours) => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: runsHours * 60 * MINUTE });

    const { step } = await yard.run({ ...config, timeout: "3h" }, { lateMs: () => hours * 60 * MINUTE });

    expect([step.kind, yard.countCalls("ECS.RunTask"), yard.countCalls("ECS.StopTask")]).toEqual(["succeeded", 1, 0]);
  });

  it("does not count against the wait for capacity", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.refuse({ reason: "RESOURCE:MEMORY", calls: 3 });

    const lateMs = (steps: number) => (steps === 1 ? 90 * MINUTE : 0);
    const { step } = await yard.run({ ...config, timeout: "30m" }, { lateMs });

    expect(step.kind).toBe("succeeded");
  });

  it.each([0, 1, 2, 3])(
    "does not end a cancel before ECS has accepted it, after %i refused stops",
    async (refusals) => {
      const yard = createEcsYard();
      yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
      const cancelledAt = yard.clock.now() + 30_000;
      let isBack = false;
      let left = refusals;
      const refuse = async (proceed: () => Promise<unknown>): Promise<unknown> => {
        yard.sim.once("ECS.StopTask", refuse);
        if (isBack && left === 0) return proceed();
        if (isBack) left -= 1;
        throw new SimFault("ThrottlingException", 400, "Rate exceeded");
      };
      yard.sim.once("ECS.StopTask", refuse);
      const lateMs = () => {
        if (isBack || yard.clock.now() < cancelledAt) return 0;
        isBack = true;
        return 5 * HOUR;
      };

      const { step } = await yard.run(config, { cancelAfterMs: 30_000, lateMs });

      expect(step).toMatchObject({ kind: "failed", code: "ECS_CANCELLED" });
      expect(yard.sim.ecs.tasks().map(({ desiredStatus }) => desiredStatus)).toEqual(["STOPPED"]);
    },
  );

  it.each([1, 3])("does not end a cancel whose stops are refused for %i more minutes", async (minutes) => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
    const cancelledAt = yard.clock.now() + 30_000;
    let backAt = Number.POSITIVE_INFINITY;
    const refuse = async (proceed: () => Promise<unknown>): Promise<unknown> => {
      yard.sim.once("ECS.StopTask", refuse);
      if (yard.clock.now() > backAt + minutes * MINUTE) return proceed();
      throw new SimFault("ThrottlingException", 400, "Rate exceeded");
    };
    yard.sim.once("ECS.StopTask", refuse);
    const lateMs = () => {
      if (backAt < Number.POSITIVE_INFINITY || yard.clock.now() < cancelledAt) return 0;
      backAt = yard.clock.now() + 5 * HOUR;
      return 5 * HOUR;
    };

    const { step } = await yard.run(config, { cancelAfterMs: 30_000, lateMs });

    expect(step).toMatchObject({ kind: "failed", code: "ECS_CANCELLED" });
    expect(yard.sim.ecs.tasks().map(({ desiredStatus }) => desiredStatus)).toEqual(["STOPPED"]);
  });

  it("does not prolong the wait for the end of a task that was cancelled after it", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", {
      runsMs: Number.POSITIVE_INFINITY,
      stagesMs: { STOPPING: Number.POSITIVE_INFINITY },
    });
    let backAt = 0;
    const lateMs = (steps: number) => {
      if (steps !== 5) return 0;
      backAt = yard.clock.now() + 2 * HOUR;
      return 2 * HOUR;
    };

    await yard.run(config, { cancelAfterMs: 2 * HOUR, lateMs });

    expect(yard.clock.now() - backAt).toBeLessThan(6 * MINUTE);
  });

  it("leaves the limit as long as it is", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });

    const lateMs = (steps: number) => (steps === 3 ? 90 * MINUTE : 0);
    const { step, elapsedMs } = await yard.run({ ...config, timeout: "30m" }, { lateMs });

    expect(step).toMatchObject({ code: "ECS_TIMEOUT" });
    expect(elapsedMs).toBeGreaterThanOrEqual(120 * MINUTE);
    expect(elapsedMs).toBeLessThan(122 * MINUTE);
  });
});
