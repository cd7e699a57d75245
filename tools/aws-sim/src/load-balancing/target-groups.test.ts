import {
  DescribeTagsCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  type DescribeTargetGroupsCommandInput,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  ModifyTargetGroupAttributesCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "../testing/a-world.ts";

const PLACE = { account: ACCOUNT, region: "eu-west-1" };

function createElb(names: readonly string[] = ["web"]) {
  const world = createWorld();
  const arns = names.map((name) => world.sim.loadBalancing.addTargetGroup({ ...PLACE, name }));
  const elb = world.client(ElasticLoadBalancingV2Client);
  const [arn = ""] = arns;
  const list = async (input: DescribeTargetGroupsCommandInput = {}) => {
    const { TargetGroups = [], NextMarker } = await elb.send(new DescribeTargetGroupsCommand(input));
    return { names: TargetGroups.map(({ TargetGroupName }) => TargetGroupName), NextMarker };
  };
  const states = async () => {
    const { TargetHealthDescriptions = [] } = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: arn }));
    return TargetHealthDescriptions.map(({ Target, TargetHealth }) => [Target?.Id, Target?.Port, TargetHealth?.State]);
  };
  return { ...world, elb, arns, arn, list, states };
}

describe("target groups", () => {
  it("are found by name and by ARN, and one that is missing fails all", async () => {
    const { list, arns } = createElb(["web", "api"]);

    expect(await list({ Names: ["api"] })).toEqual({ names: ["api"], NextMarker: undefined });
    expect(await list({ TargetGroupArns: arns })).toEqual({ names: ["web", "api"], NextMarker: undefined });
    await expect(list({ Names: ["api", "none"] })).rejects.toMatchObject({
      name: "TargetGroupNotFoundException",
      message: "One or more target groups not found",
    });
    await expect(list({ Names: ["api"], TargetGroupArns: arns })).rejects.toMatchObject({ name: "ValidationError" });
  });

  it("come in pages", async () => {
    const { list } = createElb(["a", "b", "c"]);

    const first = await list({ PageSize: 2 });
    const last = await list({ PageSize: 2, ...(first.NextMarker && { Marker: first.NextMarker }) });

    expect([first.names, last]).toEqual([["a", "b"], { names: ["c"], NextMarker: undefined }]);
    await expect(list({ PageSize: 401 })).rejects.toMatchObject({ name: "ValidationError" });
    await expect(list({ Marker: "x" })).rejects.toMatchObject({ name: "ValidationError" });
  });

  it("are those of the caller's account and region", async () => {
    const { sim, client, list, arn } = createElb([]);
    const other = sim.loadBalancing.addTargetGroup({ account: OTHER, region: "eu-west-1", name: "web" });
    sim.loadBalancing.addTargetGroup({ ...PLACE, region: "us-east-1", name: "web" });

    expect([arn, await list()]).toEqual(["", { names: [], NextMarker: undefined }]);
    await expect(
      client(ElasticLoadBalancingV2Client).send(new DescribeTargetHealthCommand({ TargetGroupArn: other })),
    ).rejects.toMatchObject({ name: "TargetGroupNotFoundException" });
  });

  it("return their tags, up to 20 at a time", async () => {
    const { sim, elb } = createElb([]);
    const arn = sim.loadBalancing.addTargetGroup({ ...PLACE, name: "web", tags: { ProjectName: "shop" } });
    const read = (ResourceArns: string[]) => elb.send(new DescribeTagsCommand({ ResourceArns }));

    expect((await read([arn])).TagDescriptions).toEqual([
      { ResourceArn: arn, Tags: [{ Key: "ProjectName", Value: "shop" }] },
    ]);
    await expect(read(Array.from({ length: 21 }, () => arn))).rejects.toMatchObject({ name: "ValidationError" });
    await expect(read([])).rejects.toMatchObject({ name: "ValidationError" });
    await expect(read([arn, "none"])).rejects.toMatchObject({ name: "TargetGroupNotFoundException" });
  });

  it("have a slow start and a delay that can be changed within their ranges", async () => {
    const { sim, elb } = createElb();
    const input = { ...PLACE, name: "slow", slowStartSeconds: 120, deregistrationDelaySeconds: 30 };
    const TargetGroupArn = sim.loadBalancing.addTargetGroup(input);
    const read = async () => {
      const { Attributes = [] } = await elb.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn }));
      const values = Object.fromEntries(Attributes.map(({ Key = "", Value }) => [Key, Value]));
      return [values["slow_start.duration_seconds"], values["deregistration_delay.timeout_seconds"]];
    };
    const change = (Key: string, Value: string) =>
      elb.send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn, Attributes: [{ Key, Value }] }));

    expect(await read()).toEqual(["120", "30"]);
    await change("slow_start.duration_seconds", "0");
    expect(await read()).toEqual(["0", "30"]);
    for (const [key, value] of [
      ["slow_start.duration_seconds", "29"],
      ["deregistration_delay.timeout_seconds", "3601"],
      ["deregistration_delay.timeout_seconds", "x"],
      ["colour", "1"],
    ] as const) {
      await expect(change(key, value)).rejects.toMatchObject({ name: "ValidationError" });
    }
  });
});

describe("targets", () => {});
