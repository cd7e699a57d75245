import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { createEcsYard, INSTANCE, PLACE } from "./testing/an-ecs-yard.ts";

const config = { cluster: "web", taskDefinition: "migrate" };
const arn = /^arn:aws:ecs:eu-west-1:111122223333:task\/web\/[0-9a-f]{32}$/;

describe("a task that ends well", () => {
  it("succeeds with exit codes, times and the place of its log", async () => {
    const yard = createEcsYard();

    const { step, elapsedMs } = await yard.run(config);

    const [task] = yard.sim.ecs.tasks();
    expect(step).toEqual({
      kind: "succeeded",
      outputs: {
        taskArns: JSON.stringify([task?.taskArn]),
        exitCode: 0,
        "exitCodes.app": 0,
        startedAt: "2026-01-01T00:00:05.000Z",
        stoppedAt: "2026-01-01T00:00:15.000Z",
        duration: 10,
        logsUrl: `https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Fweb$252Fapp/log-events/ecs$252Fapp$252F${task?.taskArn?.split("/").at(-1)}`,
      },
    });
    expect(task?.taskArn).toMatch(arn);
    expect(elapsedMs).toBe(22_000);
  });

  it("is started with the attempt's key as client token and name, and its resolved revision", async () => {
    const yard = createEcsYard();
    const context = yard.context();

    await yard.run({ ...config, launchType: "EC2", overrides: { cpu: 512 } }, { context });

    const [call] = yard.sim.calls.filter(({ operation }) => operation === "ECS.RunTask");
    expect(call?.input).toEqual({
      cluster: "web",
      taskDefinition: "arn:aws:ecs:eu-west-1:111122223333:task-definition/migrate:1",
      count: 1,
      launchType: "EC2",
      overrides: { cpu: "512" },
      startedBy: context.idempotencyKey,
      clientToken: context.idempotencyKey,
    });
  });

  it("polls after two seconds and then every ten, and reports the states and the last line", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { containers: { app: { logs: ["one", { afterMs: 6_000, message: "two" }] } } });

    const { steps, reports } = await yard.run(config);

    expect(steps.map((step) => (step.kind === "running" ? [step.pollAfterMs, step.message] : step.kind))).toEqual([
      [2_000, "1 task started."],
      [10_000, "1 PENDING"],
      [10_000, "1 RUNNING: two"],
      "succeeded",
    ]);
    expect(reports).toEqual(["one", "two"]);
  });

  it("reports how many lines of a chatty container it leaves out", async () => {
    const yard = createEcsYard();
    const late = Array.from({ length: 120 }, (_, index) => ({ afterMs: 8_000, message: `line ${index}` }));
    yard.sim.ecs.script("migrate", { containers: { app: { logs: ["first", ...late] } } });

    const { reports } = await yard.run(config);

    expect(reports).toEqual([
      "first",
      "… 70 lines are in the log alone",
      ...late.slice(70).map(({ message }) => message),
    ]);
  });

  it("gives variables to its container, which win over overrides", async () => {
    const yard = createEcsYard();
    const overrides = { containerOverrides: [{ name: "app", environment: [{ name: "A", value: "old" }], cpu: "128" }] };

    await yard.run({ ...config, overrides, environment: { A: "new; rm -rf", N: 5, B: true } });

    const [call] = yard.sim.calls.filter(({ operation }) => operation === "ECS.RunTask");
    expect(call?.input["overrides"]).toEqual({
      containerOverrides: [
        {
          name: "app",
          cpu: 128,
          environment: [
            { name: "A", value: "new; rm -rf" },
            { name: "N", value: "5" },
            { name: "B", value: "true" },
          ],
        },
      ],
    });
  });

  it("runs on Fargate in its subnets", async () => {
    const yard = createEcsYard();
    const network = { subnets: ["subnet-1", "subnet-2"], securityGroups: ["sg-1"], assignPublicIp: true };
    const fargate = { ...config, taskDefinition: "api", capacityProviders: ["FARGATE_SPOT"], network, count: 2 };

    const { step } = await yard.run(fargate);

    expect(step).toMatchObject({ kind: "succeeded", outputs: { exitCode: 0 } });
    const [call] = yard.sim.calls.filter(({ operation }) => operation === "ECS.RunTask");
    expect(call?.input).toMatchObject({
      count: 2,
      capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1 }],
      networkConfiguration: {
        awsvpcConfiguration: { subnets: ["subnet-1", "subnet-2"], securityGroups: ["sg-1"], assignPublicIp: "ENABLED" },
      },
    });
  });

  it("ignores the exit codes of sidecars, unless configured", async () => {
    const yard = createEcsYard();
    const containerDefinitions = [{ name: "app" }, { name: "proxy", essential: false }];
    yard.sim.ecs.registerTaskDefinition({ ...PLACE, family: "pair", containerDefinitions });
    const pair = { ...config, taskDefinition: "pair" };

    const { step } = await yard.run(pair);
    const { step: checked } = await yard.run({ ...pair, check: "all" }, { context: yard.context({ stackId: "s2" }) });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { exitCode: 0, "exitCodes.app": 0 } });
    expect(checked).toMatchObject({ kind: "failed", code: "ECS_EXIT_CODE" });
  });
});

describe("a task that ends badly", () => {
  it("fails with its exit code, the stop and the end of its log, secrets masked", async () => {
    const yard = createEcsYard();
    const logs = ["connecting with hunter22", "relation users exists"];
    yard.sim.ecs.script("migrate", { containers: { app: { exitCode: 3, logs } } });
    const environment = { DB_PASSWORD: "hunter22" };

    const { step, reports } = await yard.run({ ...config, environment });

    const id = yard.sim.ecs.tasks()[0]?.taskArn?.split("/").at(-1)?.slice(0, 8);
    expect(step).toMatchObject({
      kind: "failed",
      code: "ECS_EXIT_CODE",
      message: `task ${id} container app exited with 3 (EssentialContainerExited). Essential container in task exited. Last lines: connecting with ***\nrelation users exists`,
      retryable: false,
      outputs: { exitCode: 3, "exitCodes.app": 3 },
    });
    expect(reports).toEqual(["connecting with ***", "relation users exists"]);
  });

  it("fails where its image cannot be pulled, with what to do", async () => {
    const yard = createEcsYard();
    const stoppedReason = "CannotPullContainerError: failed to resolve ref app:1: not found";
    yard.sim.ecs.script("migrate", { failsToStart: stoppedReason });

    const { step } = await yard.run(config);

    expect(step).toMatchObject({ kind: "failed", code: "ECS_TASK_NOT_STARTED", retryable: false });
    const { message } = step as { message: string };
    expect(message).toContain("has no exit code (TaskFailedToStart)");
    expect(message).toContain(stoppedReason);
    expect(message).toContain("endpoints for ecr.api");
  });

  it("may be retried after an interruption of Spot capacity", async () => {
    const yard = createEcsYard();
    const endedBy = { afterMs: 3_000, code: "SpotInterruption", reason: "Your Spot Task was interrupted." } as const;
    yard.sim.ecs.script("migrate", { endedBy, containers: { app: { exitCodeOnStop: 0 } } });

    const { step } = await yard.run(config);

    expect(step).toMatchObject({ kind: "failed", code: "ECS_TASK_STOPPED", retryable: true });
  });

  it("is waited for while ECS does not know it yet", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { missingMs: 50_000 });

    const { step } = await yard.run(config);

    expect(step).toMatchObject({ kind: "succeeded" });
  });
});

describe("a task that takes too long", () => {
  it("is stopped at its deadline, and its states are reported", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });

    const { step, elapsedMs } = await yard.run({ ...config, timeout: "65s", count: 2 });

    expect(step).toMatchObject({
      kind: "failed",
      code: "ECS_TIMEOUT",
      message: "Not done after 65 s: 2 RUNNING. The tasks are 2 STOPPED.",
      retryable: false,
    });
    expect(yard.sim.ecs.tasks().map(({ stopCode }) => stopCode)).toEqual(["UserInitiated", "UserInitiated"]);
    expect(elapsedMs).toBeLessThanOrEqual(65_000 + 45_000);
  });

  it("keeps running if configured", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });

    const { step, elapsedMs } = await yard.run({ ...config, timeout: "65s", stopOnTimeout: false });

    expect(step).toMatchObject({ code: "ECS_TIMEOUT" });
    expect(elapsedMs).toBe(65_000);
    expect(yard.countCalls("ECS.StopTask")).toBe(0);
  });

  it("is not waited for when it does not stop", async () => {
    const yard = createEcsYard();
    const stagesMs = { STOPPING: Number.POSITIVE_INFINITY, DEPROVISIONING: Number.POSITIVE_INFINITY };
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY, stagesMs, stopsInMs: 1_000_000 });

    const { step, elapsedMs } = await yard.run({ ...config, timeout: "20s" });

    expect(step).toMatchObject({ code: "ECS_TIMEOUT" });
    expect(elapsedMs).toBe(65_000);
  });
});

describe("a cancel", () => {
  it("stops every task and ends when they have stopped", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });

    const { step } = await yard.run({ ...config, count: 3 }, { cancelAfterMs: 30_000 });

    expect(step).toMatchObject({
      code: "ECS_CANCELLED",
      message: "The attempt was cancelled. The tasks are 3 STOPPED.",
      retryable: false,
    });
    expect(yard.countCalls("ECS.StopTask")).toBe(3);
    const [call] = yard.sim.calls.filter(({ operation }) => operation === "ECS.StopTask");
    expect(call?.input["reason"]).toBe("Stackyard: task work of stack s1. The attempt was cancelled.");
  });

  it("that comes after the end of the work leaves it done", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: 1_000 });

    const { step } = await yard.run(config, { cancelAfterMs: 11_000 });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { exitCode: 0 } });
  });
});

describe("what cannot work", () => {
  const network = { subnets: ["subnet-1"] };

  it.each([
    [{ taskDefinition: "gone" }, "ECS_TASK_DEFINITION"],
    [{ taskDefinition: "migrate:7" }, "ECS_TASK_DEFINITION"],
    [{ taskDefinition: "api", launchType: "FARGATE" }, "ECS_NETWORK"],
    [{ network }, "ECS_NETWORK"],
    [{ launchType: "FARGATE" }, "ECS_NETWORK"],
    [{ overrides: { containerOverrides: [{ name: "db" }] } }, "ECS_PROPERTIES_INVALID"],
    [{ check: ["db"] }, "ECS_PROPERTIES_INVALID"],
    [{ container: "db" }, "ECS_PROPERTIES_INVALID"],
    [{ overrides: { cpu: null } }, "ECS_PROPERTIES_INVALID"],
    [{ timeout: "9s" }, "ECS_PROPERTIES_INVALID"],
    [{ timeout: "8d" }, "ECS_PROPERTIES_INVALID"],
    [{ launchType: "EC2", capacityProviders: ["FARGATE"] }, "ECS_PROPERTIES_INVALID"],
    [{ environment: { A: "x".repeat(9_000) } }, "ECS_PROPERTIES_INVALID"],
  ])("of %j fails with %s before anything is started", async (given, code) => {
    const yard = createEcsYard();

    const { step } = await yard.run({ ...config, ...given });

    expect(step).toMatchObject({ kind: "failed", code, retryable: false });
    expect(yard.countCalls("ECS.RunTask")).toBe(0);
  });

  it("of an inactive revision is reported as well", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.deregisterTaskDefinition("arn:aws:ecs:eu-west-1:111122223333:task-definition/migrate:1");

    const { step } = await yard.run({ ...config, taskDefinition: "migrate:1" });

    expect(step).toMatchObject({ code: "ECS_TASK_DEFINITION", message: expect.stringContaining("INACTIVE") });
  });

  it("of a cluster that is not there is an error of AWS", async () => {
    const yard = createEcsYard();

    const { step } = await yard.run({ ...config, cluster: "gone" });

    expect(step).toMatchObject({
      code: "ECS_AWS_ERROR",
      message: expect.stringMatching(/^RunTask in "gone" failed\. ClusterNotFoundException: /),
      retryable: false,
    });
  });
});

function inputsOf({ sim }: ReturnType<typeof createEcsYard>, operation: string) {
  return sim.calls.filter((call) => call.operation === operation).map(({ input }) => input);
}

/** As ECS answers while it does not know a task that it has just started. */
function refuseStops({ sim }: ReturnType<typeof createEcsYard>, calls: number): void {
  for (let call = 0; call < calls; call += 1) {
    sim.once("ECS.StopTask", async () => {
      throw new SimFault("InvalidParameterException", 400, "The referenced task was not found.");
    });
  }
}

describe("a cluster without room", () => {
  it("is called again for the missing tasks, each time with another token", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.refuse({ reason: "RESOURCE:MEMORY", tasks: 2 });
    yard.sim.ecs.refuse({ reason: "AGENT", tasks: 1 });
    const context = yard.context();

    const { step, reports } = await yard.run({ ...config, count: 3 }, { context });

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(yard.sim.ecs.tasks()).toHaveLength(3);
    const key = context.idempotencyKey;
    expect(inputsOf(yard, "ECS.RunTask").map(({ count, clientToken }) => [count, clientToken])).toEqual([
      [3, key],
      [2, `${key}-2`],
      [1, `${key}-3`],
    ]);
    expect(reports[0]).toMatch(/^Waits for capacity: 1 of 3 tasks found a place: .*RESOURCE:MEMORY/);
  });

  it("is given up after the placement's time, and what did start is stopped", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU", tasks: 1, calls: 100 });

    const { step, elapsedMs } = await yard.run({ ...config, count: 2, placementTimeout: "25s" });

    expect(step).toMatchObject({ kind: "failed", code: "ECS_PLACEMENT_FAILED", retryable: true });
    expect((step as { message: string }).message).toMatch(/^1 of 2 tasks found a place: RESOURCE:CPU/);
    expect(yard.countCalls("ECS.RunTask")).toBe(4);
    expect(yard.sim.ecs.tasks().map(({ lastStatus, stopCode }) => [lastStatus, stopCode])).toEqual([
      ["STOPPED", "UserInitiated"],
    ]);
    expect(elapsedMs).toBeGreaterThanOrEqual(25_000);
  });

  it("leaves nothing running of what its last try has started, although ECS does not know it yet", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY, missingMs: 20_000 });
    refuseStops(yard, 3);
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU", tasks: 2, calls: 8 });
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU", tasks: 1 });

    const { step } = await yard.run({ ...config, count: 2, placementTimeout: "75s" });
    await yard.clock.advance(60_000);

    expect(step).toMatchObject({ kind: "failed", code: "ECS_PLACEMENT_FAILED", retryable: true });
    expect(yard.sim.ecs.tasks().map(({ lastStatus, stopCode }) => [lastStatus, stopCode])).toEqual([
      ["STOPPED", "UserInitiated"],
    ]);
  });

  it("leaves nothing running of what its last try has started either when it is cancelled then", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY, missingMs: 20_000 });
    refuseStops(yard, 3);
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU", tasks: 2, calls: 8 });
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU", tasks: 1 });
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU", calls: 100 });

    const { step } = await yard.run({ ...config, count: 2 }, { cancelAfterMs: 85_000 });
    await yard.clock.advance(60_000);

    expect(step).toMatchObject({ kind: "failed", code: "ECS_CANCELLED" });
    expect(yard.sim.ecs.tasks().map(({ lastStatus }) => lastStatus)).toEqual(["STOPPED"]);
  });

  it("fails at once without time for the placement", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU" });

    const { step, elapsedMs } = await yard.run({ ...config, placementTimeout: "0s" });

    expect(step).toMatchObject({ code: "ECS_PLACEMENT_FAILED", retryable: true });
    expect(elapsedMs).toBe(0);
  });

  it("fails at once for a reason that does not pass, and stops what did start", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.refuse({ reason: "ATTRIBUTE", detail: "no GPU", tasks: 1 });

    const { step } = await yard.run({ ...config, count: 2 });

    expect(step).toMatchObject({ code: "ECS_PLACEMENT_FAILED", retryable: false });
    expect((step as { message: string }).message).toContain("ATTRIBUTE (no GPU)");
    expect(yard.countCalls("ECS.RunTask")).toBe(1);
    expect(yard.sim.ecs.tasks()[0]).toMatchObject({ lastStatus: "STOPPED" });
  });

  it("fails, too, when ECS answers with neither tasks nor failures", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.refuse({ reason: "", isSilent: true });

    const { step } = await yard.run({ ...config, placementTimeout: "0s" });

    expect(step).toMatchObject({
      code: "ECS_PLACEMENT_FAILED",
      message: "0 of 1 tasks found a place: ECS named neither tasks nor failures.",
    });
  });

  it("has its throttling waited out", async () => {
    const yard = createEcsYard();
    const throttled = async () => {
      throw Object.assign(new Error("Rate exceeded"), { name: "ThrottlingException" });
    };
    yard.sim.once("ECS.RunTask", throttled);

    const { step } = await yard.run(config);

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(yard.countCalls("ECS.RunTask")).toBe(1);
  });

  it("ends at the deadline of the task at the latest", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU", calls: 100 });

    const { step, elapsedMs } = await yard.run({ ...config, timeout: "35s" });

    expect(step).toEqual({
      kind: "failed",
      code: "ECS_TIMEOUT",
      message: expect.stringMatching(/^Not done after 35 s: 0 of 1 tasks found a place: RESOURCE:CPU/),
      retryable: false,
    });
    expect(elapsedMs).toBe(35_000);
  });
});

describe("container instances", () => {
  const others = [
    { id: "00000000000000000000000000000002", isAgentConnected: false },
    { id: "00000000000000000000000000000003" },
  ];

  it("get one task each by StartTask, whatever the count is", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.addCluster({ account: "111122223333", region: "eu-west-1", name: "two", instances: [{}, {}] });
    const instances = [INSTANCE, "00000000000000000000000000000002"];

    const { step } = await yard.run({ ...config, cluster: "two", instances, count: 7 });

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(inputsOf(yard, "ECS.StartTask").map(({ containerInstances }) => containerInstances)).toEqual([instances]);
    expect(yard.sim.ecs.tasks()).toHaveLength(2);
  });

  it("are called again only for instances without a task", async () => {
    const yard = createEcsYard();
    const instances = [{ id: INSTANCE }, ...others];
    yard.sim.ecs.addCluster({ account: "111122223333", region: "eu-west-1", name: "three", instances });
    const ids = instances.map(({ id }) => id);

    const { step } = await yard.run({ ...config, cluster: "three", instances: ids, placementTimeout: "10s" });

    expect(step).toMatchObject({ code: "ECS_PLACEMENT_FAILED", retryable: true });
    expect(inputsOf(yard, "ECS.StartTask").map(({ containerInstances }) => containerInstances)).toEqual([
      ids,
      [others[0]?.id],
    ]);
  });

  it("get no second task while ECS does not show the first one yet", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: 120_000, missingMs: 25_000 });
    yard.sim.ecs.addCluster({ account: "111122223333", region: "eu-west-1", name: "two", instances: [{}, {}] });
    const instances = [INSTANCE, "00000000000000000000000000000002"];
    yard.sim.ecs.refuse({ reason: "RESOURCE:MEMORY", tasks: 1 });

    const { step } = await yard.run({ ...config, cluster: "two", instances });

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(inputsOf(yard, "ECS.StartTask").map(({ containerInstances }) => containerInstances)).toEqual([
      instances,
      [instances[1]],
    ]);
    expect(yard.sim.ecs.tasks()).toHaveLength(2);
  });
});
