import {
  DescribeInstanceHealthCommand,
  DescribeLoadBalancersCommand,
  type DescribeLoadBalancersCommandInput,
  DescribeTagsCommand,
  ElasticLoadBalancingClient,
} from "@aws-sdk/client-elastic-load-balancing";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "./testing/a-world.ts";

const PLACE = { account: ACCOUNT, region: "eu-west-1" };
const WEB = { ...PLACE, name: "web" };
const NOT_FOUND = { name: "AccessPointNotFoundException", message: "There is no ACTIVE Load Balancer named 'none'" };

function createElb(names: readonly string[] = ["web"]) {
  const world = createWorld();
  for (const name of names) world.sim.classicLoadBalancing.addLoadBalancer({ ...PLACE, name, tags: { Name: name } });
  const elb = world.client(ElasticLoadBalancingClient);
  const list = async (input: DescribeLoadBalancersCommandInput = {}) => {
    const { LoadBalancerDescriptions = [], NextMarker } = await elb.send(new DescribeLoadBalancersCommand(input));
    return { names: LoadBalancerDescriptions.map(({ LoadBalancerName }) => LoadBalancerName), NextMarker };
  };
  const health = async (ids?: readonly string[]) => {
    const Instances = ids?.map((InstanceId) => ({ InstanceId }));
    const command = new DescribeInstanceHealthCommand({ LoadBalancerName: "web", ...(Instances && { Instances }) });
    return (await elb.send(command)).InstanceStates;
  };
  return { ...world, elb, list, health };
}

describe("classic load balancers", () => {
  it("are found by name, and one that is missing fails all", async () => {
    const { list } = createElb(["web", "api"]);

    expect(await list({ LoadBalancerNames: ["api"] })).toEqual({ names: ["api"], NextMarker: undefined });
    await expect(list({ LoadBalancerNames: ["api", "none"] })).rejects.toMatchObject(NOT_FOUND);
  });

  it("come in pages, of the caller's account and region", async () => {
    const { list, sim } = createElb(["a", "b", "c"]);
    sim.classicLoadBalancing.addLoadBalancer({ ...WEB, account: OTHER });
    sim.classicLoadBalancing.addLoadBalancer({ ...WEB, region: "us-east-1" });

    const first = await list({ PageSize: 2 });
    const last = await list({ PageSize: 2, ...(first.NextMarker && { Marker: first.NextMarker }) });

    expect([first.names, last]).toEqual([["a", "b"], { names: ["c"], NextMarker: undefined }]);
  });

  it("return their tags, up to 20 at a time", async () => {
    const { elb } = createElb();
    const read = (LoadBalancerNames: string[]) => elb.send(new DescribeTagsCommand({ LoadBalancerNames }));

    expect((await read(["web"])).TagDescriptions).toEqual([
      { LoadBalancerName: "web", Tags: [{ Key: "Name", Value: "web" }] },
    ]);
    await expect(read(["none"])).rejects.toMatchObject(NOT_FOUND);
    await expect(read(Array.from({ length: 21 }, () => "web"))).rejects.toMatchObject({ name: "ValidationError" });
  });
});

describe("the health of instances", () => {
  it("follows what was set", async () => {
    const { sim, clock, health } = createElb();
    sim.classicLoadBalancing.setInstance(WEB, { id: "i-1", state: "initial" });
    sim.classicLoadBalancing.setInstance(WEB, { id: "i-1", state: "healthy", at: clock.now() + 1_000 });

    expect(await health()).toMatchObject([{ InstanceId: "i-1", State: "OutOfService", ReasonCode: "ELB" }]);
    await clock.advance(1_000);

    expect(await health(["i-1"])).toEqual([
      { InstanceId: "i-1", State: "InService", ReasonCode: "N/A", Description: "N/A" },
    ]);
  });

  it("is refused for an instance that never was registered", async () => {
    const { sim, health } = createElb();
    sim.classicLoadBalancing.setInstance(WEB, { id: "i-1", state: "healthy" });

    await expect(health(["i-1", "i-2"])).rejects.toMatchObject({
      name: "InvalidEndPointException",
      message: "Could not find EC2 instance i-2.",
    });
  });
});

const WEB_HEALTH = { account: ACCOUNT, region: "eu-west-1", name: "web" };

function createElbWithHealth() {
  const world = createWorld();
  world.sim.classicLoadBalancing.addLoadBalancer({ ...WEB_HEALTH, drainSeconds: 60 });
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
  ] as const)("reports the state of an instance that is %s: %s, %s, %s", async (...row) => {
    const [state, State, ReasonCode, Description] = row;
    const { sim, read } = createElbWithHealth();
    sim.classicLoadBalancing.setInstance(WEB_HEALTH, { id: "i-1", state });

    expect(await read()).toEqual([{ InstanceId: "i-1", State, ReasonCode, Description }]);
  });

  it("keeps an instance in service while its connections drain", async () => {
    const { sim, clock, read } = createElbWithHealth();
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
    const { sim, read } = createElbWithHealth();
    sim.classicLoadBalancing.addLoadBalancer({ ...WEB_HEALTH, account: OTHER, name: "other" });

    await expect(read("other")).rejects.toMatchObject({ name: "AccessPointNotFoundException" });
  });
});
