import { describe, expect, it } from "vitest";
import { TARGET } from "../testing/builders.ts";
import { createReleaseWorld, type ReleaseWorld } from "../testing/release-world.ts";
import { findPlacementGroup } from "./lookup.ts";
import { loadClassicBalancer, loadImage, loadSecurityGroups, loadSubnets, loadTargetGroup } from "./lookups.ts";

const APPLICATION = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop/50dc6c495c0c9188";
const NETWORK = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/shop/50dc6c495c0c9188";

/** Adds to what AWS returns for the one target group. */
function tell({ sim }: ReleaseWorld, facts: object): void {
  sim.once("ElasticLoadBalancingV2.DescribeTargetGroups", async (proceed) => {
    const { TargetGroups } = Object(await proceed());
    return { TargetGroups: TargetGroups.map((each: object) => ({ ...each, ...facts })) };
  });
}

describe("loadTargetGroup", () => {
  it("finds ARN, tags and slow start by the name", async () => {
    const world = createReleaseWorld({ slowStartSeconds: 45 });

    expect(await loadTargetGroup(world.deps, "web")).toMatchObject({
      kind: "found",
      value: {
        arn: world.ids.targetGroups["web"],
        name: "web",
        slowStartSeconds: 45,
        tags: { Name: "web", ProjectName: "org/shop", ConfigName: "production", ServiceName: "web" },
      },
    });
  });

  it("names it for policies by the application load balancer in front", async () => {
    const world = createReleaseWorld();
    tell(world, { LoadBalancerArns: [NETWORK, APPLICATION], VpcId: "vpc-1" });

    const { value } = Object(await loadTargetGroup(world.deps, "web"));

    expect(value.requestLabel).toMatch(/^app\/shop\/50dc6c495c0c9188\/targetgroup\/web\/\w+$/);
    expect(value.vpc).toBe("vpc-1");
  });

  it("has no such name behind a network load balancer, or none", async () => {
    const world = createReleaseWorld();
    tell(world, { LoadBalancerArns: [NETWORK] });

    expect(Object(await loadTargetGroup(world.deps, "web")).value).not.toHaveProperty("requestLabel");
    expect(Object(await loadTargetGroup(world.deps, "web")).value).not.toHaveProperty("requestLabel");
  });

  it("wants exactly the name", async () => {
    const world = createReleaseWorld();
    tell(world, { TargetGroupName: "Web" });

    const missing = {
      kind: "refused",
      problems: [
        {
          code: "release-target-group-missing",
          message: 'Target group: target group "web" does not exist in this account and region.',
        },
      ],
    };
    expect(await loadTargetGroup(world.deps, "web")).toEqual(missing);
    expect(await loadTargetGroup(world.deps, "none")).toMatchObject({ kind: "refused" });
  });
});

const PLACE = { account: TARGET.account, region: TARGET.region };

/** The ids that a look-up has found, or its problems. */
function toIds(look: unknown): unknown {
  const { kind, value, problems } = Object(look);
  if (kind === "refused") return problems.map(({ code }: { code: string }) => code);
  return Array.isArray(value) ? value.map(({ id }) => id) : value.id;
}

describe("loadImage", () => {
  it("takes for an id what begins like one", async () => {
    const world = createReleaseWorld();
    const named = world.sim.ec2.addImage({ ...PLACE, tags: { Name: "ami-" } });

    expect(toIds(await loadImage(world.deps, world.ids.image))).toBe(world.ids.image);
    expect(toIds(await loadImage(world.deps, "ami-"))).toBe(named);
    expect(toIds(await loadImage(world.deps, "ami-x"))).toEqual(["release-image-missing"]);
  });

  it("says of an image whose it is, what it is for and whether it can be used", async () => {
    const { sim, deps } = createReleaseWorld();
    const imageId = sim.ec2.addImage({ ...PLACE, tags: { Name: "new" }, state: "pending", architecture: "arm64" });

    expect(await loadImage(deps, imageId)).toEqual({
      kind: "found",
      value: { id: imageId, tags: { Name: "new" }, state: "pending", architecture: "arm64", owner: TARGET.account },
    });
  });
});

describe("loadSubnets", () => {
  it("finds by ids and by names, each once", async () => {
    const { deps, ids } = createReleaseWorld();
    const [a, b] = ids.subnets;

    expect(toIds(await loadSubnets(deps, [a, "private-a", "private-b"]))).toEqual([a, b]);
  });

  it("makes one call for the ids and one for the names", async () => {
    const world = createReleaseWorld();
    const [a, b] = world.ids.subnets;

    await loadSubnets(world.deps, [a, b, "private-a", "private-b"]);

    expect(world.inputs("EC2.DescribeSubnets")).toEqual([
      { SubnetIds: [a, b] },
      { Filters: [{ Name: "tag:Name", Values: ["private-a", "private-b"] }] },
    ]);
  });

  it("has nothing of an id that is not there, and less of a name", async () => {
    const { deps } = createReleaseWorld();

    expect(toIds(await loadSubnets(deps, ["subnet-00000000000000000"]))).toEqual(["release-subnet-missing"]);
    expect(toIds(await loadSubnets(deps, ["none"]))).toEqual([]);
  });
});

describe("loadSecurityGroups", () => {
  it("finds by names alone", async () => {
    const { deps, ids } = createReleaseWorld();
    const { web = "", api = "" } = ids.securityGroups;

    expect(toIds(await loadSecurityGroups(deps, ["web", "api"]))).toEqual([web, api]);
    expect(toIds(await loadSecurityGroups(deps, [web]))).toEqual([]);
  });

  it("asks nothing for none", async () => {
    const world = createReleaseWorld();

    expect(toIds(await loadSecurityGroups(world.deps, []))).toEqual([]);
    expect(world.sim.calls).toEqual([]);
  });
});

describe("loadClassicBalancer", () => {
  it("finds tags by the name", async () => {
    const { deps } = createReleaseWorld();

    expect(await loadClassicBalancer(deps, "web")).toMatchObject({
      kind: "found",
      value: { name: "web", tags: { ServiceName: "web" } },
    });
    expect(toIds(await loadClassicBalancer(deps, "none"))).toEqual(["release-load-balancer-missing"]);
  });
});

describe("findPlacementGroup", () => {
  it("finds it, or reports that it must be created", async () => {
    const { sim, deps } = createReleaseWorld();
    sim.ec2.addPlacementGroup({ ...PLACE, name: "pg", strategy: "partition", partitionCount: 3 });

    expect(await findPlacementGroup(deps, "pg")).toEqual({
      kind: "found",
      value: { state: "available", strategy: "partition", partition_count: 3, tags: {} },
    });
    expect(await findPlacementGroup(deps, "other")).toEqual({ kind: "found", value: undefined });
  });
});
