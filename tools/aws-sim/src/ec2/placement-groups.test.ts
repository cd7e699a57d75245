import {
  CreatePlacementGroupCommand,
  type CreatePlacementGroupCommandInput,
  DeletePlacementGroupCommand,
  DescribePlacementGroupsCommand,
  EC2Client,
} from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld } from "../testing/a-world.ts";

function createGroups() {
  const { client: clientOf, sim, clock } = createWorld();
  const client = clientOf(EC2Client);
  return {
    sim,
    clock,
    create: (input: CreatePlacementGroupCommandInput) => client.send(new CreatePlacementGroupCommand(input)),
    remove: (GroupName: string) => client.send(new DeletePlacementGroupCommand({ GroupName })),
    find: async (name: string) => {
      const Filters = [{ Name: "group-name", Values: [name] }];
      return (await client.send(new DescribePlacementGroupsCommand({ Filters }))).PlacementGroups ?? [];
    },
  };
}

describe("a placement group", () => {
  it("is found by its name, with strategy, partitions and tags", async () => {
    const { create, find } = createGroups();
    const TagSpecifications = [{ ResourceType: "placement-group" as const, Tags: [{ Key: "a", Value: "b" }] }];

    await create({ GroupName: "odin/p/c/x", Strategy: "partition", PartitionCount: 3, TagSpecifications });

    expect(await find("odin/p/c/x")).toMatchObject([
      { GroupName: "odin/p/c/x", State: "available", Strategy: "partition", PartitionCount: 3, Tags: [{ Key: "a" }] },
    ]);
    expect(await find("odin/p/c")).toEqual([]);
  });

  it("is made once", async () => {
    const { create } = createGroups();
    await create({ GroupName: "one", Strategy: "spread" });

    await expect(create({ GroupName: "one", Strategy: "spread" })).rejects.toMatchObject({
      name: "InvalidPlacementGroup.Duplicate",
    });
  });

  it.each([
    [{ Strategy: "partition", PartitionCount: 8 }, "InvalidParameterValue"],
    [{ Strategy: "spread", PartitionCount: 2 }, "InvalidParameterCombination"],
    [{ Strategy: "heap" }, "InvalidParameterValue"],
    [{ GroupName: "" }, "InvalidParameterValue"],
  ])("is refused with %o", async (input, name) => {
    const { create } = createGroups();

    await expect(create({ GroupName: "one", ...Object(input) })).rejects.toMatchObject({ name });
  });

  it("goes once nothing runs in it", async () => {
    const { sim, create, find, remove } = createGroups();
    await create({ GroupName: "one", Strategy: "cluster" });
    const facts = { imageId: "ami-1", subnetId: "subnet-1", vpcId: "vpc-1", availabilityZone: "eu-west-1a" };
    const launch = { ...facts, securityGroupIds: [], placementGroup: "one", isSpot: false };
    const id = sim.ec2.addInstance({ account: ACCOUNT, region: "eu-west-1", launch });

    await expect(remove("one")).rejects.toMatchObject({ name: "InvalidPlacementGroup.InUse" });
    sim.ec2.changeState(id, "terminated");
    await remove("one");

    expect(await find("one")).toEqual([]);
    await expect(remove("one")).rejects.toMatchObject({ name: "InvalidPlacementGroup.Unknown" });
  });

  it("is seen late where EC2 is late", async () => {
    const { sim, clock, create, find } = createGroups();
    sim.ec2.set({ describeLagMs: 3_000 });
    await create({ GroupName: "one", Strategy: "cluster" });

    expect(await find("one")).toEqual([]);
    await clock.advance(3_000);

    expect(await find("one")).toHaveLength(1);
  });
});
