import { DescribeScalingActivitiesCommand } from "@aws-sdk/client-auto-scaling";
import { describe, expect, it } from "vitest";
import { createScalingWorld, SCALING_PLACE } from "../testing/a-world.ts";

const SECOND = 1_000;

async function createActivities() {
  const world = await createScalingWorld();
  const list = (input: object = {}) =>
    world.client.send(new DescribeScalingActivitiesCommand({ AutoScalingGroupName: "web", ...input }));
  return { ...world, list };
}

describe("DescribeScalingActivities", () => {
  it("describes each launch in the words of AWS", async () => {
    const { clock, create, list, find, subnets } = await createActivities();
    await create({ DesiredCapacity: 1 });
    await clock.advance(40 * SECOND);

    const [instance] = (await find())?.Instances ?? [];
    const [activity] = (await list()).Activities ?? [];

    const start = "1970-01-01T00:00:01Z".length;
    expect(activity).toMatchObject({
      AutoScalingGroupName: "web",
      StatusCode: "Successful",
      Progress: 100,
      Description: `Launching a new EC2 instance: ${instance?.InstanceId}`,
      Details: JSON.stringify({ "Subnet ID": subnets[0], "Availability Zone": "eu-west-1a" }),
    });
    expect((activity?.EndTime?.getTime() ?? 0) - (activity?.StartTime?.getTime() ?? 0)).toBe(30 * SECOND);
    expect(activity?.Cause?.match(/At (\S+)/)?.[1]).toHaveLength(start);
  });

  it("puts those in progress first, then the newest", async () => {
    const { sim, clock, create, update, list } = await createActivities();
    sim.autoScaling.script("web", { bootMs: 0 }, { bootMs: 0 }, { launchError: "no" }, { bootMs: 600 * SECOND });
    await create();
    await clock.advance(10 * SECOND);
    await update({ DesiredCapacity: 3 });
    await clock.advance(120 * SECOND);

    const statuses = (await list()).Activities?.map(({ StatusCode }) => StatusCode);

    expect(statuses).toEqual(["InProgress", "Failed", "Successful", "Successful"]);
  });

  it("describes why the group grew and shrank", async () => {
    const { clock, create, update, list } = await createActivities();
    await create({ DesiredCapacity: 1 });
    await clock.advance(60 * SECOND);
    await update({ MaxSize: 5, DesiredCapacity: 3 });
    await clock.advance(60 * SECOND);
    await update({ DesiredCapacity: 2 });
    await clock.advance(60 * SECOND);

    const causes = (await list()).Activities?.map(({ Cause = "" }) => Cause.replaceAll(/\d{4}-\S+Z/g, "T"));

    const grew =
      "At T a user request update of AutoScalingGroup constraints to min: 0, max: 5, desired: 3 changing the desired capacity from 1 to 3.  At T an instance was started in response to a difference between desired and actual capacity, increasing the capacity from 1 to 3.";
    expect(causes?.slice(1, 3)).toEqual([grew, grew]);
    expect(causes?.[0]).toMatch(
      /changing the desired capacity from 3 to 2\. {2}At T an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from 3 to 2\. {2}At T instance i-\w+ was selected for termination\.$/,
    );
  });

  it("answers in pages and by ids", async () => {
    const { clock, create, list } = await createActivities();
    await create({ DesiredCapacity: 5 });
    await clock.advance(60 * SECOND);

    const first = await list({ MaxRecords: 3 });
    const second = await list({ MaxRecords: 3, NextToken: first.NextToken });

    expect([first.Activities?.length, second.Activities?.length, second.NextToken]).toEqual([3, 2, undefined]);
    const ActivityIds = [first.Activities?.[0]?.ActivityId ?? "", "unknown"];
    expect((await list({ ActivityIds })).Activities).toHaveLength(1);
    await expect(list({ MaxRecords: 101 })).rejects.toMatchObject({ name: "ValidationError" });
  });

  it("returns deleted groups only on request, and nothing after six weeks", async () => {
    const { sim, clock, list, remove } = await createActivities();
    sim.autoScaling.addGroup({ ...SCALING_PLACE, name: "web" });
    await remove(true);
    await clock.advance(60 * SECOND);

    await expect(list()).rejects.toMatchObject({ name: "ValidationError" });
    expect((await list({ IncludeDeletedGroups: true })).Activities).toMatchObject([
      { AutoScalingGroupState: "Deleted", Description: expect.stringContaining("Terminating") },
      { AutoScalingGroupState: "Deleted", Description: expect.stringContaining("Launching") },
    ]);
    await clock.advance(43 * 86_400 * SECOND);
    expect((await list({ IncludeDeletedGroups: true })).Activities).toEqual([]);
  });
});

describe("a launch into a wrong place", () => {
  it("reports that the security group belongs to another VPC", async () => {
    const { sim, clock, create, list } = await createActivities();
    const far = sim.ec2.addSubnet({ ...SCALING_PLACE, vpcId: "vpc-2" });
    await create({ VPCZoneIdentifier: far });

    await clock.advance(SECOND);

    expect((await list()).Activities?.[0]?.StatusMessage).toMatch(
      /^The security group '\S+' does not exist in VPC 'vpc-2'\. Launching EC2 instance failed\.$/,
    );
  });
});
