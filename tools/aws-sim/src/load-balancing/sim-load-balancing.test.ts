import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { expect, it } from "vitest";
import { ACCOUNT, createWorld } from "../testing/a-world.ts";

it("reports the health of targets as it changes with time", async () => {
  const { sim, client, clock } = createWorld();
  const TargetGroupArn = sim.loadBalancing.addTargetGroup({ account: ACCOUNT, region: "eu-west-1", name: "web" });
  sim.loadBalancing.setTarget(TargetGroupArn, { id: "i-1", port: 80, state: "initial" });
  sim.loadBalancing.setTarget(TargetGroupArn, { id: "i-1", port: 80, state: "healthy", at: clock.now() + 5_000 });
  const elb = client(ElasticLoadBalancingV2Client);
  const read = async (Targets?: { Id: string }[]) => {
    const command = new DescribeTargetHealthCommand({ TargetGroupArn, ...(Targets && { Targets }) });
    return (await elb.send(command)).TargetHealthDescriptions?.map(({ TargetHealth }) => TargetHealth);
  };

  expect(await read()).toMatchObject([{ State: "initial", Reason: "Elb.InitialHealthChecking" }]);
  await clock.advance(5_000);
  expect(await read()).toEqual([{ State: "healthy" }]);
  expect(await read([{ Id: "i-2" }])).toMatchObject([{ State: "unused", Reason: "Target.NotRegistered" }]);
});

it("knows only groups that are there", async () => {
  const { client } = createWorld();
  const command = new DescribeTargetHealthCommand({ TargetGroupArn: "arn:aws:none" });

  await expect(client(ElasticLoadBalancingV2Client).send(command)).rejects.toMatchObject({
    name: "TargetGroupNotFoundException",
  });
});
