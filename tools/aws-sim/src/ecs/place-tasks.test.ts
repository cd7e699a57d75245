import { describe, expect, it } from "vitest";
import { aDefinition, createEcsWorld, NETWORK } from "../testing/a-world.ts";

const SMALL = { instances: [{ id: "1", cpu: 1_024, memory: 1_024 }] };

describe("placement", () => {
  it("fills instances, says what is missing, and finds room again when tasks have stopped", async () => {
    const { run, clock } = createEcsWorld(SMALL);

    const first = await run({ count: 3 });
    await clock.advance(20_000);
    const second = await run({ count: 2 });

    expect(first.tasks).toHaveLength(2);
    expect(first.failures).toEqual([
      { arn: expect.stringContaining("container-instance/main/1"), reason: "RESOURCE:MEMORY" },
    ]);
    expect(second).toMatchObject({ failures: [], tasks: [{}, {}] });
  });

  it("counts what overrides ask for", async () => {
    const { run } = createEcsWorld(SMALL);

    const { tasks, failures } = await run({ overrides: { containerOverrides: [{ name: "app", cpu: 2_048 }] } });

    expect({ tasks, reasons: failures?.map(({ reason }) => reason) }).toEqual({ tasks: [], reasons: ["RESOURCE:CPU"] });
  });

  it("places each task on its own instance on request", async () => {
    const { run } = createEcsWorld({ instances: [{ id: "1" }, { id: "2" }] });

    const { tasks, failures } = await run({ count: 3, placementConstraints: [{ type: "distinctInstance" }] });

    expect(tasks?.map(({ containerInstanceArn }) => containerInstanceArn?.at(-1))).toEqual(["1", "2"]);
    expect(failures).toHaveLength(2);
  });

  it("says AGENT while no agent is connected, and refuses a cluster without instances", async () => {
    const offline = createEcsWorld({ instances: [{ isAgentConnected: false }] });
    const empty = createEcsWorld({ instances: [] });

    expect((await offline.run()).failures).toMatchObject([{ reason: "AGENT" }]);
    await expect(empty.run()).rejects.toMatchObject({
      name: "InvalidParameterException",
      message: "No Container Instances were found in your cluster.",
    });
  });

  it("waits in PROVISIONING for an instance that managed scaling brings, up to the quota", async () => {
    const capacityProviders = { asg: { scaleOutMs: 60_000 } };
    const { run, ecs, clock } = createEcsWorld({ instances: [], capacityProviders, provisioningQuota: 3 });
    const capacityProviderStrategy = [{ capacityProvider: "asg", weight: 1 }];

    await run({ capacityProviderStrategy, count: 3 });
    await expect(run({ capacityProviderStrategy })).rejects.toMatchObject({ name: "ClientException" });
    await clock.advance(60_000);
    await run({ capacityProviderStrategy });

    expect(ecs.tasks().map(({ lastStatus }) => lastStatus)).toEqual([...Array(3).fill("PENDING"), "PROVISIONING"]);
    expect(ecs.tasks()[0]).toMatchObject({ capacityProviderName: "asg" });
    expect(ecs.tasks()[0]).not.toHaveProperty("launchType");
  });

  it("spreads over capacity providers: bases first, then by weight; the cluster's strategy where none is named", async () => {
    const { run } = createEcsWorld({
      defaultStrategy: [
        { capacityProvider: "FARGATE", weight: 1, base: 2 },
        { capacityProvider: "FARGATE_SPOT", weight: 3 },
      ],
    });

    const { tasks = [] } = await run({ taskDefinition: "api", networkConfiguration: NETWORK, count: 10 });

    const names = tasks.map(({ capacityProviderName }) => capacityProviderName);
    expect(names.slice(0, 2)).toEqual(["FARGATE", "FARGATE"]);
    expect(names.filter((name) => name === "FARGATE")).toHaveLength(4);
    expect(tasks[0]).toMatchObject({ platformVersion: "1.4.0" });
  });

  it("refuses as a test orders it: some tasks of a call, for some calls, or without a word", async () => {
    const { run, ecs } = createEcsWorld();
    ecs.refuse({ reason: "RESOURCE:MEMORY", tasks: 1, calls: 2 });
    ecs.refuse({ reason: "", isSilent: true });
    const counts = [];
    for (let call = 0; call < 4; call += 1) {
      const { tasks = [], failures = [] } = await run({ count: 2 });
      counts.push([tasks.length, failures.map(({ reason }) => reason)]);
    }

    expect(counts).toEqual([
      [1, ["RESOURCE:MEMORY"]],
      [1, ["RESOURCE:MEMORY"]],
      [0, []],
      [2, []],
    ]);
  });

  it("takes a task's size before the sum of its containers", async () => {
    const { run, ecs } = createEcsWorld(SMALL);
    ecs.registerTaskDefinition(aDefinition({ family: "big", memory: "2048" }));

    expect((await run({ taskDefinition: "big" })).failures).toMatchObject([{ reason: "RESOURCE:MEMORY" }]);
  });
});

describe("a client token", () => {
  it("gives the same tasks for the same request, in whatever order its fields stand", async () => {
    const { run, ecs } = createEcsWorld();
    const first = await run({ clientToken: "t", startedBy: "me", count: 2 });
    const again = await run({ count: 2, startedBy: "me", clientToken: "t" });

    expect(again.tasks?.map(({ taskArn }) => taskArn)).toEqual(first.tasks?.map(({ taskArn }) => taskArn));
    expect(ecs.tasks()).toHaveLength(2);
  });

  it("is in conflict with another request, and names the tasks that it has started", async () => {
    const { run, ecs } = createEcsWorld();
    const { tasks = [] } = await run({ clientToken: "t" });

    await expect(run({ clientToken: "t", count: 2 })).rejects.toMatchObject({
      name: "ConflictException",
      resourceIds: tasks.map(({ taskArn }) => taskArn),
    });
    await run({ clientToken: "T" });
    expect(ecs.tasks()).toHaveLength(2);
  });

  it("is forgotten an hour after the end of its tasks", async () => {
    const { run, ecs, clock } = createEcsWorld();
    await run({ clientToken: "t" });
    await clock.advance(3_600_000);
    await run({ clientToken: "t" });
    await clock.advance(60_000);
    await run({ clientToken: "t" });

    expect(ecs.tasks()).toHaveLength(2);
  });

  it("is not used by a request that started nothing", async () => {
    const { run, ecs } = createEcsWorld();
    ecs.refuse({ reason: "AGENT" });
    await run({ clientToken: "t" });

    expect((await run({ clientToken: "t" })).tasks).toHaveLength(1);
  });
});
