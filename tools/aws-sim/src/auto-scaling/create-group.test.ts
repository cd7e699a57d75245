import { DescribePoliciesCommand } from "@aws-sdk/client-auto-scaling";
import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { describe, expect, it } from "vitest";
import { createScalingWorld, SCALING_PLACE } from "../testing/a-world.ts";

const OLD = { ...SCALING_PLACE, name: "old" };

describe("a group that has been there for a while", () => {
  it("has instances in service, registered and healthy, with its tags", async () => {
    const { sim, targetGroup, clientOf, ec2Client } = await createScalingWorld();
    sim.autoScaling.addGroup({ ...OLD, desired: 2, targetGroups: [targetGroup], tags: { ReleaseID: "r-1" } });

    const balancer = clientOf(ElasticLoadBalancingV2Client);
    const { TargetHealthDescriptions = [] } = await balancer.send(
      new DescribeTargetHealthCommand({ TargetGroupArn: targetGroup }),
    );
    const Filters = [{ Name: "tag:ReleaseID", Values: ["r-1"] }];
    const { Reservations } = await ec2Client.send(new DescribeInstancesCommand({ Filters }));

    expect(sim.autoScaling.findGroup(OLD)).toMatchObject({
      min: 0,
      max: 2,
      desired: 2,
      tags: { ReleaseID: "r-1" },
      isDeleting: false,
      instances: Array.from({ length: 2 }, () => ({ lifecycleState: "InService", healthStatus: "Healthy" })),
    });
    expect(TargetHealthDescriptions.map(({ TargetHealth }) => TargetHealth?.State)).toEqual(["healthy", "healthy"]);
    expect(Reservations).toHaveLength(2);
  });

  it("has policies and alarms, and a launch configuration", async () => {
    const { sim, client, find } = await createScalingWorld();
    sim.autoScaling.addGroup({ ...OLD, policies: [{ name: "up", alarms: ["old-up"] }] });

    const { ScalingPolicies } = await client.send(new DescribePoliciesCommand({ AutoScalingGroupName: "old" }));

    expect(ScalingPolicies).toMatchObject([{ PolicyName: "up", Alarms: [{ AlarmName: "old-up" }] }]);
    expect(await find("old")).toMatchObject({ LaunchConfigurationName: "old" });
  });

  it("is scaled by another caller, and continues to launch", async () => {
    const { sim, clock } = await createScalingWorld();
    sim.autoScaling.addGroup({ ...OLD, desired: 1, max: 4 });

    sim.autoScaling.setDesired(OLD, 3);
    await clock.advance(60_000);

    expect(sim.autoScaling.findGroup(OLD)?.instances).toHaveLength(3);
    expect(() => sim.autoScaling.setDesired(OLD, 5)).toThrow("above max value 4");
    expect(() => sim.autoScaling.setDesired({ ...OLD, name: "no" }, 1)).toThrow("has no group no");
  });
});
