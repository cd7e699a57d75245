import { SetInstanceHealthCommand, SuspendProcessesCommand } from "@aws-sdk/client-auto-scaling";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { describe, expect, it } from "vitest";
import { createScalingWorld } from "../testing/a-scaling-world.ts";

const SECOND = 1_000;

/** Four instances in two zones, launched one after the other. */
async function createFour(input: object = {}) {
  const world = await createScalingWorld();
  const { sim, clock, create, update, find, client } = world;
  sim.autoScaling.script("web", { bootMs: 0 });
  await create({ DesiredCapacity: 1, ...input });
  for (const DesiredCapacity of [2, 3, 4]) {
    await clock.advance(2 * SECOND);
    await update({ DesiredCapacity });
  }
  await clock.advance(2 * SECOND);
  const instances = async () => (await find())?.Instances ?? [];
  const first = (await instances()).map(({ InstanceId }) => InstanceId);
  return {
    ...world,
    first,
    leaving: async () =>
      (await instances())
        .filter(({ LifecycleState }) => LifecycleState === "Terminating")
        .map(({ InstanceId }) => first.indexOf(InstanceId)),
    zones: async () => (await instances()).map(({ AvailabilityZone }) => AvailabilityZone?.slice(-1)),
    suspend: (...ScalingProcesses: string[]) =>
      client.send(new SuspendProcessesCommand({ AutoScalingGroupName: "web", ScalingProcesses })),
  };
}

describe("a group that shrinks", () => {
  it.each([
    [["Default"], [0, 1]],
    [["OldestInstance"], [0, 1]],
    [["NewestInstance"], [2, 3]],
  ])("ends with %j first what is oldest or newest, evenly over its zones", async (TerminationPolicies, expected) => {
    const { clock, update, leaving, zones } = await createFour({ TerminationPolicies });

    await update({ DesiredCapacity: 2 });
    await clock.advance(SECOND);
    const left = await leaving();
    await clock.advance(30 * SECOND);

    expect([left, (await zones()).toSorted()]).toEqual([expected, ["a", "b"]]);
  });

  it("ends nothing while that is suspended", async () => {
    const { clock, update, leaving, suspend } = await createFour();
    await suspend("Terminate");

    await update({ DesiredCapacity: 0 });
    await clock.advance(60 * SECOND);

    expect(await leaving()).toEqual([]);
  });

  it("grows again at once if the capacity is raised meanwhile", async () => {
    const { clock, update, leaving, zones } = await createFour();
    await update({ DesiredCapacity: 2 });
    await clock.advance(SECOND);

    await update({ DesiredCapacity: 4 });
    await clock.advance(SECOND);

    expect([(await leaving()).length, (await zones()).length]).toEqual([2, 6]);
  });
});

describe("a process that is suspended", () => {
  it("keeps new instances from load balancers", async () => {
    const { clock, update, targetGroup, suspend, clientOf } = await createFour();
    await suspend("AddToLoadBalancer");
    await update({ DesiredCapacity: 5 });
    await clock.advance(60 * SECOND);

    const balancer = clientOf(ElasticLoadBalancingV2Client);
    const health = new DescribeTargetHealthCommand({ TargetGroupArn: targetGroup });

    expect((await balancer.send(health)).TargetHealthDescriptions).toEqual([]);
  });

  it("leaves what is unhealthy where it is", async () => {
    const { client, find, first, suspend } = await createFour();
    await suspend("ReplaceUnhealthy");
    const say = (HealthStatus: string) =>
      client.send(new SetInstanceHealthCommand({ InstanceId: first[0], HealthStatus }));

    await say("Unhealthy");

    expect((await find())?.Instances?.[0]).toMatchObject({ LifecycleState: "InService", HealthStatus: "Unhealthy" });
    await say("Healthy");
    expect((await find())?.Instances?.[0]).toMatchObject({ HealthStatus: "Healthy" });
    await expect(say("Poorly")).rejects.toThrow("Invalid HealthStatus: Poorly");
  });
});
