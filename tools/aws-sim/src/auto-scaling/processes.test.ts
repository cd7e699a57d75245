import { AutoScalingClient, CreateAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import { CreateLaunchTemplateCommand } from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createScalingWorld } from "../testing/a-world.ts";

const HOOK = {
  LifecycleHookName: "ready",
  LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
  RoleARN: "arn:aws:iam::111122223333:role/hook",
};

async function createAs(...allow: string[]) {
  const { sim, clientOf, subnets, ec2Client, imageId } = await createScalingWorld();
  const IamInstanceProfile = { Arn: "arn:aws:iam::111122223333:instance-profile/web" };
  const LaunchTemplateData = { ImageId: imageId, IamInstanceProfile };
  await ec2Client.send(new CreateLaunchTemplateCommand({ LaunchTemplateName: "profiled", LaunchTemplateData }));
  const weak = sim.iam.addUser({ account: ACCOUNT, name: "weak", allow });
  const client = clientOf(AutoScalingClient, weak);
  return (input: object = {}) =>
    client.send(
      new CreateAutoScalingGroupCommand({
        AutoScalingGroupName: "web",
        MinSize: 0,
        MaxSize: 1,
        VPCZoneIdentifier: subnets.join(","),
        LaunchTemplate: { LaunchTemplateName: "web" },
        ...input,
      }),
    );
}

describe("who makes a group", () => {
  it("may use its launch template", async () => {
    const create = await createAs("autoscaling:*");

    await expect(create()).rejects.toMatchObject({
      name: "AccessDenied",
      message: expect.stringContaining("You are not authorized to use launch template: lt-"),
    });
  });

  it.each([
    ["tag it", ["autoscaling:CreateAutoScalingGroup"], { Tags: [{ Key: "a", Value: "b" }] }, "CreateOrUpdateTags"],
    ["pass a hook's role", ["autoscaling:*"], { LifecycleHookSpecificationList: [HOOK] }, "iam:PassRole"],
    [
      "pass a profile's role",
      ["autoscaling:*"],
      { LaunchTemplate: { LaunchTemplateName: "profiled" } },
      "iam:PassRole",
    ],
  ])("may %s", async (_, allow, input, action) => {
    const create = await createAs(...allow, "ec2:RunInstances");

    await expect(create(input)).rejects.toMatchObject({
      name: "AccessDenied",
      message: expect.stringContaining(action),
    });
  });

  it("needs no more than that", async () => {
    const allow = ["CreateAutoScalingGroup", "CreateOrUpdateTags"].map((operation) => `autoscaling:${operation}`);
    const create = await createAs(...allow, "ec2:RunInstances", "iam:PassRole");

    await expect(
      create({ Tags: [{ Key: "a", Value: "b" }], LifecycleHookSpecificationList: [HOOK] }),
    ).resolves.toBeDefined();
  });
});
