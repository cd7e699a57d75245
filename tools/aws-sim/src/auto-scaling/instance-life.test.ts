import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { describe, expect, it } from "vitest";
import { createScalingWorld } from "../testing/a-world.ts";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

async function createBalanced(input: object = {}) {
  const world = await createScalingWorld();
  const { targetGroup, client, clientOf } = world;
  const balancer = clientOf(ElasticLoadBalancingV2Client);
  const health = async () => {
    const { TargetHealthDescriptions = [] } = await balancer.send(
      new DescribeTargetHealthCommand({ TargetGroupArn: targetGroup }),
    );
    return TargetHealthDescriptions.map(({ TargetHealth }) => TargetHealth?.State);
  };
  const create = () => world.create({ TargetGroupARNs: [targetGroup], HealthCheckType: "ELB", ...input });
  return { ...world, client, create, health };
}

describe("an instance of a group", () => {
  it("is launched a little later, boots, and comes into service", async () => {
    const { clock, create, states } = await createScalingWorld();
    await create();

    const seen = [await states()];
    for (const seconds of [1, 29, 1]) {
      await clock.advance(seconds * SECOND);
      seen.push(await states());
    }

    expect(seen).toEqual([[], ["Pending", "Pending"], ["Pending", "Pending"], ["InService", "InService"]]);
  });

  it("is seen in EC2, with the tags that its group propagates", async () => {
    const { sim, clock, create, ec2Client, imageId, subnets, groupId } = await createScalingWorld();
    const Tags = [
      { Key: "ProjectName", Value: "p", PropagateAtLaunch: true },
      { Key: "internal", Value: "x", PropagateAtLaunch: false },
    ];
    await create({ Tags, DesiredCapacity: 1 });
    await clock.advance(40 * SECOND);

    const { Reservations = [] } = await ec2Client.send(new DescribeInstancesCommand({}));

    const [instance] = Reservations.flatMap(({ Instances = [] }) => Instances);
    expect(instance).toMatchObject({
      InstanceType: "t3.small",
      State: { Name: "running" },
    });
    expect(sim.ec2.findInstance(instance?.InstanceId ?? "")?.launch).toMatchObject({
      imageId,
      subnetId: subnets[0],
      securityGroupIds: [groupId],
    });
    expect(instance?.Tags?.map(({ Key }) => Key)).toEqual([
      "ProjectName",
      "aws:autoscaling:groupName",
      "aws:ec2launchtemplate:id",
      "aws:ec2launchtemplate:version",
    ]);
  });

  it("is spread over the subnets and comes in batches", async () => {
    const { sim, clock, create, find } = await createScalingWorld();
    sim.autoScaling.set({ batchSize: 4, batchEveryMs: 10 * SECOND });
    await create({ DesiredCapacity: 6 });

    await clock.advance(SECOND);
    const first = (await find())?.Instances ?? [];
    await clock.advance(10 * SECOND);

    const zones = (await find())?.Instances?.map(({ AvailabilityZone }) => AvailabilityZone?.slice(-1));
    expect([first.length, zones?.toSorted()]).toEqual([4, ["a", "a", "a", "b", "b", "b"]]);
  });

  it("is registered with its load balancers and becomes healthy there", async () => {
    const { sim, clock, create, health } = await createBalanced();
    sim.autoScaling.script("web", { bootMs: 10 * SECOND, healthyAfterMs: 60 * SECOND });
    await create();

    await clock.advance(11 * SECOND);
    const early = await health();
    await clock.advance(50 * SECOND);

    expect([early, await health()]).toEqual([
      ["initial", "initial"],
      ["healthy", "healthy"],
    ]);
  });

  it("takes the script of its launch: one each, the last for all others", async () => {
    const { sim, clock, create, states } = await createScalingWorld();
    sim.autoScaling.script("other", { bootMs: HOUR });
    sim.autoScaling.script({ tags: { ServiceName: "web" } }, { bootMs: HOUR }, { bootMs: SECOND });
    await create({ Tags: [{ Key: "ServiceName", Value: "web" }], DesiredCapacity: 3 });

    await clock.advance(2 * SECOND);

    expect(await states()).toEqual(["Pending", "InService", "InService"]);
  });

  it("is replaced when its status checks fail, again and again", async () => {
    const { sim, clock, create, find, activities } = await createScalingWorld();
    sim.autoScaling.script("web", { bootMs: 10 * SECOND, diesAfterMs: 40 * SECOND });
    await create({ DesiredCapacity: 1 });

    await clock.advance(41 * SECOND);
    const dying = (await find())?.Instances;
    await clock.advance(10 * 60 * SECOND);

    expect(dying).toMatchObject([{ LifecycleState: "Terminating", HealthStatus: "Unhealthy" }]);
    const launches = (await activities()).filter(({ Description }) => Description?.startsWith("Launching"));
    expect(launches).toHaveLength(16);
    expect((await activities()).find(({ Description }) => Description?.startsWith("Terminating"))?.Cause).toMatch(
      /^At \S+Z an instance was taken out of service in response to an EC2 instance status checks failure\.$/,
    );
  });

  it("is replaced when a load balancer finds it unhealthy after the grace period, where the group looks there", async () => {
    const { sim, clock, create, states, activities } = await createBalanced({ HealthCheckGracePeriod: 300 });
    sim.autoScaling.script("web", { bootMs: 0, neverHealthy: true }, { bootMs: 0, healthyAfterMs: SECOND });
    await create();

    await clock.advance(300 * SECOND);
    const inGrace = await states();
    await clock.advance(2 * SECOND);

    expect(inGrace).toEqual(["InService", "InService"]);
    expect((await states())?.toSorted()).toEqual(["InService", "InService", "Terminating"]);
    expect((await activities())[0]?.Cause).toContain("in response to an ELB system health check failure");
  });

  it("stays, whatever its health at load balancers, if the group only uses EC2 health checks", async () => {
    const { sim, clock, create, states, health } = await createBalanced({ HealthCheckType: "EC2" });
    sim.autoScaling.script("web", { bootMs: 0, healthyAfterMs: 0, failsAfterMs: 60 * SECOND });
    await create();

    await clock.advance(HOUR);

    expect([await states(), await health()]).toEqual([
      ["InService", "InService"],
      ["unhealthy", "unhealthy"],
    ]);
  });

  it("drains before it goes, and is gone then", async () => {
    const { clock, create, update, states, health, activities } = await createBalanced();
    await create();
    await clock.advance(60 * SECOND);

    await update({ DesiredCapacity: 1 });
    await clock.advance(10 * SECOND);
    const draining = [await states(), await health(), (await activities())[0]?.StatusCode];
    await clock.advance(330 * SECOND);

    expect(draining).toEqual([
      ["Terminating", "InService"],
      ["draining", "healthy"],
      "WaitingForELBConnectionDraining",
    ]);
    expect([await states(), await health(), (await activities())[0]?.StatusCode]).toEqual([
      ["InService"],
      ["healthy"],
      "Successful",
    ]);
  });
});

describe("a launch that fails", () => {
  it.each([
    [
      "SpotCapacity",
      /^Could not launch Spot Instances\. InsufficientInstanceCapacity - .* Launching EC2 instance failed\.$/,
    ],
    [
      "InsufficientInstanceCapacity",
      /sufficient t3\.small capacity in the Availability Zone you requested \(eu-west-1a\)/,
    ],
    ["The sky is falling.", /^The sky is falling\.$/],
  ])("reports %s", async (launchError, message) => {
    const { sim, clock, create, states, activities } = await createScalingWorld();
    sim.autoScaling.script("web", { launchError });
    await create();

    await clock.advance(SECOND);

    const [failed] = await activities();
    expect(await states()).toEqual([]);
    expect(failed).toMatchObject({
      StatusCode: "Failed",
      Progress: 100,
      StatusMessage: expect.stringMatching(message),
    });
    expect(failed?.Description).toBe(`Launching a new EC2 instance.  Status Reason: ${failed?.StatusMessage}`);
    expect(failed?.Cause).toMatch(
      /^At \S+Z a user request created an AutoScalingGroup changing the desired capacity from 0 to 2\. {2}At \S+Z an instance was started in response to a difference between desired and actual capacity, increasing the capacity from 0 to 2\.$/,
    );
  });

  it("is tried again, later each time, until it works", async () => {
    const { sim, clock, create, states, activities } = await createScalingWorld();
    const failure = { launchError: "SpotCapacity" };
    sim.autoScaling.script("web", failure, failure, failure, { bootMs: 0 });
    await create();

    await clock.advance((1 + 60 + 120 + 239) * SECOND);
    const tries = (await activities()).length;
    await clock.advance(SECOND);

    expect([tries, await states()]).toEqual([3, ["InService", "InService"]]);
  });

  it("reports that the image was deleted meanwhile", async () => {
    const { sim, clock, create, activities, imageId } = await createScalingWorld();
    await create();
    sim.ec2.state.images.delete(imageId);

    await clock.advance(SECOND);

    expect((await activities())[0]?.StatusMessage).toBe(
      `The image id '[${imageId}]' does not exist. Launching EC2 instance failed.`,
    );
  });
});
