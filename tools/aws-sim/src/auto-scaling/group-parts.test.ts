import {
  CreateOrUpdateTagsCommand,
  DeleteLaunchConfigurationCommand,
  DeleteTagsCommand,
  DescribeAccountLimitsCommand,
  DescribeLaunchConfigurationsCommand,
  EnableMetricsCollectionCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import { describe, expect, it } from "vitest";
import { createScalingWorld, SCALING_PLACE } from "../testing/a-world.ts";

const SECOND = 1_000;
const GROUP = { AutoScalingGroupName: "web" };

async function createServing(script: object = { bootMs: 0 }) {
  const world = await createScalingWorld();
  world.sim.autoScaling.script("web", script);
  await world.create();
  await world.clock.advance(SECOND);
  const ids = ((await world.find())?.Instances ?? []).map(({ InstanceId = "" }) => InstanceId);
  return { ...world, ids, id: ids[0] ?? "" };
}

describe("tags of a group", () => {
  const tag = (Key: string, Value?: string) => ({ ResourceId: "web", ResourceType: "auto-scaling-group", Key, Value });

  it("are added, changed and deleted", async () => {
    const { client, create, find } = await createScalingWorld();
    await create({ Tags: [tag("a", "1"), tag("b", "1")] });

    const Tags = [{ ...tag("b", "2"), PropagateAtLaunch: false }, tag("c", "3")];
    await client.send(new CreateOrUpdateTagsCommand({ Tags }));
    await client.send(new DeleteTagsCommand({ Tags: [tag("a"), tag("x")] }));

    expect((await find())?.Tags).toMatchObject([
      { Key: "b", Value: "2", PropagateAtLaunch: false },
      { Key: "c", Value: "3", PropagateAtLaunch: true },
    ]);
  });

  it("are at most fifty, and of a group that is there", async () => {
    const { client, create } = await createScalingWorld();
    await create({ Tags: Array.from({ length: 50 }, (_, index) => tag(`k${index}`, "v")) });
    const put = (Tags: ReturnType<typeof tag>[]) => client.send(new CreateOrUpdateTagsCommand({ Tags }));

    await expect(put([tag("one-more", "v")])).rejects.toMatchObject({ name: "LimitExceededFault" });
    await expect(put([{ ...tag("a", "v"), ResourceId: "no" }])).rejects.toMatchObject({ name: "ValidationError" });
    await expect(put([tag("k".repeat(129), "v")])).rejects.toMatchObject({ name: "ValidationError" });
  });
});

describe("instances of a group", () => {
  it("are replaced when a caller terminates one, unless the group shrinks with it", async () => {
    const { clock, client, ids, find, states } = await createServing();
    const end = (InstanceId: string | undefined, ShouldDecrementDesiredCapacity: boolean) =>
      client.send(new TerminateInstanceInAutoScalingGroupCommand({ InstanceId, ShouldDecrementDesiredCapacity }));

    const { Activity } = await end(ids[0], false);
    await clock.advance(2 * SECOND);
    const replaced = await states();
    await end(ids[1], true);

    expect(Activity).toMatchObject({ StatusCode: "InProgress", Description: `Terminating EC2 instance: ${ids[0]}` });
    expect(replaced).toEqual(["Terminating", "InService", "InService"]);
    expect((await find())?.DesiredCapacity).toBe(1);
    await expect(end("i-9", false)).rejects.toThrow("No managed instance found for instance ID: i-9");
  });

  it("do not fall below the minimum", async () => {
    const { client, update, id: InstanceId } = await createServing();
    await update({ MinSize: 2 });

    const end = new TerminateInstanceInAutoScalingGroupCommand({ InstanceId, ShouldDecrementDesiredCapacity: true });

    await expect(client.send(end)).rejects.toThrow("violate group's min size constraint");
  });
});

describe("metrics of a group", () => {
  it("are collected every minute", async () => {
    const { client, find } = await createServing();
    await client.send(new EnableMetricsCollectionCommand({ ...GROUP, Granularity: "1Minute" }));

    expect((await find())?.EnabledMetrics).toHaveLength(20);
    await expect(
      client.send(new EnableMetricsCollectionCommand({ ...GROUP, Granularity: "5Minute" })),
    ).rejects.toMatchObject({ name: "ValidationError" });
  });
});

describe("launch configurations", () => {
  const remove = (LaunchConfigurationName: string) => new DeleteLaunchConfigurationCommand({ LaunchConfigurationName });

  it("are there in old accounts, are listed, and go when no group has them", async () => {
    const { client, sim, clock, remove: removeGroup } = await createScalingWorld();
    sim.autoScaling.addLaunchConfiguration({ ...SCALING_PLACE, name: "spare" });
    sim.autoScaling.addGroup({ ...SCALING_PLACE, name: "web", launchConfiguration: "used" });
    const list = async () =>
      (await client.send(new DescribeLaunchConfigurationsCommand({}))).LaunchConfigurations?.map(
        ({ LaunchConfigurationName }) => LaunchConfigurationName,
      );

    await expect(client.send(remove("used"))).rejects.toMatchObject({ name: "ResourceInUseFault" });
    await client.send(remove("spare"));
    const left = await list();
    await removeGroup(true);
    await client.send(remove("used"));
    await clock.advance(SECOND);

    expect([left, await list()]).toEqual([["used"], []]);
    await expect(client.send(remove("used"))).rejects.toThrow("Launch configuration name not found");
  });

  it("count among the limits of the account", async () => {
    const { client, sim } = await createScalingWorld();
    sim.autoScaling.addLaunchConfiguration({ ...SCALING_PLACE, name: "old" });

    expect(await client.send(new DescribeAccountLimitsCommand({}))).toMatchObject({
      MaxNumberOfAutoScalingGroups: 500,
      NumberOfAutoScalingGroups: 0,
      MaxNumberOfLaunchConfigurations: 200,
      NumberOfLaunchConfigurations: 1,
    });
  });
});
