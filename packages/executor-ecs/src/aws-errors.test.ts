import { createAwsAccess } from "@stackyard/aws";
import { connectionReset, createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { createEcsExecutor } from "./ecs.ts";
import plugin from "./index.ts";
import { toAwsFailure } from "./task-order.ts";
import { createEcsYard } from "./testing/an-ecs-yard.ts";

const config = { cluster: "web", taskDefinition: "migrate" };

function fault(name: string, message: string, status = 400) {
  return async () => {
    throw new SimFault(name, status, message);
  };
}

describe("an error of AWS", () => {
  it.each([
    ["ThrottlingException", 400],
    ["ServerException", 500],
  ])("ends no task that runs while it may pass: %s", async (name, status) => {
    const yard = createEcsYard();
    for (let time = 0; time < 3; time++) yard.sim.once("ECS.DescribeTasks", fault(name, "Not now.", status));

    const { step, steps } = await yard.run(config);

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(steps[1]).toMatchObject({
      kind: "running",
      pollAfterMs: 10_000,
      message: `Retries: A call of ECS in "web" failed. ${name}: Not now.`,
    });
  });

  it("does not make a sidecar count because the definition cannot be read now", async () => {
    const yard = createEcsYard();
    const containerDefinitions = [{ name: "app" }, { name: "proxy", essential: false }];
    yard.sim.ecs.registerTaskDefinition({
      account: "111122223333",
      region: "eu-west-1",
      family: "pair",
      containerDefinitions,
    });
    const pair = { ...config, taskDefinition: "pair" } as never;
    const started = await createEcsExecutor().start(yard.context(), pair);
    await yard.clock.advance(40_000);
    const executor = createEcsExecutor();
    yard.sim.once("ECS.DescribeTaskDefinition", fault("ThrottlingException", "Rate exceeded"));
    const { progress } = started as { progress: object };

    const first = await executor.poll?.(yard.context(), pair, progress as never);
    const second = await executor.poll?.(yard.context(), pair, progress as never);

    expect(first).toMatchObject({ kind: "running", progress, pollAfterMs: 10_000 });
    expect(second).toMatchObject({ kind: "succeeded" });
  });

  it("does not end the wait for room", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.refuse({ reason: "AGENT" });
    yard.sim.once("ECS.DescribeTaskDefinition", (proceed) => proceed());
    yard.sim.once("ECS.DescribeTaskDefinition", fault("ThrottlingException", "Rate exceeded"));

    const { step, steps } = await yard.run(config);

    expect(steps[1]).toMatchObject({ kind: "running", message: expect.stringMatching(/^Retries: DescribeTaskDef/) });
    expect(step).toMatchObject({ kind: "succeeded" });
  });

  it("that lasts does not end a task, also beyond the deadline: no one could look at it", async () => {
    const yard = createEcsYard();
    for (let time = 0; time < 100; time++)
      yard.sim.once("ECS.DescribeTasks", fault("ServerException", "Not now.", 500));

    const { step, elapsedMs } = await yard.run({ ...config, timeout: "60s" });

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(elapsedMs).toBeGreaterThanOrEqual(1_000_000);
  });

  it("that does not pass within two minutes fails the task, and leaves its tasks alone", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
    for (let time = 0; time < 100; time++)
      yard.sim.once("ECS.DescribeTasks", fault("InvalidParameterException", "No."));

    const { step, elapsedMs } = await yard.run(config);

    const taskArn = yard.sim.ecs.tasks()[0]?.taskArn;
    expect(step).toEqual({
      kind: "failed",
      code: "ECS_TASK_LOST",
      message: `A call of ECS in "web" failed. InvalidParameterException: No. It is unknown whether the work is done. These tasks may still run: ${taskArn}.`,
      retryable: false,
      outputs: { taskArns: JSON.stringify([taskArn]) },
    });
    expect([elapsedMs, yard.countCalls("ECS.StopTask")]).toEqual([122_000, 0]);
  });

  it("of a cancel does not end it: the tasks are stopped when AWS answers again", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
    yard.sim.once("ECS.StopTask", fault("ThrottlingException", "Rate exceeded"));

    const { step } = await yard.run(config, { cancelAfterMs: 15_000 });

    expect(step).toMatchObject({ code: "ECS_CANCELLED" });
    expect(yard.sim.ecs.tasks()).toMatchObject([{ lastStatus: "STOPPED", stopCode: "UserInitiated" }]);
  });

  it("that hides the result of RunTask is retried with the same token", async () => {
    const yard = createEcsYard();
    for (let time = 0; time < 2; time++) {
      yard.sim.once("ECS.RunTask", async (proceed) => {
        await proceed();
        throw connectionReset();
      });
    }

    const { step, steps } = await yard.run({ ...config, count: 2 });

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(steps[0]).toMatchObject({
      kind: "running",
      message: expect.stringMatching(/^Retries: RunTask in "web"/),
    });
    expect(yard.countCalls("ECS.RunTask")).toBe(3);
    expect(yard.sim.ecs.tasks()).toHaveLength(2);
  });

  it("that hides it does so no less when the next call is throttled", async () => {
    const yard = createEcsYard();
    yard.sim.once("ECS.RunTask", async (proceed) => {
      await proceed();
      throw connectionReset();
    });
    yard.sim.once("ECS.RunTask", fault("ThrottlingException", "Rate exceeded"));

    const { step } = await yard.run(config);

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(yard.sim.ecs.tasks()).toHaveLength(1);
  });

  it("that hides it to the end leaves nothing running", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY, missingMs: 6_000 });
    for (let time = 0; time < 100; time++) {
      yard.sim.once("ECS.RunTask", async (proceed) => {
        await proceed();
        throw connectionReset();
      });
    }

    const { step } = await yard.run({ ...config, placementTimeout: "0s" });

    expect(step).toMatchObject({ code: "ECS_AWS_ERROR", retryable: true });
    expect(yard.sim.ecs.tasks()).toMatchObject([{ lastStatus: "STOPPED", stopCode: "UserInitiated" }]);
  });

  it("before anything was started may be worth another attempt", async () => {
    const yard = createEcsYard();
    yard.sim.once("ECS.DescribeTaskDefinition", fault("ServerException", "Not now.", 500));

    const { step } = await yard.run(config);

    expect(step).toMatchObject({ code: "ECS_AWS_ERROR", retryable: true });
    expect(yard.countCalls("ECS.RunTask")).toBe(0);
  });

  it("of a log is not a failure", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { containers: { app: { exitCode: 1, logs: ["a"] } } });
    for (let time = 0; time < 9; time++)
      yard.sim.once("CloudWatchLogs.GetLogEvents", fault("AccessDeniedException", "no"));

    const { step } = await yard.run(config);

    expect(step).toMatchObject({ code: "ECS_EXIT_CODE", message: expect.stringContaining("allow logs:GetLogEvents") });
  });

  it("is reported without signatures", () => {
    const url = "https://b.s3.amazonaws.com/k?X-Amz-Signature=abc";

    expect(toAwsFailure(new Error(`GET ${url}`), "It").message).not.toContain("abc");
    expect(toAwsFailure("odd", "It")).toEqual({ code: "ECS_AWS_ERROR", message: "It failed. odd.", retryable: false });
  });
});

describe("a call that is interrupted", () => {
  it.each(["ECS.DescribeTasks", "ECS.DescribeTaskDefinition", "CloudWatchLogs.GetLogEvents"])(
    "in %s keeps its progress, so that a cancel finds the tasks",
    async (operation) => {
      const yard = createEcsYard();
      const started = await createEcsExecutor().start(yard.context(), config as never);
      const progress = (started as { progress: object }).progress;
      await yard.clock.advance(8_000);
      const controller = new AbortController();
      yard.sim.once(operation, async () => {
        controller.abort();
        throw Object.assign(new Error("Aborted."), { name: "AbortError" });
      });

      const context = yard.context({ signal: controller.signal });
      const step = await createEcsExecutor().poll?.(context, config as never, progress as never);

      expect(step).toMatchObject({ kind: "running", progress });
    },
  );

  it("while it waits for room keeps its progress as well", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.refuse({ reason: "AGENT", tasks: 1 });
    const two = { ...config, count: 2 } as never;
    const started = await createEcsExecutor().start(yard.context(), two);
    const progress = (started as { progress: object }).progress;
    const controller = new AbortController();
    yard.sim.once("ECS.DescribeTaskDefinition", async () => {
      controller.abort();
      throw Object.assign(new Error("Aborted."), { name: "AbortError" });
    });

    const context = yard.context({ signal: controller.signal });
    const step = await createEcsExecutor().poll?.(context, two, progress as never);

    expect(step).toEqual({
      kind: "running",
      progress,
      pollAfterMs: 0,
      message: "Interrupted. Continues at the next poll.",
    });
  });
});

describe("a task with a target", () => {
  it("runs in that account and region, through its role", async () => {
    const yard = createEcsYard();
    const { sim, clock } = yard;
    const own = sim.iam.addUser({ account: "111122223333", name: "own" });
    const place = { account: "444455556666", region: "us-east-1" };
    sim.iam.addRole({ account: place.account, name: "deploy", trusts: ["111122223333"] });
    sim.ecs.addCluster({ ...place, name: "web" });
    sim.ecs.registerTaskDefinition({ ...place, family: "migrate", containerDefinitions: [{ name: "app" }] });
    const access = createAwsAccess({
      clock,
      session: { name: "stackyard" },
      region: "eu-west-1",
      credentials: own,
      plugins: [createSimPlugin(sim)],
    });
    const target = { ...place, partition: "aws", role: "deploy" };

    const { step } = await yard.run(config, {
      context: yard.context({ target, aws: (type) => access.client(type, target) }),
    });

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(sim.ecs.tasks()[0]?.taskArn).toMatch(/^arn:aws:ecs:us-east-1:444455556666:task\/web\//);
  });
});

describe("the plugin", () => {
  it("brings the executor", () => {
    const context = { projectDir: ".", dataDir: ".", environment: {}, readSecret: async () => "" };

    expect(plugin.executors(undefined, context).map(({ name }) => name)).toEqual(["ecs"]);
  });
});
