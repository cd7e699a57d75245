import { DescribeInstanceInformationCommand, type DescribeInstanceInformationCommandInput } from "@aws-sdk/client-ssm";
import { describe, expect, it } from "vitest";
import { createFleet } from "../testing/a-world.ts";

function createNodes() {
  const fleet = createFleet();
  const look = async (input: DescribeInstanceInformationCommandInput = {}) => {
    const { InstanceInformationList = [], NextToken } = await fleet.ssm.send(
      new DescribeInstanceInformationCommand(input),
    );
    return {
      list: InstanceInformationList,
      ids: InstanceInformationList.map(({ InstanceId }) => InstanceId),
      NextToken,
    };
  };
  const filter = (...filters: [string, ...string[]][]) =>
    look({ Filters: filters.map(([Key, ...Values]) => ({ Key, Values })) });
  return { ...fleet, look, filter };
}

describe("DescribeInstanceInformation", () => {
  it("knows an instance when its agent has registered, and leaves out others without an error", async () => {
    const { addNode, filter, clock } = createNodes();
    const id = addNode({ registersAt: clock.now() + 90_000 });

    expect((await filter(["InstanceIds", id])).list).toEqual([]);
    await clock.advance(90_000);

    expect((await filter(["InstanceIds", id])).list).toMatchObject([
      { InstanceId: id, PingStatus: "Online", PlatformType: "Linux", ResourceType: "EC2Instance" },
    ]);
  });

  it("reports agents that are lost and come back", async () => {
    const { addNode, filter, sim, clock } = createNodes();
    const id = addNode();
    sim.ssm.changePing(id, "ConnectionLost");
    sim.ssm.changePing(id, "Online", clock.now() + 1_000);

    expect((await filter(["PingStatus", "ConnectionLost"])).ids).toEqual([id]);
    await clock.advance(1_000);

    expect((await filter(["PingStatus", "Online"])).ids).toEqual([id]);
    expect(() => sim.ssm.changePing("i-0", "Online")).toThrow("no agent on i-0");
  });

  it("forgets terminated instances", async () => {
    const { addNode, look, sim } = createNodes();
    sim.ec2.changeState(addNode(), "terminated");

    expect((await look()).ids).toEqual([]);
  });

  it("answers in pages of 5 to 50, 10 by itself", async () => {
    const { addNode, look } = createNodes();
    const ids = Array.from({ length: 12 }, () => addNode());

    const first = await look();
    const second = await look({ NextToken: first.NextToken });

    expect([first.ids.length, [...first.ids, ...second.ids]]).toEqual([10, ids]);
    for (const MaxResults of [4, 51]) {
      await expect(look({ MaxResults })).rejects.toMatchObject({ name: "ValidationException" });
    }
  });

  it("filters by tags, which stand alone", async () => {
    const { addNode, filter } = createNodes();
    const id = addNode({ tags: { role: "web" } });
    addNode({ tags: { role: "db" } });

    expect((await filter(["tag:role", "web"])).ids).toEqual([id]);
    expect((await filter(["tag-key", "role"])).ids).toHaveLength(2);
    await expect(filter(["tag:role", "web"], ["InstanceIds", id])).rejects.toMatchObject({ name: "InvalidFilterKey" });
  });

  it("refuses keys, values and mixtures that it does not know", async () => {
    const { filter, look } = createNodes();
    const old = [{ key: "InstanceIds" as const, valueSet: ["i-1"] }];

    await expect(filter(["Colour", "red"])).rejects.toMatchObject({ name: "InvalidFilterKey" });
    await expect(filter(["PingStatus", "Gone"])).rejects.toMatchObject({
      name: "InvalidInstanceInformationFilterValue",
    });
    await expect(filter(["InstanceIds"])).rejects.toMatchObject({ name: "ValidationException" });
    await expect(
      look({ InstanceInformationFilterList: old, Filters: [{ Key: "InstanceIds", Values: ["i-1"] }] }),
    ).rejects.toMatchObject({ name: "ValidationException" });
    expect((await look({ InstanceInformationFilterList: old })).ids).toEqual([]);
  });

  it("knows nodes outside of EC2, with tags of their own", async () => {
    const { sim, filter } = createNodes();
    const instanceId = "mi-0123456789abcdef0";
    sim.ssm.addAgent({ account: "111122223333", region: "eu-west-1", instanceId, tags: { site: "north" } });

    expect((await filter(["ResourceType", "ManagedInstance"])).ids).toEqual([instanceId]);
    expect((await filter(["tag:site", "north"])).ids).toEqual([instanceId]);
  });
});
