import { DescribeInstanceHealthCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "../testing/a-world.ts";

const WEB = { account: ACCOUNT, region: "eu-west-1", name: "web" };

function createElb() {
  const world = createWorld();
  world.sim.classicLoadBalancing.addLoadBalancer({ ...WEB, drainSeconds: 60 });
  const elb = world.client(ElasticLoadBalancingClient);
  const read = async (LoadBalancerName = "web") =>
    (await elb.send(new DescribeInstanceHealthCommand({ LoadBalancerName }))).InstanceStates;
  return { ...world, read };
}

describe("DescribeInstanceHealth", () => {
  it.each([
    ["initial", "OutOfService", "ELB", "Instance registration is still in progress."],
    ["healthy", "InService", "N/A", "N/A"],
    ["draining", "InService", "N/A", "Instance deregistration currently in progress."],
    ["unused", "OutOfService", "Instance", "Instance is not currently registered with the LoadBalancer."],
    ["unavailable", "Unknown", "ELB", "A transient error occurred. Please try again later."],
    [
      ...(["unhealthy", "OutOfService", "Instance"] as const),
      "Instance has failed at least the UnhealthyThreshold number of health checks consecutively.",
    ],
  ] as const)("tells what is the matter with an instance that is %s: %s, %s, %s", async (...row) => {
    const [state, State, ReasonCode, Description] = row;
    const { sim, read } = createElb();
    sim.classicLoadBalancing.setInstance(WEB, { id: "i-1", state });

    expect(await read()).toEqual([{ InstanceId: "i-1", State, ReasonCode, Description }]);
  });

  it("keeps an instance in service while its connections drain", async () => {
    const { sim, clock, read } = createElb();
    const source = { account: ACCOUNT, region: "eu-west-1", kind: "classic", id: "web" } as const;
    sim.traffic.register(source, "i-1", { healthyAt: clock.now() });
    sim.traffic.deregister(source, "i-1", clock.now());

    await clock.advance(59_999);
    const draining = await read();
    await clock.advance(1);

    expect(draining).toMatchObject([{ InstanceId: "i-1", State: "InService" }]);
    expect(await read()).toEqual([]);
  });

  it("knows only load balancers of the caller", async () => {
    const { sim, read } = createElb();
    sim.classicLoadBalancing.addLoadBalancer({ ...WEB, account: OTHER, name: "other" });

    await expect(read("other")).rejects.toMatchObject({ name: "AccessPointNotFoundException" });
  });
});
