import {
  DescribeImagesCommand,
  type DescribeImagesCommandInput,
  DescribeSecurityGroupsCommand,
  type DescribeSecurityGroupsCommandInput,
  DescribeSubnetsCommand,
  type DescribeSubnetsCommandInput,
  EC2Client,
} from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "../testing/a-world.ts";

const PLACE = { account: ACCOUNT, region: "eu-west-1" };
const byName = (...Values: string[]) => ({ Filters: [{ Name: "tag:Name", Values }] });

function createResources() {
  const world = createWorld();
  const client = world.client(EC2Client);
  return {
    ec2: world.sim.ec2,
    clock: world.clock,
    images: async (input: DescribeImagesCommandInput = {}) =>
      (await client.send(new DescribeImagesCommand(input))).Images ?? [],
    subnets: (input: DescribeSubnetsCommandInput = {}) => client.send(new DescribeSubnetsCommand(input)),
    groups: (input: DescribeSecurityGroupsCommandInput = {}) => client.send(new DescribeSecurityGroupsCommand(input)),
  };
}

describe("DescribeImages", () => {
  it("describes an image", async () => {
    const { ec2, images } = createResources();
    const ImageId = ec2.addImage({ ...PLACE, name: "web-1", tags: { DeployWith: "odin" } });

    expect(await images({ ImageIds: [ImageId] })).toMatchObject([
      {
        ImageId,
        Name: "web-1",
        State: "available",
        OwnerId: ACCOUNT,
        Architecture: "x86_64",
        Public: false,
        Tags: [{ Key: "DeployWith", Value: "odin" }],
      },
    ]);
  });

  it("finds by tag and owner", async () => {
    const { ec2, images } = createResources();
    const own = ec2.addImage({ ...PLACE, tags: { Name: "web" } });
    const shared = ec2.addImage({ ...PLACE, account: OTHER, sharedWith: [ACCOUNT], tags: { Name: "web" } });
    const idsOf = async (input: DescribeImagesCommandInput) => (await images(input)).map(({ ImageId }) => ImageId);

    expect(await idsOf(byName("web"))).toEqual([own]);
    expect(await idsOf({ Owners: [OTHER] })).toEqual([shared]);
    expect(await idsOf({ Owners: ["self"] })).toEqual([own]);
  });

  it("hides what others do not share, and the tags of what they do", async () => {
    const { ec2, images } = createResources();
    const hidden = ec2.addImage({ ...PLACE, account: OTHER });
    const open = ec2.addImage({ ...PLACE, account: OTHER, sharedWith: ["all"], tags: { DeployWith: "odin" } });

    expect(await images({ ImageIds: [open] })).toMatchObject([{ ImageId: open, Public: true, Tags: [] }]);
    await expect(images({ ImageIds: [hidden] })).rejects.toMatchObject({
      name: "InvalidAMIID.NotFound",
      message: `The image id '[${hidden}]' does not exist`,
    });
    await expect(images({ ImageIds: ["ami-web"] })).rejects.toMatchObject({ name: "InvalidAMIID.Malformed" });
  });
});

describe("DescribeSubnets", () => {
  it("finds by ids and by several names, in the caller's account and region", async () => {
    const { ec2, subnets } = createResources();
    const first = ec2.addSubnet({ ...PLACE, tags: { Name: "private-a" } });
    const second = ec2.addSubnet({ ...PLACE, tags: { Name: "private-b" }, vpcId: "vpc-2" });
    ec2.addSubnet({ ...PLACE, account: OTHER, tags: { Name: "private-a" } });
    ec2.addSubnet({ ...PLACE, region: "us-east-1", tags: { Name: "private-a" } });

    const { Subnets } = await subnets(byName("private-a", "private-b"));

    expect(Subnets).toMatchObject([
      { SubnetId: first, AvailabilityZone: "eu-west-1a", VpcId: "vpc-00000000000000001" },
      { SubnetId: second, AvailabilityZone: "eu-west-1b", VpcId: "vpc-2" },
    ]);
    expect((await subnets({ SubnetIds: [second] })).Subnets).toHaveLength(1);
  });

  it("refuses ids that are not there, and filters that there are not", async () => {
    const { ec2, subnets } = createResources();
    const SubnetIds = [ec2.addSubnet(PLACE), "subnet-0000000f"];

    await expect(subnets({ SubnetIds })).rejects.toMatchObject({
      name: "InvalidSubnetID.NotFound",
      message: "The subnet ID 'subnet-0000000f' does not exist",
    });
    await expect(subnets({ Filters: [{ Name: "colour", Values: ["red"] }] })).rejects.toMatchObject({
      name: "InvalidParameterValue",
    });
  });

  it("answers in pages", async () => {
    const { ec2, subnets } = createResources();
    const all = Array.from({ length: 7 }, () => ec2.addSubnet(PLACE));

    const first = await subnets({ MaxResults: 5 });
    const second = await subnets({ MaxResults: 5, NextToken: first.NextToken });

    const ids = [first, second].flatMap(({ Subnets = [] }) => Subnets.map(({ SubnetId }) => SubnetId));
    expect(ids).toEqual(all);
    expect(second.NextToken).toBeUndefined();
    await expect(subnets({ MaxResults: 4 })).rejects.toMatchObject({ name: "InvalidParameterValue" });
  });
});

describe("DescribeSecurityGroups", () => {
  it("finds by tag, name and id, and shows a group without tags", async () => {
    const { ec2, groups } = createResources();
    const GroupId = ec2.addSecurityGroup({ ...PLACE, tags: { Name: "web" } });
    const plain = ec2.addSecurityGroup({ ...PLACE, name: "plain" });

    expect((await groups(byName("web"))).SecurityGroups).toMatchObject([{ GroupId, GroupName: "web" }]);
    expect((await groups({ GroupNames: ["plain"] })).SecurityGroups).toMatchObject([{ GroupId: plain, Tags: [] }]);
    await expect(groups({ GroupIds: ["sg-0000000f"] })).rejects.toMatchObject({
      name: "InvalidGroup.NotFound",
      message: "The security group 'sg-0000000f' does not exist",
    });
  });
});
