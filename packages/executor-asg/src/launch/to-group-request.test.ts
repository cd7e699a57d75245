import { describe, expect, it } from "vitest";
import { aHook, anAutoscaling, aRelease, aService } from "../testing/a-release.ts";
import { someLaunchFacts, someResources } from "../testing/launch-facts.ts";
import type { LaunchFacts } from "./launch-facts.ts";
import { toGroupRequest } from "./to-group-request.ts";

const INPUT = {
  template: { LaunchTemplateId: "lt-1", Version: "1" },
  capacity: { min: 1, desired: 2, max: 4 },
};

function requestOf(over: Partial<LaunchFacts> = {}) {
  return toGroupRequest(someLaunchFacts(over), INPUT);
}

describe("toGroupRequest", () => {
  it("asks for the group with a fixed version of its template", () => {
    const { Tags, ...request } = requestOf();

    expect(request).toEqual({
      AutoScalingGroupName: "org/shop-production-2026-01-01T00-00-00Z-web",
      LaunchTemplate: { LaunchTemplateId: "lt-1", Version: "1" },
      MinSize: 1,
      DesiredCapacity: 2,
      MaxSize: 4,
      DefaultCooldown: 300,
      HealthCheckType: "EC2",
      HealthCheckGracePeriod: 600,
      VPCZoneIdentifier: "subnet-1,subnet-2",
      TerminationPolicies: ["OldestLaunchTemplate", "Default"],
    });
    expect(Tags).toContainEqual({
      ResourceId: "org/shop-production-2026-01-01T00-00-00Z-web",
      ResourceType: "auto-scaling-group",
      Key: "ReleaseUUID",
      Value: "release-2026-01-01T00-00-10Z-abcdefg",
      PropagateAtLaunch: true,
    });
    expect(Tags?.every(({ PropagateAtLaunch }) => PropagateAtLaunch)).toBe(true);
  });

  it.each([
    ["a classic load balancer", { elbs: ["web"] }, { LoadBalancerNames: ["web"] }],
    ["a target group", { target_group_arns: ["arn:tg"] }, { TargetGroupARNs: ["arn:tg"] }],
  ])("believes %s about the health of its instances", (_, over, expected) => {
    expect(requestOf({ resources: someResources(over) })).toMatchObject({ ...expected, HealthCheckType: "ELB" });
  });

  it("takes cooldown, grace period and termination policies from the service", () => {
    const autoscaling = anAutoscaling({ default_cooldown: 0, health_check_grace_period: 120 });
    const service = aService({ autoscaling, termination_policies: ["NewestInstance"] });

    expect(requestOf({ service })).toMatchObject({
      DefaultCooldown: 0,
      HealthCheckGracePeriod: 120,
      TerminationPolicies: ["NewestInstance"],
    });
  });

  it("has its hooks before its first instance, the service's own in place of the release's", () => {
    const release = aRelease({ lifecycle: { ready: aHook({ heartbeat_timeout: 60 }) } });
    const ready = {
      LifecycleHookName: "ready",
      LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
      NotificationTargetARN: "arn:aws:sns:eu-west-1:111122223333:hooks",
      RoleARN: "arn:aws:iam::111122223333:role/hooks",
      HeartbeatTimeout: 60,
    };
    const drain = aHook({ name: "drain", transition: "autoscaling:EC2_INSTANCE_TERMINATING" });
    const { HeartbeatTimeout: _, ...own } = { ...ready, LifecycleHookName: "drain" };

    expect(requestOf({ release }).LifecycleHookSpecificationList).toEqual([ready]);
    expect(requestOf({ release, service: aService({ lifecycle: { drain } }) }).LifecycleHookSpecificationList).toEqual([
      { ...own, LifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING" },
    ]);
  });

  it("has hooks that EventBridge alone is told of, and says what becomes of who is late", () => {
    const { role_arn: _, notification_target_arn: __, ...hook } = aHook({ name: "ready", default_result: "CONTINUE" });

    expect(requestOf({ service: aService({ lifecycle: { ready: hook } }) }).LifecycleHookSpecificationList).toEqual([
      {
        LifecycleHookName: "ready",
        LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
        DefaultResult: "CONTINUE",
      },
    ]);
  });

  it("warms up as long as the document says", () => {
    const service = aService({ autoscaling: anAutoscaling({ default_instance_warmup: 90 }) });

    expect(requestOf({ service })).toMatchObject({ DefaultInstanceWarmup: 90 });
    expect(requestOf({})).not.toHaveProperty("DefaultInstanceWarmup");
  });

  it("stands in its placement group", () => {
    const service = aService({ placement_group_name: "odin/org/shop/production/web" });

    expect(requestOf({ service })).toMatchObject({ PlacementGroup: "odin/org/shop/production/web" });
  });

  it("is of several types, the first ones first on demand, the cheapest with room on Spot", () => {
    const service = aService({
      instance_types: ["t3a.micro", "t3.micro"],
      on_demand_base_capacity: 1,
      on_demand_percentage: 25,
      spot_price: "0.02",
      capacity_rebalance: true,
    });

    const request = requestOf({ service });

    expect(request).not.toHaveProperty("LaunchTemplate");
    expect(request).toMatchObject({ CapacityRebalance: true });
    expect(request.MixedInstancesPolicy).toEqual({
      LaunchTemplate: {
        LaunchTemplateSpecification: { LaunchTemplateId: "lt-1", Version: "1" },
        Overrides: [{ InstanceType: "t3.micro" }, { InstanceType: "t3a.micro" }],
      },
      InstancesDistribution: {
        OnDemandAllocationStrategy: "prioritized",
        OnDemandBaseCapacity: 1,
        OnDemandPercentageAboveBaseCapacity: 25,
        SpotAllocationStrategy: "price-capacity-optimized",
        SpotMaxPrice: "0.02",
      },
    });
  });

  it.each([
    ["all on demand without a price", {}, 100],
    ["all on Spot with one", { spot_price: "0.02" }, 0],
  ])("is of several types, %s", (_, over, percentage) => {
    const service = aService({ instance_types: ["t3a.micro"], ...over });

    expect(requestOf({ service }).MixedInstancesPolicy?.InstancesDistribution).toMatchObject({
      OnDemandBaseCapacity: 0,
      OnDemandPercentageAboveBaseCapacity: percentage,
    });
  });
});
