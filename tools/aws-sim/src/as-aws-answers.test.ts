import { ECSClient, RunTaskCommand } from "@aws-sdk/client-ecs";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { GetCommandInvocationCommand, ListCommandsCommand } from "@aws-sdk/client-ssm";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createAwsSim } from "./aws-sim.ts";
import type { TargetInput } from "./load-balancing/targets.ts";
import { createSimPlugin } from "./sim-plugin.ts";
import { ACCOUNT, BUCKET, createFleet, createWorld, OTHER } from "./testing/a-world.ts";

const PLACE = { account: ACCOUNT, region: "eu-west-1" } as const;

describe("IAM with a delay [aws-cdk#37675]", () => {
  function createYoungWorld() {
    const clock = createFakeClock();
    const sim = createAwsSim({ clock, iamDelayMs: 10_000 });
    sim.s3.createBucket({ ...PLACE, name: BUCKET });
    const role = sim.iam.addRole({ account: OTHER, name: "theirs", trusts: [ACCOUNT] });
    const config = { region: PLACE.region, credentials: sim.iam.addUser({ ...PLACE, name: "app" }), maxAttempts: 1 };
    const [s3, sts] = [new S3Client(config), new STSClient(config)];
    for (const client of [s3, sts]) client.middlewareStack.use(createSimPlugin(sim));
    return { clock, s3, sts, role };
  }

  it("denies everything at first but the question who one is", async () => {
    const { clock, s3, sts } = createYoungWorld();
    const head = () => s3.send(new HeadBucketCommand({ Bucket: BUCKET }));

    await expect(head()).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    await expect(sts.send(new GetCallerIdentityCommand({}))).resolves.toMatchObject({ Account: ACCOUNT });
    await clock.advance(10_000);
    await expect(head()).resolves.toBeDefined();
  });

  it("does not let a role be assumed as soon as it exists", async () => {
    const { clock, sts, role } = createYoungWorld();
    const assume = () => sts.send(new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: "test" }));

    await expect(assume()).rejects.toMatchObject({ name: "AccessDenied" });
    await clock.advance(10_000);
    await expect(assume()).resolves.toBeDefined();
  });
});

describe("ECS", () => {
  it("gives a task up after half an hour without capacity, and shows no containers [prefect#22410]", async () => {
    const { sim, clock, client } = createWorld();
    sim.ecs.addCluster({
      ...PLACE,
      name: "web",
      instances: [],
      capacityProviders: { none: { scaleOutMs: Number.POSITIVE_INFINITY } },
    });
    sim.ecs.registerTaskDefinition({ ...PLACE, family: "migrate", containerDefinitions: [{ name: "app" }] });
    const capacityProviderStrategy = [{ capacityProvider: "none", weight: 1 }];
    const input = { cluster: "web", taskDefinition: "migrate", capacityProviderStrategy };
    await client(ECSClient).send(new RunTaskCommand(input));
    const states = () =>
      sim.ecs.tasks().map(({ lastStatus, stopCode, containers }) => [lastStatus, stopCode, containers?.length]);

    const before = states();
    await clock.advance(31 * 60_000);

    expect([before, states()]).toEqual([[["PROVISIONING", undefined, 1]], [["STOPPED", "TaskFailedToStart", 0]]]);
  });

  it("passes on EC2's throttle of tasks with interfaces [dask-cloudprovider#56]", async () => {
    const { sim, client } = createWorld();
    sim.limit("EC2.DescribeSecurityGroups", { perSecond: 1 });
    sim.ecs.addCluster({ ...PLACE, name: "web" });
    sim.ecs.registerTaskDefinition({
      ...PLACE,
      family: "api",
      networkMode: "awsvpc",
      requiresCompatibilities: ["FARGATE"],
      containerDefinitions: [{ name: "app" }],
      cpu: "256",
      memory: "512",
    });
    const awsvpcConfiguration = { subnets: ["subnet-1"], securityGroups: ["sg-1"] };
    const order = { cluster: "web", taskDefinition: "api", launchType: "FARGATE" } as const;
    const run = () =>
      client(ECSClient).send(new RunTaskCommand({ ...order, networkConfiguration: { awsvpcConfiguration } }));
    await run();

    await expect(run()).rejects.toMatchObject({
      name: "InvalidParameterException",
      message: expect.stringContaining("[sg-1]: Request limit exceeded. (ErrorCode: RequestLimitExceeded)"),
    });
  });
});

describe("Systems Manager", () => {
  it.each(["InvalidPlatform", "AccessDenied"] as const)("shows %s only in the details", async (refusedAs) => {
    const { sim, ssm, clock, addNode, send } = createFleet();
    const InstanceId = addNode();
    sim.ssm.script(InstanceId, { refusedAs });
    const { CommandId = "" } = await send([InstanceId]);
    await clock.advance(5_000);

    const invocation = await ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId }));
    const { Commands } = await ssm.send(new ListCommandsCommand({ CommandId }));

    expect(invocation).toMatchObject({ Status: "Failed", StatusDetails: refusedAs, ResponseCode: -1 });
    expect(Commands?.[0]).toMatchObject({ ErrorCount: 0, StatusDetails: "Incomplete" });
  });
});

describe("Elastic Load Balancing", () => {
  it("describes why a target is not healthy [copilot-cli#3772]", async () => {
    const { sim, client } = createWorld();
    const arn = sim.loadBalancing.addTargetGroup({ ...PLACE, name: "web" });
    const targets = { set: (target: TargetInput) => sim.loadBalancing.setTarget(arn, target) };
    targets.set({ id: "i-1", state: "unhealthy", reason: "Target.Timeout" });
    targets.set({ id: "i-2", state: "unhealthy", reason: "Target.ResponseCodeMismatch", description: "codes: [404]" });
    targets.set({ id: "i-3", state: "initial" });

    const command = new DescribeTargetHealthCommand({ TargetGroupArn: arn });
    const { TargetHealthDescriptions = [] } = await client(ElasticLoadBalancingV2Client).send(command);

    expect(
      TargetHealthDescriptions.map(({ TargetHealth }) => [TargetHealth?.Reason, TargetHealth?.Description]),
    ).toEqual([
      ["Target.Timeout", "Request timed out"],
      ["Target.ResponseCodeMismatch", "codes: [404]"],
      ["Elb.InitialHealthChecking", "Initial health checks in progress"],
    ]);
  });
});

describe("EventBridge", () => {
  it("accepts and loses events for an unknown bus of another account [EveryElection#2445]", async () => {
    const { sim, client } = createWorld();
    const entry = { Source: "a", DetailType: "b", Detail: "{}" };
    const EventBusName = `arn:aws:events:eu-west-1:${OTHER}:event-bus/gone`;

    const answer = await client(EventBridgeClient).send(
      new PutEventsCommand({ Entries: [{ ...entry, EventBusName }] }),
    );

    expect([answer.FailedEntryCount, sim.eventBridge.waiting]).toEqual([0, []]);
  });
});
