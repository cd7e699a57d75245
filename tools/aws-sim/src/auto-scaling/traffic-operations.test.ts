import {
  AttachLoadBalancersCommand,
  AttachLoadBalancerTargetGroupsCommand,
  DescribeLoadBalancersCommand,
  DescribeLoadBalancerTargetGroupsCommand,
  DetachLoadBalancersCommand,
  DetachLoadBalancerTargetGroupsCommand,
} from "@aws-sdk/client-auto-scaling";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { describe, expect, it } from "vitest";
import { createScalingWorld, SCALING_PLACE } from "../testing/a-world.ts";

const SECOND = 1_000;
const GROUP = { AutoScalingGroupName: "web" };

async function createTraffic() {
  const world = await createScalingWorld();
  const { client, sim } = world;
  const fast = sim.loadBalancing.addTargetGroup({ ...SCALING_PLACE, name: "fast", deregistrationDelaySeconds: 20 });
  sim.classicLoadBalancing.addLoadBalancer({ ...SCALING_PLACE, name: "old", drainSeconds: 60 });
  const states = async () =>
    (await client.send(new DescribeLoadBalancerTargetGroupsCommand(GROUP))).LoadBalancerTargetGroups?.map(
      ({ State }) => State,
    );
  const TargetGroupARNs = [fast];
  return {
    ...world,
    fast,
    sourceStates: states,
    classicStates: async () =>
      (await client.send(new DescribeLoadBalancersCommand(GROUP))).LoadBalancers?.map(({ State }) => State),
    attach: () => client.send(new AttachLoadBalancerTargetGroupsCommand({ ...GROUP, TargetGroupARNs })),
    detach: (arns = TargetGroupARNs) =>
      client.send(new DetachLoadBalancerTargetGroupsCommand({ ...GROUP, TargetGroupARNs: arns })),
  };
}

describe("a target group of an Auto Scaling group", () => {
  it("is added, takes instances in, and is in service with the first healthy one", async () => {
    const { clock, create, fast, sourceStates } = await createTraffic();
    await create({ TargetGroupARNs: [fast] });

    const seen = [];
    for (const seconds of [0, 1, 30, 30]) {
      await clock.advance(seconds * SECOND);
      seen.push((await sourceStates())?.[0]);
    }

    expect(seen).toEqual(["Adding", "Added", "Added", "InService"]);
  });

  it("is being removed as long as instances drain, then removed, then forgotten", async () => {
    const { clock, create, fast, detach, sourceStates, find } = await createTraffic();
    await create({ TargetGroupARNs: [fast] });
    await clock.advance(60 * SECOND);

    await detach();
    const left = (await find())?.TargetGroupARNs;
    const seen = [];
    for (const seconds of [0, 19, 1, 60]) {
      await clock.advance(seconds * SECOND);
      seen.push(await sourceStates());
    }

    expect([left, seen]).toEqual([[], [["Removing"], ["Removing"], ["Removed"], []]]);
  });

  it("is removed at once where nothing is registered", async () => {
    const { create, fast, detach, sourceStates } = await createTraffic();
    await create({ TargetGroupARNs: [fast], DesiredCapacity: 0 });

    await detach();
    await detach();

    expect(await sourceStates()).toEqual(["Removed"]);
  });

  it("takes in instances that are in service when it is attached", async () => {
    const { clock, create, fast, attach, sourceStates, clientOf } = await createTraffic();
    await create();
    await clock.advance(60 * SECOND);

    await attach();
    await attach();
    await clock.advance(SECOND);

    const balancer = clientOf(ElasticLoadBalancingV2Client);
    const { TargetHealthDescriptions } = await balancer.send(new DescribeTargetHealthCommand({ TargetGroupArn: fast }));
    expect([await sourceStates(), TargetHealthDescriptions?.length]).toEqual([["InService"], 2]);
  });

  it("is refused when it is not there or was never attached", async () => {
    const { client, create, detach } = await createTraffic();
    await create();

    await expect(detach()).rejects.toThrow("Trying to remove Target Groups that are not part of the group");
    await expect(
      client.send(new AttachLoadBalancerTargetGroupsCommand({ ...GROUP, TargetGroupARNs: ["arn:no"] })),
    ).rejects.toThrow("Provided Target Groups may not be valid.");
    await expect(detach(Array.from({ length: 11 }, String))).rejects.toMatchObject({ name: "ValidationError" });
  });
});

describe("a classic load balancer of an Auto Scaling group", () => {
  it("goes through the same states", async () => {
    const { clock, client, create, classicStates } = await createTraffic();
    const LoadBalancerNames = ["old"];
    await create();
    await clock.advance(60 * SECOND);
    await client.send(new AttachLoadBalancersCommand({ ...GROUP, LoadBalancerNames }));
    await clock.advance(SECOND);
    const attached = await classicStates();

    await client.send(new DetachLoadBalancersCommand({ ...GROUP, LoadBalancerNames }));
    const draining = await classicStates();
    await clock.advance(60 * SECOND);

    expect([attached, draining, await classicStates()]).toEqual([["InService"], ["Removing"], ["Removed"]]);
  });
});
