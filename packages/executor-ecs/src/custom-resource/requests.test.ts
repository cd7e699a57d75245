import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, type EcsTaskWorld, LEAST } from "../testing/an-ecs-task-world.ts";
import { PLACE } from "../testing/an-ecs-yard.ts";

const ID = /^[0-9a-f]{32}$/;

function statusOfStack(world: EcsTaskWorld, StackStatus: string | Error): void {
  world.sim.once("CloudFormation.DescribeStacks", async () => {
    if (StackStatus instanceof Error) throw StackStatus;
    return { Stacks: [{ StackName: "shop", CreationTime: new Date(0), StackStatus }] };
  });
}

describe("Create", () => {
  it("warns of unknown properties, once", async () => {
    const { life, until, logger } = createEcsTaskWorld();

    await until(life.create({ ...LEAST, Clutser: "web" }));

    const warnings = logger.lines.filter(({ level }) => level === "warn").map(({ message }) => message);
    expect(warnings).toEqual(["Unknown properties are ignored: Clutser."]);
  });

  it("runs the task and answers how it went", async () => {
    const { life, until, sim, count } = createEcsTaskWorld();

    const { status, answer } = await until(life.create(LEAST));

    const [task] = sim.ecs.tasks();
    expect(status).toBe("CREATE_COMPLETE");
    expect(answer).toEqual({
      Status: "SUCCESS",
      Reason: "RUN: 1 task has ended, and every checked container exited with 0.",
      PhysicalResourceId: expect.stringMatching(ID),
      NoEcho: false,
      StackId: life.requests[0]?.StackId,
      RequestId: life.requests[0]?.RequestId,
      LogicalResourceId: "Migration",
      Data: {
        Ran: "true",
        Why: "RUN",
        TaskArn: task?.taskArn,
        TaskArns: task?.taskArn,
        Count: "1",
        ExitCode: "0",
        TaskDefinitionArn: "arn:aws:ecs:eu-west-1:111122223333:task-definition/migrate:1",
        StartedBy: answer?.PhysicalResourceId,
      },
    });
    expect(task?.startedBy).toBe(answer?.PhysicalResourceId);
    expect(count("ECS.RunTask")).toBe(1);
  });

  it("tags its tasks and sends a token made of the request", async () => {
    const { life, until, sim, inputs } = createEcsTaskWorld();

    await until(life.create({ ...LEAST, Count: 2, Tags: [{ Key: "team", Value: "db" }] }));

    expect(sim.ecs.tasks().map(({ tags }) => tags)).toEqual(
      Array(2).fill([
        { key: "stackyard:stack", value: life.requests[0]?.StackId },
        { key: "stackyard:logical-id", value: "Migration" },
        { key: "stackyard:request", value: life.requests[0]?.RequestId },
        { key: "team", value: "db" },
      ]),
    );
    expect(inputs("ECS.RunTask")).toMatchObject([{ count: 2, clientToken: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
  });

  it("starts one task on each of the instances", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.addCluster({ ...PLACE, name: "own", instances: [{ id: "a" }, { id: "b" }] });

    const { answer } = await world.until(world.life.create({ ...LEAST, Cluster: "own", Instances: ["a", "b"] }));

    expect(answer?.Data).toMatchObject({ Count: "2", ExitCode: "0" });
    expect(world.count("ECS.RunTask")).toBe(0);
    expect(world.inputs("ECS.StartTask")).toMatchObject([{ containerInstances: ["a", "b"] }]);
  });

  it("runs nothing for a count of 0, whatever the instances, and starts no execution", async () => {
    const { life, until, sim, count } = createEcsTaskWorld();

    const { status, answer } = await until(life.create({ ...LEAST, Count: "0", Instances: ["i-1"] }));

    expect(status).toBe("CREATE_COMPLETE");
    expect(answer?.Reason).toBe("COUNT_ZERO: Nothing was run, since Count is 0.");
    expect(answer?.PhysicalResourceId).toMatch(ID);
    expect(answer?.Data).toMatchObject({ Ran: "false", Why: "COUNT_ZERO", Count: "0", ExitCode: "", TaskArns: "" });
    expect([sim.ecs.tasks().length, count("SFN.StartExecution")]).toEqual([0, 0]);
  });

  it("answers without waiting where the timeout is 0", async () => {
    const { life, until, sim, clock } = createEcsTaskWorld();
    const start = clock.now();

    const { status, answer } = await until(life.create({ ...LEAST, Timeout: 0 }));

    expect(status).toBe("CREATE_COMPLETE");
    expect(clock.now()).toBe(start);
    expect(answer?.Reason).toBe("RUN: 1 task was started and not waited for, since Timeout is 0.");
    expect(answer?.Data).toMatchObject({ Ran: "true", ExitCode: "", TaskArn: sim.ecs.tasks()[0]?.taskArn });
  });

  it("fails with all problems, and is deleted again without a look at them", async () => {
    const { life, until, count } = createEcsTaskWorld();

    const { status, reason, followedBy } = await until(life.create({ Cluster: "", Count: "many", Timeout: 5 }));

    expect(status).toBe("CREATE_FAILED");
    expect(reason).toMatch(/^ECS_PROPERTIES_INVALID: /);
    for (const path of ["/Cluster", "/TaskDefinition", "/Count", "/Timeout"]) expect(reason).toContain(path);
    expect(followedBy).toMatchObject([{ status: "DELETE_COMPLETE" }]);
    expect(count("ECS.RunTask")).toBe(0);
  });

  it("waits for a healthy target before it starts", async () => {
    const world = createEcsTaskWorld();
    const group = world.sim.loadBalancing.addTargetGroup({ ...PLACE, name: "web" });
    const start = world.clock.now();
    world.sim.loadBalancing.setTarget(group, { id: "i-1", state: "initial" });
    world.sim.loadBalancing.setTarget(group, { id: "i-1", state: "healthy", at: start + 55_000 });

    const { status } = await world.until(world.life.create({ ...LEAST, TargetGroupHealthCheck: group }));

    expect(status).toBe("CREATE_COMPLETE");
    expect(Number(world.sim.ecs.tasks()[0]?.createdAt)).toBeGreaterThanOrEqual(start + 55_000);
  });

  it("fails when no target becomes healthy in time, and has started nothing", async () => {
    const world = createEcsTaskWorld();
    const group = world.sim.loadBalancing.addTargetGroup({ ...PLACE, name: "web" });

    const { reason } = await world.until(world.life.create({ ...LEAST, Timeout: 60, TargetGroupHealthCheck: group }));

    expect(reason).toBe(`ECS_TIMEOUT: No target of ${group} became healthy: it has none.`);
    expect(world.count("ECS.RunTask")).toBe(0);
  });
});

describe("Update", () => {
  it("runs again and stays the same resource", async () => {
    const { life, until, count } = createEcsTaskWorld();
    const created = await until(life.create(LEAST));

    const { status, answer, followedBy } = await until(life.update({ ...LEAST, Triggers: { version: 2 } }));

    expect([status, followedBy]).toEqual(["UPDATE_COMPLETE", []]);
    expect(answer?.PhysicalResourceId).toBe(created.answer?.PhysicalResourceId);
    expect(answer?.Data?.["TaskArn"]).not.toBe(created.answer?.Data?.["TaskArn"]);
    expect(count("ECS.RunTask")).toBe(2);
  });

  it("runs nothing if RunOnUpdate is false, and returns the revision that ran last", async () => {
    const { life, until, count } = createEcsTaskWorld();
    await until(life.create(LEAST));

    const { answer } = await until(life.update({ ...LEAST, RunOnUpdate: "no" }));

    expect(answer?.Reason).toBe("RUN_ON_UPDATE_FALSE: Nothing was run, since RunOnUpdate is false.");
    expect(answer?.Data).toMatchObject({
      Ran: "false",
      Why: "RUN_ON_UPDATE_FALSE",
      TaskArns: "",
      TaskDefinitionArn: "arn:aws:ecs:eu-west-1:111122223333:task-definition/migrate:1",
    });
    expect(count("ECS.RunTask")).toBe(1);
  });

  it.each(["ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"])(
    "runs nothing in %s if RunOnRollback is false",
    async (stack) => {
      const world = createEcsTaskWorld();
      await world.until(world.life.create(LEAST));
      statusOfStack(world, stack);

      const { answer } = await world.until(world.life.update({ ...LEAST, RunOnRollback: "false" }));

      expect(answer?.Data).toMatchObject({ Ran: "false", Why: "ROLLBACK" });
    },
  );

  it("runs in other states of the stack, and when the state could be read at the second try", async () => {
    const world = createEcsTaskWorld();
    await world.until(world.life.create(LEAST));
    statusOfStack(world, "UPDATE_IN_PROGRESS");
    const first = await world.until(world.life.update({ ...LEAST, RunOnRollback: "false" }));
    expect(world.logger.lines.filter(({ level }) => level === "warn")).toEqual([]);
    statusOfStack(world, Object.assign(new Error("no"), { name: "AccessDenied" }));

    const second = await world.until(world.life.update({ ...LEAST, RunOnRollback: "false", Triggers: 1 }));

    expect([first, second].map(({ answer }) => answer?.Data?.["Why"])).toEqual(["RUN", "RUN"]);
  });

  // aws/aws-sam-cli#2671, aws/aws-cdk#5637
  it.each([
    ["throttled", 1_000],
    ["throttled", 60_000],
    ["throttled", 600_000],
  ] as const)("runs nothing in a rollback whose state is %s for %i ms", async (_, ms) => {
    const world = createEcsTaskWorld();
    await world.until(world.life.create({ ...LEAST, RunOnRollback: "false" }));
    const until = world.clock.now() + ms;
    const tell = async (): Promise<unknown> => {
      world.sim.once("CloudFormation.DescribeStacks", tell);
      if (world.clock.now() < until) throw new SimFault("Throttling", 400, "Rate exceeded");
      return { Stacks: [{ StackName: "s", StackStatus: "UPDATE_ROLLBACK_IN_PROGRESS", CreationTime: new Date() }] };
    };
    world.sim.once("CloudFormation.DescribeStacks", tell);

    const { answer } = await world.until(world.life.update({ ...LEAST, RunOnRollback: "false", Triggers: "old" }));

    expect(world.count("ECS.RunTask")).toBe(1);
    if (ms === 600_000)
      expect(answer).toMatchObject({ Status: "FAILED", Reason: expect.stringMatching(/Nothing was run/) });
    else expect(answer?.Data?.["Why"]).toBe("ROLLBACK");
  });

  it.each([
    ["CloudFormation names no such stack", async () => ({ Stacks: [] })],
    ["the role may not ask", () => Promise.reject(Object.assign(new Error("no"), { name: "AccessDenied" }))],
  ])("runs nothing, and fails with the reason, where %s", async (_, tell) => {
    const world = createEcsTaskWorld();
    await world.until(world.life.create({ ...LEAST, RunOnRollback: "false" }));
    const always = (): Promise<unknown> => {
      world.sim.once("CloudFormation.DescribeStacks", always);
      return tell();
    };
    world.sim.once("CloudFormation.DescribeStacks", always);

    const { answer } = await world.until(world.life.update({ ...LEAST, RunOnRollback: "false" }));

    expect(answer).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringMatching(/Nothing was run: the stack's status/),
    });
    expect(world.count("ECS.RunTask")).toBe(1);
  });

  it("loads the stack's state only if it matters", async () => {
    const { life, until, count } = createEcsTaskWorld();
    await until(life.create({ ...LEAST, RunOnRollback: "false" }));
    await until(life.update({ ...LEAST, RunOnRollback: "true" }));

    expect(count("CloudFormation.DescribeStacks")).toBe(0);
  });

  it("fails and is changed back", async () => {
    const { life, until, sim } = createEcsTaskWorld();
    const { answer } = await until(life.create(LEAST));
    sim.ecs.script("migrate", { containers: { app: 3 } }, 1);

    const { status, followedBy, reason } = await until(life.update({ ...LEAST, Triggers: 2 }));

    expect(status).toBe("UPDATE_FAILED");
    expect(reason).toMatch(/^ECS_EXIT_CODE: task [0-9a-f]{8} container app exited with 3 /);
    expect(followedBy).toMatchObject([{ status: "UPDATE_COMPLETE" }]);
    expect(life.physicalId).toBe(answer?.PhysicalResourceId);
  });
});

describe("Delete", () => {
  it("has nothing to do when nothing runs, and does it at once", async () => {
    const { life, until, clock, count } = createEcsTaskWorld();
    await until(life.create(LEAST));
    const [start, executions] = [clock.now(), count("SFN.StartExecution")];

    const { status, answer } = await until(life.delete());

    expect([status, answer?.Reason]).toEqual(["DELETE_COMPLETE", "DELETE: No task was running."]);
    expect(answer?.PhysicalResourceId).toBe(life.physicalId);
    expect([clock.now(), count("SFN.StartExecution")]).toEqual([start, executions]);
  });

  it("stops what runs, waits for its end, and names the stack as the reason", async () => {
    const { life, until, sim, inputs } = createEcsTaskWorld();
    sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY, stopsInMs: 20_000 });
    await until(life.create({ ...LEAST, Timeout: 0, Count: 3 }));

    const { status, answer } = await until(life.delete());

    expect([status, answer?.Reason]).toEqual(["DELETE_COMPLETE", "DELETE: 3 tasks were stopped."]);
    expect(sim.ecs.tasks().map(({ lastStatus }) => lastStatus)).toEqual(["STOPPED", "STOPPED", "STOPPED"]);
    expect(inputs("ECS.StopTask")).toHaveLength(3);
    expect(String(inputs("ECS.StopTask")[0]?.["reason"])).toContain(life.requests[0]?.StackId);
  });

  it("stops also what ECS does not show yet", async () => {
    const { life, until, sim, clock } = createEcsTaskWorld();
    sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY, missingMs: 30_000 });
    await until(life.create({ ...LEAST, Timeout: 0, Count: 2 }));

    const { status } = await until(life.delete());
    await clock.advance(60_000);

    expect(status).toBe("DELETE_COMPLETE");
    expect(sim.ecs.tasks().map(({ lastStatus }) => lastStatus)).toEqual(["STOPPED", "STOPPED"]);
  });

  it("waits 120 s at most, and says what still stops", async () => {
    const { life, until, sim, clock } = createEcsTaskWorld();
    sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY, stagesMs: { STOPPING: Number.POSITIVE_INFINITY } });
    await until(life.create({ ...LEAST, Timeout: 0 }));
    await clock.advance(60_000);
    const start = clock.now();

    const { status, answer } = await until(life.delete());

    expect([status, answer?.Reason]).toEqual(["DELETE_COMPLETE", "DELETE: Warning: 1 of 1 tasks still stop."]);
    expect(clock.now() - start).toBeGreaterThanOrEqual(120_000);
    expect(clock.now() - start).toBeLessThan(140_000);
  });

  it("stops more tasks than a page holds", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
    for (let at = 0; at < 11; at += 1) {
      await world.until(
        at === 0
          ? world.life.create({ ...LEAST, Count: 10, Timeout: 0 })
          : world.life.update({ ...LEAST, Count: 10, Timeout: 0, Triggers: at }),
      );
    }

    const { status } = await world.until(world.life.delete());

    expect(status).toBe("DELETE_COMPLETE");
    expect(new Set(world.sim.ecs.tasks().map(({ lastStatus }) => lastStatus))).toEqual(new Set(["STOPPED"]));
    expect(world.count("ECS.StopTask")).toBe(110);
  });

  it("lets nothing be started by a request from before", async () => {
    const { life, until, sim, clock } = createEcsTaskWorld();
    sim.ecs.refuse({ reason: "RESOURCE:MEMORY", calls: 3 });
    const created = life.create({ ...LEAST, PlacementTimeout: 900 });
    await until(clock.sleep(15_000));

    // CloudFormation has given the Create up, and deletes before it has an answer.
    const deleted = await until(life.delete());
    const { reason } = await until(created);

    expect([deleted.status, reason]).toEqual([
      ...[
        "DELETE_COMPLETE",
        "ECS_CANCELLED: The resource was deleted before its tasks had been started, or the request was answered.",
      ],
    ]);
    expect(sim.ecs.tasks()).toEqual([]);
  });

  it("lets a later Create run again", async () => {
    const { life, until, sim } = createEcsTaskWorld();
    await until(life.create(LEAST));
    await until(life.delete());
    await until(life.create(LEAST));

    expect(sim.ecs.tasks()).toHaveLength(2);
  });

  it.each([
    ["is missing", {}],
    ["is not a string", { Cluster: ["web"] }],
    ["does not exist", { Cluster: "gone" }],
  ])("succeeds when the cluster in the properties %s", async (_what, properties) => {
    const { life, until } = createEcsTaskWorld();
    const { followedBy } = await until(life.create(properties));

    expect(followedBy).toMatchObject([{ status: "DELETE_COMPLETE" }]);
  });

  it.each([
    ["AccessDeniedException", "DELETE_FAILED"],
    ["ServerException", "DELETE_COMPLETE"],
    ["InvalidParameterException", "DELETE_COMPLETE"],
    ["ClusterNotFoundException", "DELETE_COMPLETE"],
  ])("after %s: %s", async (name, expected) => {
    const { life, until, sim } = createEcsTaskWorld();
    await until(life.create({ ...LEAST, Count: 0 }));
    // A denial is repeated for two minutes.
    for (let time = 0; time < 100; time += 1) sim.once("ECS.ListTasks", () => Promise.reject(toAwsError(name)));

    const { status, reason } = await until(life.delete());

    expect(status).toBe(expected);
    if (status === "DELETE_FAILED") expect(reason).toMatch(/^ECS_AWS_ERROR: .*AccessDeniedException/);
  });

  it("stops what runs though ECS could not serve it for a while", async () => {
    const { life, until, sim, clock } = createEcsTaskWorld();
    sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
    await until(life.create({ ...LEAST, Timeout: 0 }));
    await clock.advance(120_000);
    for (let at = 0; at < 3; at += 1) sim.once("ECS.ListTasks", () => Promise.reject(toAwsError("ServerException")));

    const { reason } = await until(life.delete());

    expect(reason).toBe("DELETE: 1 task was stopped.");
    expect(sim.ecs.tasks().map(({ lastStatus }) => lastStatus)).toEqual(["STOPPED"]);
  });

  it("succeeds with a warning where ECS never serves it", async () => {
    const { life, until, sim } = createEcsTaskWorld();
    await until(life.create({ ...LEAST, Count: 0 }));
    for (let at = 0; at < 100; at += 1) sim.once("ECS.ListTasks", () => Promise.reject(toAwsError("ServerException")));

    const { status, reason } = await until(life.delete());

    expect(status).toBe("DELETE_COMPLETE");
    expect(reason).toMatch(/^DELETE: Warning: .*ServerException/);
  });

  it("tries again while it is throttled, and fails when that lasts", async () => {
    const { life, until, sim, clock } = createEcsTaskWorld();
    await until(life.create({ ...LEAST, Count: 0 }));
    const start = clock.now();
    for (let at = 0; at < 3; at += 1)
      sim.once("ECS.ListTasks", () => Promise.reject(toAwsError("ThrottlingException")));
    expect(await until(life.delete())).toMatchObject({ status: "DELETE_COMPLETE" });
    expect(clock.now() - start).toBeLessThan(60_000);

    sim.limit("ECS.ListTasks", { perSecond: 1e-9, burst: 1e-9 });
    const { status, reason } = await until(life.delete());

    expect(status).toBe("DELETE_FAILED");
    expect(reason).toMatch(/^ECS_AWS_ERROR: .*ThrottlingException/);
  });
});

/** As the SDK throws it. */
function toAwsError(name: string): Error {
  const $metadata = { httpStatusCode: name === "ServerException" ? 500 : 400 };
  return Object.assign(new Error("no"), { name, $fault: "client", $metadata });
}
