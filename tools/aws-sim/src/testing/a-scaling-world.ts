import {
  AutoScalingClient,
  CreateAutoScalingGroupCommand,
  type CreateAutoScalingGroupCommandInput,
  DeleteAutoScalingGroupCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeScalingActivitiesCommand,
  UpdateAutoScalingGroupCommand,
  type UpdateAutoScalingGroupCommandInput,
} from "@aws-sdk/client-auto-scaling";
import { CreateLaunchTemplateCommand, EC2Client } from "@aws-sdk/client-ec2";
import { ACCOUNT, createWorld } from "./a-world.ts";

/** Where everything is. */
export const SCALING_PLACE = { account: ACCOUNT, region: "eu-west-1" } as const;

/** A world with an image, two subnets, a security group, a target group and the launch template `web`. */
export async function createScalingWorld() {
  const world = createWorld();
  const { ec2, loadBalancing } = world.sim;
  const imageId = ec2.addImage(SCALING_PLACE);
  const subnets = [ec2.addSubnet(SCALING_PLACE), ec2.addSubnet(SCALING_PLACE)];
  const groupId = ec2.addSecurityGroup(SCALING_PLACE);
  const targetGroup = loadBalancing.addTargetGroup({ ...SCALING_PLACE, name: "web" });
  const client = world.client(AutoScalingClient);
  const ec2Client = world.client(EC2Client);
  const data = { ImageId: imageId, InstanceType: "t3.small" as const, SecurityGroupIds: [groupId] };
  await ec2Client.send(new CreateLaunchTemplateCommand({ LaunchTemplateName: "web", LaunchTemplateData: data }));
  const usual = {
    AutoScalingGroupName: "web",
    MinSize: 0,
    MaxSize: 10,
    DesiredCapacity: 2,
    LaunchTemplate: { LaunchTemplateName: "web", Version: "1" },
    VPCZoneIdentifier: subnets.join(","),
  };
  const find = async (name = "web") => {
    const asked = { AutoScalingGroupNames: [name] };
    return (await client.send(new DescribeAutoScalingGroupsCommand(asked))).AutoScalingGroups?.[0];
  };
  return {
    ...world,
    clientOf: world.client,
    client,
    ec2Client,
    imageId,
    subnets,
    groupId,
    targetGroup,
    find,
    create: (input: Partial<CreateAutoScalingGroupCommandInput> = {}) =>
      client.send(new CreateAutoScalingGroupCommand({ ...usual, ...input })),
    update: (input: Partial<UpdateAutoScalingGroupCommandInput>) =>
      client.send(new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: "web", ...input })),
    remove: (ForceDelete?: boolean) =>
      client.send(new DeleteAutoScalingGroupCommand({ AutoScalingGroupName: "web", ForceDelete })),
    states: async () => (await find())?.Instances?.map(({ LifecycleState }) => LifecycleState),
    activities: async () => {
      const asked = { AutoScalingGroupName: "web" };
      return (await client.send(new DescribeScalingActivitiesCommand(asked))).Activities ?? [];
    },
  };
}
