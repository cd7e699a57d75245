import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createWorld } from "../testing/a-world.ts";
import { PLACE } from "../testing/an-ecs-world.ts";
import { answerQuery } from "./answer-query.ts";
import { type FrontDoor, openFrontDoor } from "./front-door.ts";

const { sim, credentials } = createWorld();
let door: FrontDoor;
let config: { endpoint: string; region: string; credentials: typeof credentials; maxAttempts: number };

beforeAll(async () => {
  const services = {
    cloudformation: answerQuery(sim, "CloudFormation"),
    elasticloadbalancing: answerQuery(sim, "ElasticLoadBalancingV2"),
  };
  door = await openFrontDoor({ services, others: "http://127.0.0.1:1" });
  config = { endpoint: door.url, region: PLACE.region, credentials, maxAttempts: 1 };
});
afterAll(() => door.stop());

it("tells the state of a stack over HTTP", async () => {
  const client = new CloudFormationClient(config);
  const Stacks = [{ StackName: "shop & co", CreationTime: new Date(0), StackStatus: "UPDATE_ROLLBACK_IN_PROGRESS" }];
  sim.once("CloudFormation.DescribeStacks", async () => ({ Stacks }));

  expect((await client.send(new DescribeStacksCommand({ StackName: "shop" }))).Stacks).toMatchObject(Stacks);
  await expect(client.send(new DescribeStacksCommand({ StackName: "none" }))).rejects.toMatchObject({
    name: "ValidationError",
    message: "Stack with id none does not exist",
  });
  client.destroy();
});

it("tells the health of targets over HTTP", async () => {
  const client = new ElasticLoadBalancingV2Client(config);
  const TargetGroupArn = sim.loadBalancing.addTargetGroup({ ...PLACE, name: "web" });
  sim.loadBalancing.setTarget(TargetGroupArn, { id: "i-1", port: 80, state: "healthy" });
  const Targets = [{ Id: "i-2" }];

  const all = await client.send(new DescribeTargetHealthCommand({ TargetGroupArn }));
  const other = await client.send(new DescribeTargetHealthCommand({ TargetGroupArn, Targets }));

  expect(all.TargetHealthDescriptions).toMatchObject([
    { Target: { Id: "i-1", Port: 80 }, TargetHealth: { State: "healthy" } },
  ]);
  expect(other.TargetHealthDescriptions).toMatchObject([{ Target: { Id: "i-2" }, TargetHealth: { State: "unused" } }]);
  await expect(client.send(new DescribeTargetHealthCommand({ TargetGroupArn: "none" }))).rejects.toMatchObject({
    name: "TargetGroupNotFoundException",
  });
  client.destroy();
});
