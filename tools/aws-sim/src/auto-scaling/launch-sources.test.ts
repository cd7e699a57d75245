import { CreateLaunchTemplateCommand } from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { createScalingWorld, SCALING_PLACE } from "../testing/a-world.ts";

const SECOND = 1_000;

describe("what a group launches from", () => {
  it("tries the template out", async () => {
    const { create, ec2Client, imageId, sim } = await createScalingWorld();
    const make = (LaunchTemplateName: string, LaunchTemplateData: object) =>
      ec2Client.send(new CreateLaunchTemplateCommand({ LaunchTemplateName, LaunchTemplateData }));
    await make("image", { ImageId: "ami-0123456789abcdef0" });
    await make("group", { ImageId: imageId, SecurityGroupIds: ["sg-9"] });
    await make("slow", { ImageId: sim.ec2.addImage({ ...SCALING_PLACE, state: "pending" }) });
    const messageOf = (LaunchTemplateName: string) =>
      create({ LaunchTemplate: { LaunchTemplateName } }).catch(({ message }) => message);

    const prefix = "You must use a valid fully-formed launch template.";
    expect(await messageOf("image")).toBe(`${prefix} The image id '[ami-0123456789abcdef0]' does not exist`);
    expect(await messageOf("group")).toBe(`${prefix} The security group 'sg-9' does not exist`);
    expect(await messageOf("slow")).toContain("is not in a valid state: pending");
  });

  it.each([
    [
      "Spot in the template of a mix",
      { InstanceMarketOptions: { MarketType: "spot" as const } },
      "that is set to request Spot Instances",
    ],
    [
      "an image of another architecture",
      { InstanceType: "t4g.micro" as const },
      "The architecture 'arm64' of the specified instance type does not match the architecture 'x86_64'",
    ],
    [
      "security groups together with network interfaces",
      { SecurityGroupIds: ["sg-1"], NetworkInterfaces: [{ DeviceIndex: 0, Groups: ["sg-1"] }] },
      "When a network interface is provided, the security groups must be a part of it.",
    ],
  ])("refuses %s", async (_, data, message) => {
    const { create, ec2Client, imageId } = await createScalingWorld();
    const LaunchTemplateData = { ImageId: imageId, ...data };
    await ec2Client.send(new CreateLaunchTemplateCommand({ LaunchTemplateName: "odd", LaunchTemplateData }));
    const LaunchTemplate = { LaunchTemplateSpecification: { LaunchTemplateName: "odd" } };

    await expect(create({ LaunchTemplate: undefined, MixedInstancesPolicy: { LaunchTemplate } })).rejects.toThrow(
      message,
    );
  });

  it("mixes types and purchase options", async () => {
    const { clock, create, find } = await createScalingWorld();
    const LaunchTemplateSpecification = { LaunchTemplateName: "web", Version: "$Latest" };
    const Overrides = [{ InstanceType: "m5.large" }, { InstanceType: "m6i.large" }];
    const InstancesDistribution = { OnDemandBaseCapacity: 1, OnDemandPercentageAboveBaseCapacity: 0 };
    const MixedInstancesPolicy = { LaunchTemplate: { LaunchTemplateSpecification, Overrides }, InstancesDistribution };

    await create({ LaunchTemplate: undefined, MixedInstancesPolicy, DesiredCapacity: 3 });
    await clock.advance(SECOND);

    const group = await find();
    expect(group?.Instances?.map(({ InstanceType }) => InstanceType)).toEqual(["m5.large", "m6i.large", "m5.large"]);
    expect(group?.MixedInstancesPolicy).toMatchObject({ InstancesDistribution, LaunchTemplate: { Overrides } });
    await expect(create({ AutoScalingGroupName: "two", MixedInstancesPolicy })).rejects.toMatchObject({
      name: "ValidationError",
    });
  });

  const mixOf = (launch: object) => ({ LaunchTemplate: undefined, MixedInstancesPolicy: { LaunchTemplate: launch } });
  const LaunchTemplateSpecification = { LaunchTemplateName: "web" };
  const types = (count: number) => Array.from({ length: count }, (_, index) => ({ InstanceType: `m5.x${index}` }));

  it.each([
    ["a mix without a template", mixOf({ Overrides: types(1) }), "must contain a LaunchTemplateSpecification"],
    [
      "a mix of a type twice",
      mixOf({ LaunchTemplateSpecification, Overrides: [...types(1), ...types(1)] }),
      "Duplicate",
    ],
    [
      "a mix of too many types",
      mixOf({ LaunchTemplateSpecification, Overrides: types(41) }),
      "less than or equal to 40",
    ],
    [
      "a template by name and id",
      { LaunchTemplate: { LaunchTemplateName: "web", LaunchTemplateId: "lt-1" } },
      "either",
    ],
    ["a template of no name", { LaunchTemplate: { Version: "1" } }, "either launchTemplateId or LaunchTemplateName"],
    [
      "an unknown template id",
      { LaunchTemplate: { LaunchTemplateId: "lt-9" } },
      "with template ID lt-9, does not exist",
    ],
    [
      "a launch configuration that is not there",
      { LaunchTemplate: undefined, LaunchConfigurationName: "no" },
      "Launch configuration name not found - Launch configuration no not found",
    ],
  ])("is refused as %s", async (_, input, message) => {
    const { create } = await createScalingWorld();

    await expect(create(input)).rejects.toMatchObject({
      name: "ValidationError",
      message: expect.stringContaining(message),
    });
  });

  it("may be a launch configuration of old, and zones without subnets", async () => {
    const { sim, clock, create, find } = await createScalingWorld();
    sim.autoScaling.addLaunchConfiguration({ ...SCALING_PLACE, name: "old" });
    const source = { LaunchTemplate: undefined, LaunchConfigurationName: "old" };

    await create({ ...source, VPCZoneIdentifier: undefined, AvailabilityZones: ["eu-west-1a"] });
    await clock.advance(60 * SECOND);

    expect(await find()).toMatchObject({
      LaunchConfigurationName: "old",
      AvailabilityZones: ["eu-west-1a"],
      Instances: Array.from({ length: 2 }, () => ({ LaunchConfigurationName: "old", LifecycleState: "InService" })),
    });
  });
});
