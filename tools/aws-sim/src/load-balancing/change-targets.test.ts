import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld } from "../testing/a-world.ts";

function createGroup() {
  const { sim, client } = createWorld();
  const TargetGroupArn = sim.loadBalancing.addTargetGroup({ account: ACCOUNT, region: "eu-west-1", name: "web" });
  const elb = client(ElasticLoadBalancingV2Client);
  const read = async (ids?: readonly string[]) => {
    const Targets = ids?.map((Id) => ({ Id }));
    const command = new DescribeTargetHealthCommand({ TargetGroupArn, ...(Targets && { Targets }) });
    return (await elb.send(command)).TargetHealthDescriptions;
  };
  return { sim, TargetGroupArn, read };
}

describe("DescribeTargetHealth", () => {
  it.each([
    ["initial", "Elb.InitialHealthChecking"],
    ["healthy", undefined],
    ["unhealthy", "Target.FailedHealthChecks"],
    ["unused", "Target.NotRegistered"],
    ["draining", "Target.DeregistrationInProgress"],
    ["unavailable", "Elb.InternalError"],
  ] as const)("gives a reason with the state %s: %s", async (state, Reason) => {
    const { sim, TargetGroupArn, read } = createGroup();
    sim.loadBalancing.setTarget(TargetGroupArn, { id: "i-1", port: 80, state });

    expect(await read()).toMatchObject([
      {
        Target: { Id: "i-1", Port: 80 },
        HealthCheckPort: "80",
        TargetHealth: { State: state, ...(Reason && { Reason }) },
      },
    ]);
  });

  it("reports each port of an instance, and unknown targets last", async () => {
    const { sim, TargetGroupArn, read } = createGroup();
    for (const port of [80, 81]) sim.loadBalancing.setTarget(TargetGroupArn, { id: "i-1", port, state: "healthy" });
    sim.loadBalancing.setTarget(TargetGroupArn, { id: "i-2", port: 80, state: "healthy" });

    const found = (await read(["i-9", "i-1"]))?.map(({ Target, TargetHealth }) => [
      ...[Target?.Id, Target?.Port, TargetHealth?.State],
    ]);

    expect(found).toEqual([
      ["i-1", 80, "healthy"],
      ["i-1", 81, "healthy"],
      ["i-9", undefined, "unused"],
    ]);
  });
});
