import { describe, expect, it } from "vitest";
import type { Service, TargetTrackingPolicy } from "../document/release.ts";
import type { LaunchFacts } from "../plan/names.ts";
import { PRESETS } from "../presets.ts";
import {
  aHook,
  anAlarmPolicy,
  anAutoscaling,
  aRelease,
  aService,
  someLaunchFacts,
  someResources,
} from "../testing/builders.ts";
import { toAlarmRequest, toGroupRequest, toLaunchTemplate, toPolicyRequest } from "./launch-requests.ts";

/** The data of the template of a service that differs so. */
function dataOf(over: Partial<Service>) {
  return toLaunchTemplate(someLaunchFacts({ service: aService(over) }), "").LaunchTemplateData;
}

describe("toLaunchTemplate", () => {
  it("requests the instance, with metadata by tokens and without detailed monitoring", () => {
    const resources = someResources({ profile_arn: "arn:aws:iam::111122223333:instance-profile/web" });

    const request = toLaunchTemplate(someLaunchFacts({ resources }), "#!/bin/sh\n");

    expect(request).toMatchObject({
      LaunchTemplateName: "org/shop-production-2026-01-01T00-00-00Z-web",
      VersionDescription: "release-2",
      TagSpecifications: [{ ResourceType: "launch-template" }],
    });
    expect(request.TagSpecifications?.[0]?.Tags).toContainEqual({ Key: "ReleaseID", Value: "release-2" });
    expect(request.LaunchTemplateData).toEqual({
      ImageId: "ami-1",
      InstanceType: "t3.micro",
      SecurityGroupIds: ["sg-1"],
      IamInstanceProfile: { Arn: "arn:aws:iam::111122223333:instance-profile/web" },
      UserData: "IyEvYmluL3NoCg==",
      MetadataOptions: { HttpEndpoint: "enabled", HttpTokens: "required", HttpPutResponseHopLimit: 1 },
      Monitoring: { Enabled: false },
    });
  });

  it("never says whether an instance is EBS-optimised: current types are by default", () => {
    expect(dataOf({ instance_type: "m5.large" })).not.toHaveProperty("EbsOptimized");
  });

  it("gives a public address, or none, through the network interface, which then has the security groups", () => {
    expect(dataOf({ associate_public_ip_address: false })).toMatchObject({
      NetworkInterfaces: [
        { DeviceIndex: 0, AssociatePublicIpAddress: false, DeleteOnTermination: true, Groups: ["sg-1"] },
      ],
    });
    expect(dataOf({ associate_public_ip_address: true })).not.toHaveProperty("SecurityGroupIds");
  });

  it("creates a gp3 volume that is deleted with its instance, from a size alone", () => {
    expect(dataOf({ ebs_volume_size: 20 })?.BlockDeviceMappings).toEqual([
      { DeviceName: "/dev/xvda", Ebs: { VolumeSize: 20, VolumeType: "gp3", DeleteOnTermination: true } },
    ]);
  });

  it("creates volumes as configured, the additional ones after the first", () => {
    const devices = dataOf({
      ebs_volume_size: 20,
      ebs_volume_type: "io2",
      ebs_device_name: "/dev/sda1",
      ebs_iops: 3_000,
      ebs_throughput: 250,
      ebs_encrypted: true,
      ebs_delete_on_termination: false,
      volumes: [{ device: "/dev/sdf", size: 100, type: "gp3", kms_key: "alias/data" }],
    })?.BlockDeviceMappings;

    expect(devices).toEqual([
      {
        DeviceName: "/dev/sda1",
        Ebs: {
          VolumeSize: 20,
          VolumeType: "io2",
          Iops: 3_000,
          Throughput: 250,
          Encrypted: true,
          DeleteOnTermination: false,
        },
      },
      {
        DeviceName: "/dev/sdf",
        Ebs: { VolumeSize: 100, VolumeType: "gp3", Encrypted: true, KmsKeyId: "alias/data", DeleteOnTermination: true },
      },
    ]);
  });

  it("encrypts the first volume with its key", () => {
    expect(dataOf({ ebs_volume_size: 8, ebs_kms_key: "alias/root" })?.BlockDeviceMappings?.[0]?.Ebs).toMatchObject({
      Encrypted: true,
      KmsKeyId: "alias/root",
    });
  });

  it("requests Spot instances of one type, and leaves several types to the group", () => {
    expect(dataOf({ spot_price: "0.02" })).toMatchObject({
      InstanceMarketOptions: { MarketType: "spot", SpotOptions: { MaxPrice: "0.02", SpotInstanceType: "one-time" } },
    });
    expect(dataOf({ spot_price: "0.02", instance_types: ["t3a.micro"] })).not.toHaveProperty("InstanceMarketOptions");
  });

  it("takes tokens, hop limit and tenancy from the service", () => {
    const data = dataOf({ metadata_tokens: "optional", metadata_hop_limit: 2, placement_tenancy: "dedicated" });

    expect(data).toMatchObject({
      MetadataOptions: { HttpTokens: "optional", HttpPutResponseHopLimit: 2 },
      Placement: { Tenancy: "dedicated" },
    });
  });
});

const INPUT = {
  template: { LaunchTemplateId: "lt-1", Version: "1" },
  capacity: { min: 1, desired: 2, max: 4 },
};

function requestOf(over: Partial<LaunchFacts> = {}) {
  return toGroupRequest(someLaunchFacts(over), INPUT);
}

describe("toGroupRequest", () => {
  it("requests the group with a fixed version of its template", () => {
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

  it("has hooks that only EventBridge is notified of, and defines what happens when a reply is late", () => {
    const { role_arn: _, notification_target_arn: __, ...hook } = aHook({ name: "ready", default_result: "CONTINUE" });

    expect(requestOf({ service: aService({ lifecycle: { ready: hook } }) }).LifecycleHookSpecificationList).toEqual([
      {
        LifecycleHookName: "ready",
        LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
        DefaultResult: "CONTINUE",
      },
    ]);
  });

  it("warms up for the time in the document", () => {
    const service = aService({ autoscaling: anAutoscaling({ default_instance_warmup: 90 }) });

    expect(requestOf({ service })).toMatchObject({ DefaultInstanceWarmup: 90 });
    expect(requestOf({})).not.toHaveProperty("DefaultInstanceWarmup");
  });

  it("is in its placement group", () => {
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

const GROUP = "org/shop-production-2026-01-01T00-00-00Z-web";

function tracking(over: Partial<TargetTrackingPolicy>): TargetTrackingPolicy {
  return { type: "target_tracking", metric: "cpu", target_value: 60, ...over };
}

describe("toPolicyRequest", () => {
  it("changes the capacity by a number", () => {
    expect(toPolicyRequest(someLaunchFacts(), anAlarmPolicy({ scaling_adjustment: 2, cooldown: 90 }))).toEqual({
      AutoScalingGroupName: GROUP,
      PolicyName: `${GROUP}-cpu_scale_up`,
      PolicyType: "SimpleScaling",
      AdjustmentType: "ChangeInCapacity",
      ScalingAdjustment: 2,
      Cooldown: 90,
    });
  });

  it("holds the CPU at a value", () => {
    expect(toPolicyRequest(someLaunchFacts(), tracking({ name: "cpu", disable_scale_in: true }))).toEqual({
      AutoScalingGroupName: GROUP,
      PolicyName: `${GROUP}-target_tracking-cpu`,
      PolicyType: "TargetTrackingScaling",
      TargetTrackingConfiguration: {
        TargetValue: 60,
        PredefinedMetricSpecification: { PredefinedMetricType: "ASGAverageCPUUtilization" },
        DisableScaleIn: true,
      },
    });
  });

  it("holds the requests of each target of one of the service's target groups", () => {
    const resources = someResources({ request_labels: { web: "app/shop/1/targetgroup/web/2" } });
    const policy = tracking({ metric: "alb_requests_per_target", target_group: "web", target_value: 500 });

    expect(toPolicyRequest(someLaunchFacts({ resources }), policy).TargetTrackingConfiguration).toEqual({
      TargetValue: 500,
      PredefinedMetricSpecification: {
        PredefinedMetricType: "ALBRequestCountPerTarget",
        ResourceLabel: "app/shop/1/targetgroup/web/2",
      },
    });
  });

  it("holds a metric of one's own", () => {
    const custom_metric = {
      namespace: "Shop",
      name: "Depth",
      statistic: "Average",
      dimensions: { Queue: "a" },
    } as const;

    const request = toPolicyRequest(someLaunchFacts(), tracking({ metric: "custom", custom_metric }));

    expect(request.TargetTrackingConfiguration).toEqual({
      TargetValue: 60,
      CustomizedMetricSpecification: {
        Namespace: "Shop",
        MetricName: "Depth",
        Statistic: "Average",
        Dimensions: [{ Name: "Queue", Value: "a" }],
      },
    });
  });

  it("is called by its type alone in the first generation", () => {
    const facts = someLaunchFacts({ constants: PRESETS["step-asg-deployer"] });

    expect(toPolicyRequest(facts, anAlarmPolicy()).PolicyName).toBe("cpu_scale_up");
  });
});

describe("toAlarmRequest", () => {
  it("rings above the threshold of a policy that scales up", () => {
    const { Tags, ...request } = toAlarmRequest(someLaunchFacts(), anAlarmPolicy({ name: "fast" }), "arn:policy");

    expect(request).toEqual({
      AlarmName: `${GROUP}-cpu_scale_up-fast`,
      AlarmDescription: `${GROUP}-cpu_scale_up-fast\nAverage of CPUUtilization\nGreaterThanThreshold 50 %\n300 s × 2`,
      Namespace: "AWS/EC2",
      MetricName: "CPUUtilization",
      Statistic: "Average",
      Dimensions: [{ Name: "AutoScalingGroupName", Value: GROUP }],
      ComparisonOperator: "GreaterThanThreshold",
      Threshold: 50,
      Period: 300,
      EvaluationPeriods: 2,
      ActionsEnabled: true,
      AlarmActions: ["arn:policy"],
    });
    expect(Tags).toContainEqual({ Key: "ReleaseID", Value: "release-2" });
  });

  it("rings below the threshold of a policy that scales down", () => {
    const policy = anAlarmPolicy({ type: "cpu_scale_down", threshold: 20 });

    expect(toAlarmRequest(someLaunchFacts(), policy, "arn:policy")).toMatchObject({
      AlarmName: `${GROUP}-cpu_scale_down`,
      ComparisonOperator: "LessThanThreshold",
      Threshold: 20,
    });
  });
});
