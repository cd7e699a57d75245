import {
  CreateLaunchTemplateCommand,
  type CreateLaunchTemplateCommandInput,
  DeleteLaunchTemplateCommand,
  DescribeLaunchTemplatesCommand,
  type DescribeLaunchTemplatesCommandInput,
  EC2Client,
} from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { createWorld } from "../testing/a-world.ts";

const NAME = "coinbase/deploy-test-development-2020-01-02T03-04-05Z-web";
const DATA = { ImageId: "ami-1", InstanceType: "t3.micro" as const };
const MANY = Array.from({ length: 3 }, (_, index) => `template-${index}`);

function createTemplates() {
  const { client: clientOf, sim, clock } = createWorld();
  const client = clientOf(EC2Client);
  const LaunchTemplateName = NAME;
  return {
    sim,
    clock,
    create: (input: Partial<CreateLaunchTemplateCommandInput> = {}) =>
      client.send(new CreateLaunchTemplateCommand({ LaunchTemplateName, LaunchTemplateData: DATA, ...input })),
    remove: () => client.send(new DeleteLaunchTemplateCommand({ LaunchTemplateName })),
    describeAll: (input: DescribeLaunchTemplatesCommandInput = {}) =>
      client.send(new DescribeLaunchTemplatesCommand(input)),
  };
}

describe("a launch template", () => {
  it("is made with version 1 and its tags", async () => {
    const { create, describeAll } = createTemplates();
    const TagSpecifications = [{ ResourceType: "launch-template" as const, Tags: [{ Key: "ReleaseID", Value: "r" }] }];

    await create({ TagSpecifications });

    const about = { LaunchTemplateName: NAME };
    expect((await describeAll({ Filters: [{ Name: "tag:ReleaseID", Values: ["r"] }] })).LaunchTemplates).toMatchObject([
      { ...about, DefaultVersionNumber: 1, LatestVersionNumber: 1, Tags: [{ Key: "ReleaseID", Value: "r" }] },
    ]);
  });

  it("has a name of its own", async () => {
    const { create } = createTemplates();
    await create();

    await expect(create()).rejects.toMatchObject({ name: "InvalidLaunchTemplateName.AlreadyExistsException" });
  });

  it.each(["ab", "a:b:c", "x".repeat(129), "a b c"])("is refused as %j", async (LaunchTemplateName) => {
    const { create } = createTemplates();

    await expect(create({ LaunchTemplateName })).rejects.toMatchObject({
      name: "InvalidLaunchTemplateName.MalformedException",
    });
  });

  it("is made once by one client token", async () => {
    const { create } = createTemplates();
    const first = await create({ ClientToken: "t" });

    expect((await create({ ClientToken: "t" })).LaunchTemplate).toEqual(first.LaunchTemplate);
    await expect(create({ ClientToken: "t", VersionDescription: "x" })).rejects.toMatchObject({
      name: "IdempotentParameterMismatch",
    });
  });

  it("holds user data to 16 KB before it is encoded", async () => {
    const { create } = createTemplates();
    const make = (LaunchTemplateName: string, UserData: string) =>
      create({ LaunchTemplateName, LaunchTemplateData: { ...DATA, UserData } });

    await make("fits", Buffer.alloc(16_384, "x").toString("base64"));

    await expect(make("large", Buffer.alloc(16_385, "x").toString("base64"))).rejects.toMatchObject({
      name: "InvalidParameterValue",
    });
    await expect(make("plain", "#!/bin/bash")).rejects.toMatchObject({ name: "InvalidUserData.Malformed" });
  });

  it("is gone at once when it is deleted, and its name is free", async () => {
    const { create, describeAll, remove } = createTemplates();
    await create();
    await remove();

    await expect(remove()).rejects.toMatchObject({ name: "InvalidLaunchTemplateName.NotFoundException" });
    await expect(describeAll({ LaunchTemplateNames: [NAME] })).rejects.toMatchObject({
      name: "InvalidLaunchTemplateName.NotFoundException",
    });
    await expect(describeAll({ LaunchTemplateIds: ["lt-1"] })).rejects.toMatchObject({
      name: "InvalidLaunchTemplateId.NotFound",
    });
    await create();
  });

  it("is answered in pages", async () => {
    const { create, describeAll } = createTemplates();
    for (const LaunchTemplateName of MANY) await create({ LaunchTemplateName });

    const first = await describeAll({ MaxResults: 2 });
    const second = await describeAll({ MaxResults: 2, NextToken: first.NextToken });

    const names = [first, second].flatMap(({ LaunchTemplates = [] }) => LaunchTemplates);
    expect(names.map(({ LaunchTemplateName }) => LaunchTemplateName)).toEqual(MANY);
  });

  it("is seen late where EC2 is late", async () => {
    const { sim, clock, create, describeAll } = createTemplates();
    sim.ec2.set({ describeLagMs: 2_000 });
    await create();

    await expect(describeAll({ LaunchTemplateNames: [NAME] })).rejects.toMatchObject({ $fault: "client" });
    await clock.advance(2_000);

    expect((await describeAll({ LaunchTemplateNames: [NAME] })).LaunchTemplates).toHaveLength(1);
  });
});
