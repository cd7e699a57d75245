import { AutoScalingClient, CompleteLifecycleActionCommand } from "@aws-sdk/client-auto-scaling";
import { CodePipelineClient, PutJobSuccessResultCommand } from "@aws-sdk/client-codepipeline";
import { DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { SendCommandCommand, SSMClient } from "@aws-sdk/client-ssm";
import { createFakeClock } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAwsSim } from "../aws-sim.ts";
import { answerJson, answerQuery, type FrontDoor, openFrontDoor } from "./front-door.ts";

const at = { account: "111122223333", region: "eu-west-1" };
const clock = createFakeClock();
const sim = createAwsSim({ clock });
const credentials = sim.iam.addUser({ account: at.account, name: "app" });
const clients: { destroy(): void }[] = [];
let door: FrontDoor;

beforeAll(async () => {
  const services = {
    ec2: answerQuery(sim, "EC2"),
    autoscaling: answerQuery(sim, "AutoScaling"),
    ssm: answerJson(sim, "SSM"),
    codepipeline: answerJson(sim, "CodePipeline"),
    events: answerJson(sim, "EventBridge"),
  };
  door = await openFrontDoor({ services, others: "http://127.0.0.1:1" });
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await door.stop();
});

function open<Client extends { destroy(): void }>(type: new (config: never) => Client): Client {
  const client = new type({ endpoint: door.url, region: at.region, credentials, maxAttempts: 1 } as never);
  clients.push(client);
  return client;
}

describe("over HTTP", () => {
  it("EC2 describes instances by filters, in pages", async () => {
    for (const value of ["a & b", "c"]) sim.ec2.addInstance({ ...at, tags: { Name: value } });
    for (let count = 0; count < 5; count += 1) sim.ec2.addInstance({ ...at, platform: "windows" });
    const ec2 = open(EC2Client);

    const named = await ec2.send(
      new DescribeInstancesCommand({ Filters: [{ Name: "tag:Name", Values: ["a*", "x"] }] }),
    );
    const first = await ec2.send(new DescribeInstancesCommand({ MaxResults: 5 }));

    expect(named.Reservations?.[0]?.Instances).toMatchObject([
      {
        State: { Code: 16, Name: "running" },
        Tags: [{ Key: "Name", Value: "a & b" }],
        LaunchTime: new Date(clock.now()),
      },
    ]);
    expect([first.Reservations?.length, first.NextToken]).toEqual([5, expect.any(String)]);
    await expect(ec2.send(new DescribeInstancesCommand({ InstanceIds: ["i-00000001"] }))).rejects.toMatchObject({
      name: "InvalidInstanceID.NotFound",
    });
  });

  it("SSM sends commands", async () => {
    const instanceId = sim.ec2.addInstance(at);
    sim.ssm.addAgent({ ...at, instanceId });
    const ssm = open(SSMClient);
    const input = { DocumentName: "AWS-RunShellScript", Parameters: { commands: ["true"] } };

    const { Command } = await ssm.send(new SendCommandCommand({ ...input, InstanceIds: [instanceId] }));

    expect(Command?.RequestedDateTime).toEqual(new Date(clock.now()));
    await expect(ssm.send(new SendCommandCommand({ ...input, InstanceIds: ["i-00000001"] }))).rejects.toMatchObject({
      name: "InvalidInstanceId",
    });
  });

  it("CodePipeline takes results", async () => {
    const { jobId } = sim.codePipeline.startAction(at);

    await open(CodePipelineClient).send(new PutJobSuccessResultCommand({ jobId }));

    expect(sim.codePipeline.findAction(jobId)?.status).toBe("Succeeded");
  });

  it("EventBridge takes events", async () => {
    const Entries = [{ Source: "a", DetailType: "b", Detail: "{}", Time: new Date(5_000) }];

    await open(EventBridgeClient).send(new PutEventsCommand({ Entries }));

    expect(sim.eventBridge.waiting).toMatchObject([{ source: "a", time: "1970-01-01T00:00:05Z" }]);
  });

  it("Auto Scaling completes actions", async () => {
    const hook = { ...at, group: "web", name: "configure" };
    sim.autoScaling.addHook(hook);
    const { token } = sim.autoScaling.beginAction({ hook, instanceId: "i-00000001" });
    const complete = () =>
      open(AutoScalingClient).send(
        new CompleteLifecycleActionCommand({
          AutoScalingGroupName: "web",
          LifecycleHookName: "configure",
          LifecycleActionToken: token,
          LifecycleActionResult: "CONTINUE",
        }),
      );

    await complete();

    expect(sim.autoScaling.findAction(token)?.state).toBe("CONTINUE");
    await expect(complete()).rejects.toMatchObject({ name: "ValidationError" });
  });
});
