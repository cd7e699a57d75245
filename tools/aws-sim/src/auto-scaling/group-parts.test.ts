import {
  CreateLaunchConfigurationCommand,
  CreateOrUpdateTagsCommand,
  DeleteLaunchConfigurationCommand,
  DeleteTagsCommand,
  DescribeAccountLimitsCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeLaunchConfigurationsCommand,
  DescribeTagsCommand,
  DisableMetricsCollectionCommand,
  EnableMetricsCollectionCommand,
  ResumeProcessesCommand,
  SetInstanceHealthCommand,
  SetInstanceProtectionCommand,
  SuspendProcessesCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import { describe, expect, it } from "vitest";
import { createScalingWorld, SCALING_PLACE } from "../testing/a-scaling-world.ts";

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
    const Filters = [{ Name: "key", Values: ["c"] }];
    expect((await client.send(new DescribeTagsCommand({ Filters }))).Tags).toMatchObject([{ Key: "c" }]);
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

  it("are unhealthy when a caller sets them so, after the grace period or without it", async () => {
    const { client, update, states, id: InstanceId } = await createServing();
    await update({ HealthCheckGracePeriod: 60 });
    const say = (ShouldRespectGracePeriod: boolean) =>
      client.send(new SetInstanceHealthCommand({ InstanceId, HealthStatus: "Unhealthy", ShouldRespectGracePeriod }));

    await say(true);
    const before = await states();
    await say(false);

    expect([before, await states()]).toEqual([
      ["InService", "InService"],
      ["Terminating", "InService"],
    ]);
  });

  it("stay when they are protected and the group shrinks", async () => {
    const { clock, client, update, states, find, id } = await createServing();
    const protect = { ...GROUP, InstanceIds: [id], ProtectedFromScaleIn: true };
    await client.send(new SetInstanceProtectionCommand(protect));

    await update({ DesiredCapacity: 0 });
    await clock.advance(60 * SECOND);

    expect([await states(), (await find())?.Instances?.[0]?.InstanceId]).toEqual([["InService"], id]);
  });

  it("are described over all groups", async () => {
    const { client, id } = await createServing();

    const answer = await client.send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [id] }));

    expect(answer.AutoScalingInstances).toMatchObject([
      { InstanceId: id, AutoScalingGroupName: "web", LifecycleState: "InService", HealthStatus: "HEALTHY" },
    ]);
  });
});

describe("processes of a group", () => {
  const suspend = (...ScalingProcesses: string[]) => new SuspendProcessesCommand({ ...GROUP, ScalingProcesses });
  const resume = () => new ResumeProcessesCommand(GROUP);

  it("launch nothing while that is suspended", async () => {
    const { clock, client, create, states, find } = await createScalingWorld();
    await create();
    await client.send(suspend("Launch"));
    await clock.advance(60 * SECOND);
    const before = await states();

    await client.send(resume());
    await clock.advance(SECOND);

    expect([before, await states()]).toEqual([[], ["Pending", "Pending"]]);
    expect((await find())?.SuspendedProcesses).toEqual([]);
  });

  it("leave an instance that fails while checks are suspended, and replace it then", async () => {
    const { clock, client, states } = await createServing({ bootMs: 0, diesAfterMs: 30 * SECOND });
    await client.send(suspend("HealthCheck"));
    await clock.advance(60 * SECOND);
    const before = await states();

    await client.send(resume());

    expect([before, await states()]).toEqual([
      ["InService", "InService"],
      ["Terminating", "Terminating"],
    ]);
  });

  it("replace then also what died while it booted", async () => {
    const { clock, client, states } = await createServing({ bootMs: 60 * SECOND, diesAfterMs: 30 * SECOND });
    await client.send(suspend("HealthCheck"));
    await clock.advance(120 * SECOND);
    const before = await states();

    await client.send(resume());

    expect([before, await states()]).toEqual([
      ["Pending", "Pending"],
      ["Terminating", "Terminating"],
    ]);
  });

  it("are those of AWS", async () => {
    const { client } = await createServing();

    await expect(client.send(suspend("Sleep"))).rejects.toThrow("Sleep is not a valid value");
  });
});

describe("metrics of a group", () => {
  it("are collected every minute: all, or some", async () => {
    const { client, find } = await createServing();
    const Metrics = ["GroupMinSize"];

    await client.send(new EnableMetricsCollectionCommand({ ...GROUP, Granularity: "1Minute" }));
    const all = (await find())?.EnabledMetrics?.length;
    await client.send(new DisableMetricsCollectionCommand(GROUP));
    await client.send(new EnableMetricsCollectionCommand({ ...GROUP, Metrics, Granularity: "1Minute" }));

    expect(all).toBe(20);
    expect((await find())?.EnabledMetrics).toEqual([{ Metric: "GroupMinSize", Granularity: "1Minute" }]);
    await expect(
      client.send(new EnableMetricsCollectionCommand({ ...GROUP, Granularity: "5Minute" })),
    ).rejects.toMatchObject({ name: "ValidationError" });
  });
});

describe("launch configurations", () => {
  const make = (LaunchConfigurationName: string) => new CreateLaunchConfigurationCommand({ LaunchConfigurationName });
  const remove = (LaunchConfigurationName: string) => new DeleteLaunchConfigurationCommand({ LaunchConfigurationName });

  it("cannot be made in accounts of today", async () => {
    const { client } = await createScalingWorld();

    await expect(client.send(make("old"))).rejects.toMatchObject({ name: "UnsupportedOperation" });
  });

  it("are there in old accounts, are listed, and go when no group has them", async () => {
    const { client, sim, clock, remove: removeGroup } = await createScalingWorld();
    sim.autoScaling.set({ launchConfigurations: "allowed" });
    await client.send(make("spare"));
    sim.autoScaling.addGroup({ ...SCALING_PLACE, name: "web", launchConfiguration: "used" });
    const list = async () =>
      (await client.send(new DescribeLaunchConfigurationsCommand({}))).LaunchConfigurations?.map(
        ({ LaunchConfigurationName }) => LaunchConfigurationName,
      );

    await expect(client.send(make("spare"))).rejects.toMatchObject({ name: "AlreadyExistsFault" });
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
