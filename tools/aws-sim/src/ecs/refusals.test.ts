import { ECSClient, RunTaskCommand, StartTaskCommand, type StartTaskCommandInput } from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { ACCOUNT, aDefinition, createEcsWorld, NETWORK } from "../testing/a-world.ts";

const FARGATE = { taskDefinition: "api", launchType: "FARGATE", networkConfiguration: NETWORK } as const;
const { awsvpcConfiguration: VPC } = NETWORK;
const vpc = (changes: object) => ({ networkConfiguration: { awsvpcConfiguration: { ...VPC, ...changes } } });
const overrides = (name: string, value = "") => ({
  containerOverrides: [{ name, environment: [{ name: "A", value }] }],
});
const strategy = (...items: { capacityProvider: string; weight?: number; base?: number }[]) => ({
  taskDefinition: "api",
  networkConfiguration: NETWORK,
  capacityProviderStrategy: items,
});
const spot = { capacityProvider: "FARGATE_SPOT", weight: 1 };

describe("RunTask", () => {
  it.each([
    ["a startedBy over 128 characters", { startedBy: "x".repeat(129) }, /startedBy/],
    ["a startedBy with a point", { startedBy: "a.b" }, /startedBy/],
    ["no tasks", { count: 0 }, /Count/],
    ["11 tasks", { count: 11 }, /Count/],
    ["11 constraints", { placementConstraints: Array(11).fill({ type: "distinctInstance" }) }, /placementConstraints/],
    ["6 strategy rules", { placementStrategy: Array(6).fill({ type: "random" }) }, /placementStrategy/],
    ["a token over 64 characters", { clientToken: "x".repeat(65) }, /clientToken/],
    ["a token with a space", { clientToken: "a b" }, /clientToken/],
    ["overrides over 8,192 characters", { overrides: overrides("app", "x".repeat(8_192)) }, /at most 8192/],
    ["overrides of another container", { overrides: overrides("web") }, /container named web is not a container/],
    ["a network for bridge", { networkConfiguration: NETWORK }, /not valid for the given networkMode/],
    ["no network for awsvpc", { ...FARGATE, networkConfiguration: undefined }, /must be provided when networkMode/],
    ["no subnets", { ...FARGATE, ...vpc({ subnets: [] }) }, /subnets/],
    ["17 subnets", { ...FARGATE, ...vpc({ subnets: Array(17).fill("s") }) }, /subnets/],
    ["6 groups", { ...FARGATE, ...vpc({ securityGroups: Array(6).fill("s") }) }, /securityGroups/],
    ["Fargate for what is not made for it", { launchType: "FARGATE" as const }, /does not support launch_type FARGATE/],
    ["EC2 for what is made for Fargate", { ...FARGATE, launchType: undefined }, /does not support launch_type EC2/],
    ["a platform version on EC2", { platformVersion: "LATEST" }, /platform version must be null/],
    [
      "a launch type and a strategy",
      { ...strategy(spot), launchType: "FARGATE" as const },
      /not supported. Remove one/,
    ],
    ["an empty strategy", strategy(), /between 1 and 20/],
    ["21 providers", strategy(...Array(21).fill(spot)), /between 1 and 20/],
    ["two bases", strategy({ ...spot, base: 1 }, { ...spot, base: 1 }), /one capacity provider can have a base/],
    ["weights of 0 only", strategy({ ...spot, weight: 0 }), /weight greater than zero/],
    ["a weight over 1,000", strategy({ ...spot, weight: 1_001 }), /0 to 1,000/],
    ["a provider of another cluster", strategy({ ...spot, capacityProvider: "asg" }), /'asg' was not found/],
    ["51 tags", { tags: Array.from({ length: 51 }, (_, key) => ({ key: String(key) })) }, /50/],
    ["the same tag twice", { tags: [{ key: "a" }, { key: "a" }] }, /Duplicate/],
    ["tags of AWS", { tags: [{ key: "aws:x" }] }, /tags/],
    ["the tags of a service", { propagateTags: "SERVICE" as const }, /propagateTags/],
    ["commands without a task role", { enableExecuteCommand: true }, /valid taskRoleArn/],
  ])("refuses %s", async (_what, input, message) => {
    const { run, ecs } = createEcsWorld();

    await expect(run(input)).rejects.toMatchObject({ name: "InvalidParameterException", message });
    expect(ecs.tasks()).toEqual([]);
  });

  it("knows clusters that stand and definitions that are active", async () => {
    const { run, ecs } = createEcsWorld();
    const retired = ecs.registerTaskDefinition(aDefinition({ family: "migrate" }));
    ecs.deregisterTaskDefinition(retired);

    await expect(run({ cluster: "none" })).rejects.toMatchObject({ name: "ClusterNotFoundException" });
    await expect(run({ taskDefinition: "none" })).rejects.toMatchObject({ name: "ClientException" });
    await expect(run({ taskDefinition: retired })).rejects.toMatchObject({ message: "TaskDefinition is inactive" });
    expect((await run()).tasks?.[0]?.taskDefinitionArn).toMatch(/migrate:1$/);
  });

  it("needs ecs:TagResource for tags and iam:PassRole for roles", async () => {
    const { sim, clientOf, ecs } = createEcsWorld();
    const weak = sim.iam.addUser({ account: ACCOUNT, name: "weak", allow: ["ecs:RunTask"] });
    const taskRoleArn = `arn:aws:iam::${ACCOUNT}:role/task`;
    ecs.registerTaskDefinition(aDefinition({ family: "role", taskRoleArn }));
    const run = (input: object) =>
      clientOf(ECSClient, weak).send(new RunTaskCommand({ cluster: "main", taskDefinition: "migrate", ...input }));

    await expect(run({ tags: [{ key: "a", value: "b" }] })).rejects.toMatchObject({
      name: "AccessDeniedException",
      message: expect.stringContaining("ecs:TagResource"),
    });
    await expect(run({ taskDefinition: "role" })).rejects.toMatchObject({
      message: expect.stringContaining("iam:PassRole"),
    });
    await run({});
  });

  it("is throttled as every service is", async () => {
    const { run, sim } = createEcsWorld();
    sim.limit("ECS.RunTask", { perSecond: 1 });
    await run();

    await expect(run()).rejects.toMatchObject({ name: "ThrottlingException", message: "Rate exceeded" });
  });
});

describe("StartTask", () => {
  const start = (world: ReturnType<typeof createEcsWorld>, input: Partial<StartTaskCommandInput>) =>
    world.client.send(
      new StartTaskCommand({ cluster: "main", taskDefinition: "migrate", containerInstances: ["1"], ...input }),
    );

  it.each([
    ["a startedBy over 36 characters", { startedBy: "x".repeat(37) }, /36/],
    ["no instances", { containerInstances: [] }, /between 1 and 10/],
    ["11 instances", { containerInstances: Array(11).fill("1") }, /between 1 and 10/],
    ["a definition for Fargate", { taskDefinition: "api", networkConfiguration: NETWORK }, /launch_type EC2/],
  ])("refuses %s", async (_what, input, message) => {
    await expect(start(createEcsWorld(), input)).rejects.toMatchObject({ name: "InvalidParameterException", message });
  });

  it("starts one task on each instance, and says why not on others", async () => {
    const world = createEcsWorld({
      instances: [
        { id: "1" },
        { id: "2", isAgentConnected: false },
        { id: "3", memory: 256 },
        { id: "4", cpu: 128 },
        { id: "5", status: "DRAINING" },
      ],
    });
    const { tasks, failures } = await start(world, { containerInstances: ["1", "2", "3", "4", "5", "6"] });

    const arn = (id: string) => `arn:aws:ecs:eu-west-1:${ACCOUNT}:container-instance/main/${id}`;
    expect(tasks).toMatchObject([{ containerInstanceArn: arn("1"), launchType: "EC2" }]);
    expect(failures).toEqual([
      { arn: arn("2"), reason: "AGENT" },
      { arn: arn("3"), reason: "RESOURCE:MEMORY" },
      { arn: arn("4"), reason: "RESOURCE:CPU" },
      { arn: arn("5"), reason: "INACTIVE" },
      { arn: arn("6"), reason: "MISSING" },
    ]);
  });
});
