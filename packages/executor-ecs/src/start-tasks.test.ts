import { ECSClient } from "@aws-sdk/client-ecs";
import { connectionReset, createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { passUntil } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { sendStartTask, startTasks } from "./start-tasks.ts";
import type { TaskOrder } from "./task-order.ts";
import { createEcsYard, type EcsYard, INSTANCE } from "./testing/an-ecs-yard.ts";

function anOrder(given: Partial<TaskOrder> = {}): TaskOrder {
  return { cluster: "web", taskDefinition: "migrate", count: 1, startedBy: "me", clientToken: "token-1", ...given };
}

function start({ clock, aws }: EcsYard, order: TaskOrder, already: readonly string[] = []) {
  const deps = { ecs: aws(ECSClient), clock, signal: new AbortController().signal };
  return passUntil(clock, startTasks(deps, order, already));
}

function arnsOf({ sim }: EcsYard): readonly (string | undefined)[] {
  return sim.ecs.tasks().map(({ taskArn }) => taskArn);
}

describe("RunTask", () => {
  it("gives the same tasks for the same token", async () => {
    const yard = createEcsYard();
    const first = await start(yard, anOrder({ count: 3 }));

    expect(await start(yard, anOrder({ count: 3 }))).toEqual(first);
    expect(first).toEqual({ kind: "started", taskArns: arnsOf(yard) });
    expect(arnsOf(yard)).toHaveLength(3);
  });

  it("adopts the tasks that a token has started with other parameters", async () => {
    const yard = createEcsYard();
    await start(yard, anOrder({ count: 2 }));

    const again = await start(yard, anOrder({ count: 2, overrides: { cpu: "512" } }));

    expect(again).toEqual({ kind: "started", taskArns: arnsOf(yard) });
    expect(arnsOf(yard)).toHaveLength(2);
  });

  it("fails for a conflict that names no tasks", async () => {
    const yard = createEcsYard();
    yard.sim.once("ECS.RunTask", async () => {
      throw new SimFault("ConflictException", 400, "In use.");
    });

    expect(await start(yard, anOrder())).toMatchObject({ kind: "failed", code: "ECS_AWS_ERROR" });
  });

  it("starts what is missing, and nothing when nothing is", async () => {
    const yard = createEcsYard();

    expect(await start(yard, anOrder({ count: 2 }), ["a"])).toMatchObject({ taskArns: ["a", arnsOf(yard)[0]] });
    expect(await start(yard, anOrder({ count: 2 }), ["a", "b"])).toEqual({ kind: "started", taskArns: ["a", "b"] });
    expect(yard.countCalls("ECS.RunTask")).toBe(1);
  });

  it("passes on everything that was requested", async () => {
    const yard = createEcsYard();
    const given: Partial<TaskOrder> = {
      group: "migrations",
      enableExecuteCommand: true,
      propagateTags: "TASK_DEFINITION",
      launchType: "EC2",
      tags: [{ key: "stackyard:stack", value: "s" }],
      placementConstraints: [{ type: "distinctInstance" }],
      placementStrategy: [{ type: "spread", field: "instanceId" }],
    };

    await start(yard, anOrder(given));

    expect(yard.sim.calls.at(-1)?.input).toEqual({
      ...given,
      cluster: "web",
      taskDefinition: "migrate",
      count: 1,
      startedBy: "me",
      clientToken: "token-1",
    });
  });

  it.each([
    ["ThrottlingException", "Rate exceeded", "retry", "ECS_PLACEMENT_FAILED"],
    [
      "ClientException",
      "You've reached the limit on the number of tasks you can provision",
      "retry",
      "ECS_PLACEMENT_FAILED",
    ],
    ["ClientException", "TaskDefinition is inactive", "failed", "ECS_TASK_DEFINITION"],
    [
      "InvalidParameterException",
      "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
      "failed",
      "ECS_NETWORK",
    ],
    [
      "InvalidParameterException",
      "No Container Instances were found in your cluster.",
      "retry",
      "ECS_PLACEMENT_FAILED",
    ],
    ["AccessDeniedException", "User is not authorized to perform: ecs:RunTask", "retry", "ECS_AWS_ERROR"],
    ["ClientException", "ECS was unable to assume the role 'arn' that was provided.", "retry", "ECS_AWS_ERROR"],
    ["InvalidParameterException", "Unable to assume the service linked role.", "retry", "ECS_AWS_ERROR"],
    ["ServerException", "Service Unavailable.", "failed", "ECS_AWS_ERROR"],
  ])("answers %s %s with %s %s", async (name, message, kind, code) => {
    const yard = createEcsYard();
    yard.sim.once("ECS.RunTask", async () => {
      throw new SimFault(name, name === "ServerException" ? 500 : 400, message);
    });

    const result = await start(yard, anOrder({ count: 2 }), ["a"]);

    expect(result).toMatchObject({
      kind,
      code,
      taskArns: ["a"],
      message: expect.stringContaining(`${name}: ${message}`),
    });
    if (result.kind === "failed") expect(result.retryable).toBe(name === "ServerException");
  });
});

describe("StartTask", () => {
  const instances = [INSTANCE];

  it("is sent once although its answer was lost, and what it has started is found", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY, missingMs: 7_000 });
    yard.sim.once("ECS.StartTask", async (proceed) => {
      await proceed();
      throw connectionReset();
    });

    const result = await start(yard, anOrder({ instances }));

    expect(result).toEqual({ kind: "started", taskArns: arnsOf(yard) });
    expect(yard.countCalls("ECS.StartTask")).toBe(1);
  });

  it("is searched again while ECS is too busy to answer", async () => {
    const yard = createEcsYard();
    yard.sim.once("ECS.StartTask", async (proceed) => {
      await proceed();
      throw connectionReset();
    });
    yard.sim.once("ECS.ListTasks", async () => {
      throw new SimFault("ThrottlingException", 400, "Rate exceeded");
    });

    expect(await start(yard, anOrder({ instances }))).toEqual({ kind: "started", taskArns: arnsOf(yard) });
  });

  it("may be tried again when nothing has shown up a minute after its answer was lost", async () => {
    const yard = createEcsYard();
    const before = yard.clock.now();
    yard.sim.once("ECS.StartTask", async () => {
      throw connectionReset();
    });

    const result = await start(yard, anOrder({ instances }));

    expect(result).toMatchObject({ kind: "failed", code: "ECS_AWS_ERROR", taskArns: [], retryable: true });
    expect(yard.clock.now() - before).toBe(60_000);
  });

  it("looks first where an earlier call may have been interrupted, also for what has stopped since", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: 1_000 });
    await start(yard, anOrder({ instances }));
    const intendedAt = yard.clock.now();
    await yard.clock.advance(30_000);

    const result = await start(yard, anOrder({ instances, intendedAt }));

    expect(result).toEqual({ kind: "started", taskArns: arnsOf(yard) });
    expect(arnsOf(yard)).toHaveLength(1);
  });

  it("knows its tasks by tags without values, which ECS shows as empty", async () => {
    const yard = createEcsYard();
    await start(yard, anOrder({ instances, tags: [{ key: "urgent", value: "" }] }));

    const repeated = anOrder({ instances, tags: [{ key: "urgent" }], intendedAt: yard.clock.now() });

    expect(await start(yard, repeated)).toEqual({ kind: "started", taskArns: arnsOf(yard) });
    expect(arnsOf(yard)).toHaveLength(1);
  });

  it("does not take the tasks of another order for its own", async () => {
    const yard = createEcsYard();
    const order = anOrder({ instances, tags: [{ key: "stackyard:request", value: "r1" }] });
    await start(yard, order);

    const other = { ...order, tags: [{ key: "stackyard:request", value: "r2" }], intendedAt: yard.clock.now() };
    const result = await start(yard, other);

    expect(result).toEqual({ kind: "started", taskArns: [arnsOf(yard)[1]] });
    expect(yard.clock.now()).toBe(Date.UTC(2026, 0, 1, 0, 1));
  });
});

const input = { cluster: "web", taskDefinition: "migrate", containerInstances: [INSTANCE] };

/** A client that repeats calls, as those of a runner do. */
function createWorld() {
  const yard = createEcsYard();
  const credentials = yard.sim.iam.addUser({ account: "111122223333", name: "again" });
  const ecs = new ECSClient({ region: "eu-west-1", credentials, maxAttempts: 3 });
  ecs.middlewareStack.use(createSimPlugin(yard.sim));
  return { ...yard, ecs };
}

describe("sendStartTask", () => {
  it.each([
    ["a reset connection", () => Object.assign(new Error("reset"), { code: "ECONNRESET" })],
    ["an error of the server", () => new SimFault("ServerException", 500, "Not now.")],
  ])("is not repeated after %s, and reports an unknown outcome", async (_, toError) => {
    const { ecs, sim, countCalls } = createWorld();
    sim.once("ECS.StartTask", async (proceed) => {
      await proceed();
      throw toError();
    });

    const answer = await sendStartTask({ ecs }, input);

    expect(answer).toMatchObject({ kind: "unknown", error: { message: toError().message } });
    expect(countCalls("ECS.StartTask")).toBe(1);
    expect(sim.ecs.tasks()).toHaveLength(1);
  });

  it("is repeated after a throttling, which has started nothing", async () => {
    const { ecs, sim } = createWorld();
    sim.once("ECS.StartTask", async () => {
      throw new SimFault("ThrottlingException", 400, "Rate exceeded");
    });

    const answer = await sendStartTask({ ecs }, input);

    expect(answer).toMatchObject({ kind: "answered", output: { tasks: [{ lastStatus: "PENDING" }] } });
    expect(sim.ecs.tasks()).toHaveLength(1);
  });

  it("throws what ECS refuses", async () => {
    const { ecs } = createWorld();

    await expect(sendStartTask({ ecs }, { ...input, cluster: "gone" })).rejects.toThrow("Cluster not found.");
  });
});
