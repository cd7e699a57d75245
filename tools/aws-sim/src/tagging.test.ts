import {
  GetResourcesCommand,
  type GetResourcesCommandInput,
  ResourceGroupsTaggingAPIClient,
} from "@aws-sdk/client-resource-groups-tagging-api";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "./testing/a-world.ts";

const region = "eu-west-1";

function createTagged() {
  const world = createWorld();
  const client = world.client(ResourceGroupsTaggingAPIClient);
  const get = async (input: GetResourcesCommandInput = {}) => client.send(new GetResourcesCommand(input));
  const list = async (input: GetResourcesCommandInput = {}) =>
    (await get(input)).ResourceTagMappingList?.map(({ ResourceARN }) => ResourceARN);
  return { ...world, tagging: world.sim.tagging, get, list };
}

describe("GetResources", () => {
  it("finds resources of its account and region by all of the tags", async () => {
    const { tagging, get, list } = createTagged();
    tagging.add({ account: ACCOUNT, region, arn: "arn:1", tags: { yard: "main", stack: "pr-1" } });
    tagging.add({ account: ACCOUNT, region, arn: "arn:2", tags: { yard: "main", stack: "pr-2" } });
    tagging.add({ account: ACCOUNT, region: "us-east-1", arn: "arn:3", tags: { yard: "main", stack: "pr-1" } });
    tagging.add({ account: OTHER, region, arn: "arn:4", tags: { yard: "main", stack: "pr-1" } });

    const TagFilters = [{ Key: "yard" }, { Key: "stack", Values: ["pr-1", "pr-9"] }];

    expect(await list({ TagFilters })).toEqual(["arn:1"]);
    expect(await get({ TagFilters })).toMatchObject({ PaginationToken: "" });
    expect(await list()).toEqual(["arn:1", "arn:2"]);
  });

  it("lists deleted resources for a while, and new ones later", async () => {
    const { tagging, clock, list } = createTagged();
    tagging.add({ account: ACCOUNT, region, arn: "arn:1", tags: {} });
    tagging.add({ account: ACCOUNT, region, arn: "arn:2", tags: {} }, 5_000);
    tagging.remove("arn:1", 10_000);

    expect(await list()).toEqual(["arn:1"]);
    await clock.advance(10_000);
    expect(await list()).toEqual(["arn:2"]);
  });

  it("has pages, whose tokens expire", async () => {
    const { tagging, clock, get, list } = createTagged();
    for (let index = 0; index < 3; index++) tagging.add({ account: ACCOUNT, region, arn: `arn:${index}`, tags: {} });

    const { PaginationToken } = await get({ ResourcesPerPage: 2 });

    expect(await list({ ResourcesPerPage: 2, PaginationToken })).toEqual(["arn:2"]);
    await clock.advance(15 * 60_000 + 1);
    await expect(get({ PaginationToken })).rejects.toMatchObject({ name: "PaginationTokenExpiredException" });
  });

  it.each([
    { ResourcesPerPage: 101 },
    { ResourcesPerPage: 0 },
    { PaginationToken: "x" },
    { TagFilters: Array.from({ length: 51 }, (_, index) => ({ Key: `k${index}` })) },
    { TagFilters: [{ Key: "k", Values: Array.from({ length: 21 }, String) }] },
    { TagFilters: [{ Key: "k", Values: ["x".repeat(257)] }] },
    { TagFilters: [{ Key: "" }] },
  ])("refuses a request beyond its limits: %#", async (input) => {
    await expect(createTagged().get(input)).rejects.toMatchObject({ name: "InvalidParameterException" });
  });

  it("needs a permission", async () => {
    const { sim, client } = createTagged();
    const reader = sim.iam.addUser({ account: ACCOUNT, name: "reader", allow: ["s3:*"] });

    const call = client(ResourceGroupsTaggingAPIClient, reader).send(new GetResourcesCommand({}));

    await expect(call).rejects.toMatchObject({ name: "AccessDeniedException" });
  });
});
