import { createSteps, type ReleaseStep } from "./release-step.ts";

const ec2 = createSteps("EC2");
const template = { LaunchTemplateName: "shop-web" };
const byName = { Filters: [{ Name: "tag:Name", Values: ["web & co"] }] };
const notFound = (name: string) => ({ gives: { name, status: 400 } });

const data = {
  ImageId: "ami-00000000000000001",
  InstanceType: "t3.micro",
  UserData: "IyEvYmluL3No",
  SecurityGroupIds: ["sg-00000000000000001"],
  MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
  BlockDeviceMappings: [
    { DeviceName: "/dev/xvda", Ebs: { VolumeSize: 20, VolumeType: "gp3", Encrypted: true, Iops: 3_000 } },
    { DeviceName: "/dev/xvdb", Ebs: { VolumeSize: 10, DeleteOnTermination: false } },
  ],
  TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "Name", Value: "<web>" }] }],
};

/** Every operation of EC2 that is served; the launch template `shop-web` stands afterwards. */
export const ec2Steps: readonly ReleaseStep[] = [
  ec2("DescribeInstances", { InstanceIds: ["i-00000000000000001"] }),
  ec2("DescribeInstances", { InstanceIds: ["i-000000000000000ff"] }, notFound("InvalidInstanceID.NotFound")),
  ec2("DescribeImages", byName, { gives: { Images: [{ ImageId: "ami-00000000000000001" }] } }),
  ec2("DescribeImages", { ImageIds: ["ami-000000000000000ff"] }, notFound("InvalidAMIID.NotFound")),
  ec2("DescribeSubnets", byName, { gives: { Subnets: [{ SubnetId: "subnet-00000000000000001" }] } }),
  ec2("DescribeSubnets", { SubnetIds: ["subnet-000000000000000ff"] }, notFound("InvalidSubnetID.NotFound")),
  ec2("DescribeSecurityGroups", byName, { gives: { SecurityGroups: [{ GroupId: "sg-00000000000000001" }] } }),
  ec2("CreatePlacementGroup", { GroupName: "odin/shop", Strategy: "partition", PartitionCount: 3 }),
  ec2(
    "DescribePlacementGroups",
    { Filters: [{ Name: "group-name", Values: ["odin/shop"] }] },
    {
      gives: { PlacementGroups: [{ PartitionCount: 3, State: "available" }] },
    },
  ),
  ec2("DeletePlacementGroup", { GroupName: "odin/shop" }),
  ec2("CreateLaunchTemplate", { ...template, LaunchTemplateData: data }),
  ec2(
    "CreateLaunchTemplate",
    { ...template, LaunchTemplateData: data },
    {
      gives: { name: "InvalidLaunchTemplateName.AlreadyExistsException" },
    },
  ),
  ec2("DescribeLaunchTemplates", { LaunchTemplateNames: ["shop-web"] }),
  ec2("CreateLaunchTemplate", { LaunchTemplateName: "other", LaunchTemplateData: data }),
  ec2("DeleteLaunchTemplate", { LaunchTemplateName: "other" }),
];
