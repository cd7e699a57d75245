import { DescribeAutoScalingGroupsCommand } from "@aws-sdk/client-auto-scaling";
import { CreatePlacementGroupCommand } from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { createScalingWorld, OTHER, SCALING_PLACE } from "../testing/a-world.ts";

const SECOND = 1_000;
const tag = (Key: string, Value: string) => ({ Key, Value, PropagateAtLaunch: true });

describe("CreateAutoScalingGroup", () => {
  it("creates a group as requested, with the defaults of AWS", async () => {
    const { create, find, subnets, targetGroup } = await createScalingWorld();

    await create({ Tags: [tag("ProjectName", "p")], TargetGroupARNs: [targetGroup] });

    expect(await find()).toMatchObject({
      AutoScalingGroupName: "web",
      MinSize: 0,
      MaxSize: 10,
      DesiredCapacity: 2,
      DefaultCooldown: 300,
      HealthCheckType: "EC2",
      HealthCheckGracePeriod: 0,
      TerminationPolicies: ["Default"],
      Instances: [],
      VPCZoneIdentifier: subnets.join(","),
      AvailabilityZones: ["eu-west-1a", "eu-west-1b"],
      TrafficSources: [{ Identifier: targetGroup, Type: "elbv2" }],
      TargetGroupARNs: [targetGroup],
      LoadBalancerNames: [],
      NewInstancesProtectedFromScaleIn: false,
      LaunchTemplate: { LaunchTemplateName: "web", Version: "1" },
      Tags: [{ ...tag("ProjectName", "p"), ResourceId: "web", ResourceType: "auto-scaling-group" }],
    });
    expect((await find())?.Status).toBeUndefined();
  });

  it("gives a name once", async () => {
    const { create } = await createScalingWorld();
    await create();

    await expect(create()).rejects.toMatchObject({
      name: "AlreadyExistsFault",
      message: "AutoScalingGroup by this name already exists - A group with the name web already exists",
    });
  });

  it.each([
    ["a colon in the name", { AutoScalingGroupName: "a:b" }, "printable ASCII"],
    ["a long name", { AutoScalingGroupName: "x".repeat(256) }, "1 to 255"],
    ["sizes that cross", { MinSize: 3, MaxSize: 1 }, "Max bound, 1, must be greater than or equal to min bound, 3"],
    [
      "a capacity outside",
      { DesiredCapacity: 11 },
      "Desired capacity:11 must be between the specified min size:0 and max size:10",
    ],
    ["a negative size", { MinSize: -1 }, "0 or more"],
    ["subnets that are not there", { VPCZoneIdentifier: "subnet-9" }, "The subnet ID 'subnet-9' does not exist"],
    ["no subnets", { VPCZoneIdentifier: "" }, "At least one Availability Zone or VPC Subnet is required."],
    ["no template", { LaunchTemplate: undefined }, "Valid requests must contain either LaunchTemplate"],
    [
      "a template that is not there",
      { LaunchTemplate: { LaunchTemplateName: "no" } },
      "You must use a valid fully-formed launch template. The specified launch template, with template name no, does not exist.",
    ],
    ["a version that is not there", { LaunchTemplate: { LaunchTemplateName: "web", Version: "2" } }, "version 2"],
    [
      "target groups that are not there",
      { TargetGroupARNs: ["arn:no"] },
      "Provided Target Groups may not be valid. Please ensure they exist and try again.",
    ],
    ["load balancers that are not there", { LoadBalancerNames: ["no"] }, "Provided Load Balancers may not be valid."],
    ["another health check", { HealthCheckType: "PING" }, "Invalid HealthCheckType: PING"],
    ["a grace period below 0", { HealthCheckGracePeriod: -1 }, "0 or more"],
    ["another termination policy", { TerminationPolicies: ["Youngest"] }, "Invalid termination policy: Youngest"],
    ["a placement group that is not there", { PlacementGroup: "no" }, "The Placement Group 'no' is unknown."],
    ["a tag of AWS", { Tags: [tag("aws:x", "y")] }, "reserved"],
    [
      "a hook that waits too long",
      {
        LifecycleHookSpecificationList: [
          {
            LifecycleHookName: "h",
            LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
            HeartbeatTimeout: 7_201,
          },
        ],
      },
      "between 30 and 7200",
    ],
  ])("refuses %s", async (_, input, message) => {
    const { create, find } = await createScalingWorld();

    await expect(create(input)).rejects.toMatchObject({
      name: "ValidationError",
      message: expect.stringContaining(message),
    });
    expect(await find()).toBeUndefined();
  });

  it("refuses subnets of two VPCs, and what others own", async () => {
    const { sim, create, subnets } = await createScalingWorld();
    const far = sim.ec2.addSubnet({ ...SCALING_PLACE, vpcId: "vpc-2" });
    const foreign = sim.ec2.addSubnet({ ...SCALING_PLACE, account: OTHER });

    await expect(create({ VPCZoneIdentifier: `${subnets[0]},${far}` })).rejects.toThrow("same VPC");
    await expect(create({ VPCZoneIdentifier: foreign })).rejects.toThrow(`'${foreign}' does not exist`);
  });

  it("knows quotas of groups and tags", async () => {
    const { sim, create } = await createScalingWorld();
    sim.autoScaling.set({ quotas: { groups: 1, configurations: 1 } });

    await expect(
      create({ Tags: Array.from({ length: 51 }, (_, index) => tag(`k${index}`, "v")) }),
    ).rejects.toMatchObject({ name: "LimitExceededFault" });
    await create();
    await expect(create({ AutoScalingGroupName: "two" })).rejects.toMatchObject({ name: "LimitExceededFault" });
  });

  it("launches into a placement group", async () => {
    const { clock, create, sim, ec2Client, find } = await createScalingWorld();
    await ec2Client.send(new CreatePlacementGroupCommand({ GroupName: "near", Strategy: "cluster" }));

    await create({ PlacementGroup: "near" });
    await clock.advance(SECOND);

    const [first] = (await find())?.Instances ?? [];
    expect(sim.ec2.findInstance(first?.InstanceId ?? "")?.launch?.placementGroup).toBe("near");
  });
});

describe("DescribeAutoScalingGroups", () => {
  it("finds by names and tags, in pages", async () => {
    const { sim, client } = await createScalingWorld();
    for (let index = 0; index < 120; index += 1) {
      const tags = { ProjectName: index < 3 ? "p" : "q", ConfigName: index < 2 ? "c" : "d" };
      sim.autoScaling.addGroup({ ...SCALING_PLACE, name: `group-${index}`, desired: 0, tags });
    }
    const list = async (input: object) => client.send(new DescribeAutoScalingGroupsCommand(input));
    const namesOf = async (input: object) =>
      (await list(input)).AutoScalingGroups?.map(({ AutoScalingGroupName }) => AutoScalingGroupName);
    const Filters = [
      { Name: "tag:ProjectName", Values: ["p"] },
      { Name: "tag:ConfigName", Values: ["c"] },
    ];

    expect(await namesOf({ Filters })).toEqual(["group-0", "group-1"]);
    expect(await namesOf({ AutoScalingGroupNames: ["group-7", "no"] })).toEqual(["group-7"]);
    const first = await list({ MaxRecords: 100 });
    const second = await list({ MaxRecords: 100, NextToken: first.NextToken });
    expect([first.AutoScalingGroups?.length, second.AutoScalingGroups?.length]).toEqual([100, 20]);
    expect((await list({})).AutoScalingGroups).toHaveLength(50);
    await expect(list({ MaxRecords: 101 })).rejects.toMatchObject({ name: "ValidationError" });
    await expect(list({ NextToken: "x" })).rejects.toMatchObject({ name: "InvalidNextToken" });
    await expect(list({ Filters: [{ Name: "name", Values: ["x"] }] })).rejects.toThrow("Allowed Filter types");
  });

  it("does not know a group that was made just now, where it is late", async () => {
    const { sim, clock, create, find } = await createScalingWorld();
    sim.autoScaling.set({ describeLagMs: 5 * SECOND });
    await create();

    expect(await find()).toBeUndefined();
    await expect(create()).rejects.toMatchObject({ name: "AlreadyExistsFault" });
    await clock.advance(5 * SECOND);

    expect(await find()).toBeDefined();
  });
});

describe("UpdateAutoScalingGroup", () => {
  it("changes what is named, and moves the capacity into new bounds", async () => {
    const { create, update, find } = await createScalingWorld();
    await create({ HealthCheckGracePeriod: 60 });

    await update({ MinSize: 4 });
    expect(await find()).toMatchObject({ MinSize: 4, DesiredCapacity: 4, HealthCheckGracePeriod: 60 });
    await update({ MinSize: 1, MaxSize: 3, HealthCheckGracePeriod: 10, DefaultCooldown: 5 });

    expect(await find()).toMatchObject({
      MinSize: 1,
      DesiredCapacity: 3,
      HealthCheckGracePeriod: 10,
      DefaultCooldown: 5,
    });
    await expect(update({ DesiredCapacity: 4 })).rejects.toThrow(
      "must be between the specified min size:1 and max size:3",
    );
    await expect(update({ AutoScalingGroupName: "no" })).rejects.toThrow(
      "AutoScalingGroup name not found - AutoScalingGroup 'no' not found",
    );
  });

  it("scales out and in", async () => {
    const { clock, create, update, states, sim } = await createScalingWorld();
    await create({ DesiredCapacity: 1 });
    await clock.advance(60 * SECOND);
    await update({ DesiredCapacity: 3 });
    await clock.advance(60 * SECOND);
    const large = await states();

    sim.autoScaling.setDesired({ ...SCALING_PLACE, name: "web" }, 0);
    await clock.advance(SECOND);
    const leaving = await states();
    await clock.advance(30 * SECOND);

    expect([large, leaving, await states()]).toEqual([
      ["InService", "InService", "InService"],
      ["Terminating", "Terminating", "Terminating"],
      [],
    ]);
    expect(() => sim.autoScaling.setDesired({ ...SCALING_PLACE, name: "web" }, 11)).toThrow(
      "New SetDesiredCapacity value 11 is above max value 10 for the AutoScalingGroup.",
    );
  });
});

describe("DeleteAutoScalingGroup", () => {
  it("deletes by force: the group is there, in deletion, until its instances are gone", async () => {
    const { sim, clock, create, update, remove, find } = await createScalingWorld();
    await create();
    await clock.advance(60 * SECOND);

    await remove(true);
    const during = await find();
    await expect(update({ MaxSize: 5 })).rejects.toThrow("pending delete");
    await expect(create()).rejects.toMatchObject({ name: "AlreadyExistsFault" });
    await remove(true);
    await clock.advance(30 * SECOND);

    expect(during).toMatchObject({
      Status: "Delete in progress",
      DesiredCapacity: 0,
      Instances: [{ LifecycleState: "Terminating" }, { LifecycleState: "Terminating" }],
    });
    expect(await find()).toBeUndefined();
    const ids = (during?.Instances ?? []).map(({ InstanceId = "" }) => sim.ec2.findInstance(InstanceId)?.states.at(-1));
    expect(ids).toMatchObject([{ state: "terminated" }, { state: "terminated" }]);
    await create();
  });

  it("keeps a group that has instances, or still ends some", async () => {
    const { clock, create, update, remove, find } = await createScalingWorld();
    await create();
    await clock.advance(60 * SECOND);

    await expect(remove()).rejects.toMatchObject({ name: "ResourceInUseFault" });
    await update({ DesiredCapacity: 0 });
    await clock.advance(SECOND);
    await expect(remove()).rejects.toMatchObject({ name: "ScalingActivityInProgressFault" });
    await clock.advance(60 * SECOND);
    await remove();

    await expect(find()).resolves.toBeUndefined();
    await expect(remove()).rejects.toMatchObject({ name: "ValidationError" });
  });
});
