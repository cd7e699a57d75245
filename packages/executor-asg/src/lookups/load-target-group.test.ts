import { describe, expect, it } from "vitest";
import { createReleaseWorld, type ReleaseWorld } from "../testing/a-release-world.ts";
import { loadTargetGroup } from "./load-target-group.ts";

const APPLICATION = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop/50dc6c495c0c9188";
const NETWORK = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/shop/50dc6c495c0c9188";

/** Adds to what AWS tells of the one target group. */
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
          message: 'Target group: there is no target group "web" in this account and region.',
        },
      ],
    };
    expect(await loadTargetGroup(world.deps, "web")).toEqual(missing);
    expect(await loadTargetGroup(world.deps, "none")).toMatchObject({ kind: "refused" });
  });
});
