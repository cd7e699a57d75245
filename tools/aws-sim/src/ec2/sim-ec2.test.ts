import { DescribeInstancesCommand, type DescribeInstancesCommandInput, EC2Client } from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "../testing/a-world.ts";

const REGION = "eu-west-1";
const ID = "i-0123456789abcdef0";

function createFleet() {
  const world = createWorld();
  const ec2 = world.client(EC2Client);
  const describeIt = async (input: DescribeInstancesCommandInput = {}) => {
    const answer = await ec2.send(new DescribeInstancesCommand(input));
    const instances = answer.Reservations?.flatMap(({ Instances = [] }) => Instances) ?? [];
    return { ...answer, instances, ids: instances.map(({ InstanceId }) => InstanceId) };
  };
  const add = (input: object = {}) => world.sim.ec2.addInstance({ account: ACCOUNT, region: REGION, ...input });
  const filter = (Name: string, ...Values: string[]) => describeIt({ Filters: [{ Name, Values }] });
  return { ...world, ec2, describeIt, add, filter };
}

describe("DescribeInstances", () => {
  it("returns an instance's state, tags and platform", async () => {
    const { add, describeIt } = createFleet();
    add({ instanceId: ID, tags: { Ansible_Roles: "web,app" }, platform: "windows" });

    expect((await describeIt()).instances).toMatchObject([
      {
        InstanceId: ID,
        State: { Code: 16, Name: "running" },
        Platform: "windows",
        Tags: [{ Key: "Ansible_Roles", Value: "web,app" }],
      },
    ]);
  });

  it("shows the caller's own account and region only", async () => {
    const { add, describeIt } = createFleet();
    add({ account: OTHER });
    add({ region: "us-east-1" });

    expect((await describeIt()).ids).toEqual([]);
  });

  it("groups what was launched together", async () => {
    const { add, describeIt } = createFleet();
    add({ reservationId: "r-1" });
    add({ reservationId: "r-1" });
    add();

    const { Reservations } = await describeIt();

    expect(Reservations?.map(({ Instances }) => Instances?.length)).toEqual([2, 1]);
  });

  it("ANDs filters and ORs their values", async () => {
    const { add, describeIt } = createFleet();
    const first = add({ tags: { has_ssm_agent: "true" } });
    const second = add({ tags: { has_ssm_agent: "True" } });
    add({ tags: { has_ssm_agent: "true" }, state: "stopped" });
    add({ tags: { has_ssm_agent: "TRUE" } });

    const { ids } = await describeIt({
      Filters: [
        { Name: "tag:has_ssm_agent", Values: ["true", "True"] },
        { Name: "instance-state-name", Values: ["running"] },
      ],
    });

    expect(ids).toEqual([first, second]);
  });

  it.each([
    ["a*", ["a1", "a22"]],
    ["a?", ["a1"]],
    ["a\\?", ["a?"]],
    ["a\\*", ["a*"]],
    ["a.", ["a."]],
  ])("reads %s as EC2 reads patterns", async (pattern, expected) => {
    const { add, filter } = createFleet();
    for (const value of ["a1", "a22", "b1"]) add({ tags: { Name: value } });
    for (const value of expected) if (!/^a\d/.test(value)) add({ tags: { Name: value } });

    const { instances } = await filter("tag:Name", pattern);

    const found = instances.map(({ Tags }) => Tags?.[0]?.Value);
    expect(found).toEqual(expected);
  });

  it("finds by tag key and id, and refuses filters that there are not", async () => {
    const { add, filter } = createFleet();
    const id = add({ tags: { a: "" } });
    add();

    expect((await filter("tag-key", "a")).ids).toEqual([id]);
    expect((await filter("instance-id", id)).ids).toEqual([id]);
    await expect(filter("colour", "red")).rejects.toMatchObject({ name: "InvalidParameterValue" });
    await expect(filter("tag-key", ...Array.from({ length: 201 }, String))).rejects.toMatchObject({
      name: "InvalidParameterValue",
    });
  });

  it("answers in pages of 5 to 1,000", async () => {
    const { add, describeIt } = createFleet();
    const all = Array.from({ length: 12 }, () => add());

    const first = await describeIt({ MaxResults: 5 });
    const second = await describeIt({ MaxResults: 5, NextToken: first.NextToken });
    const third = await describeIt({ MaxResults: 5, NextToken: second.NextToken });

    expect([...first.ids, ...second.ids, ...third.ids]).toEqual(all);
    expect(third.NextToken).toBeUndefined();
    for (const MaxResults of [4, 1_001]) {
      await expect(describeIt({ MaxResults })).rejects.toMatchObject({ name: "InvalidParameterValue" });
    }
    await expect(describeIt({ MaxResults: 5, InstanceIds: [all[0] ?? ""] })).rejects.toMatchObject({
      name: "InvalidParameterCombination",
    });
    await expect(describeIt({ MaxResults: 5, NextToken: "x" })).rejects.toMatchObject({
      name: "InvalidParameterValue",
    });
  });

  it("does not know an instance that was launched just now", async () => {
    const { add, describeIt, clock } = createFleet();
    add({ instanceId: ID, state: "pending", visibleAt: clock.now() + 2_000 });

    await expect(describeIt({ InstanceIds: [ID] })).rejects.toMatchObject({
      name: "InvalidInstanceID.NotFound",
      message: `The instance ID '${ID}' does not exist`,
    });
    expect((await describeIt()).ids).toEqual([]);
    await clock.advance(2_000);

    expect((await describeIt({ InstanceIds: [ID] })).ids).toEqual([ID]);
  });

  it("refuses all ids when one is unknown or none", async () => {
    const { add, describeIt } = createFleet();
    add({ instanceId: ID });

    await expect(describeIt({ InstanceIds: [ID, "i-00000001", "i-00000002"] })).rejects.toMatchObject({
      name: "InvalidInstanceID.NotFound",
      message: "The instance IDs 'i-00000001, i-00000002' do not exist",
    });
    await expect(describeIt({ InstanceIds: ["x"] })).rejects.toMatchObject({ name: "InvalidInstanceID.Malformed" });
  });

  it("lets states come and go by the clock, and forgets what was terminated an hour ago", async () => {
    const { add, describeIt, clock, sim } = createFleet();
    add({ instanceId: ID, state: "pending" });
    sim.ec2.changeState(ID, "running", clock.now() + 10_000);
    const state = async () => (await describeIt({ InstanceIds: [ID] })).instances[0]?.State?.Name;

    expect(await state()).toBe("pending");
    await clock.advance(10_000);
    expect(await state()).toBe("running");
    sim.ec2.changeState(ID, "terminated");
    expect(await state()).toBe("terminated");
    await clock.advance(3_600_000);

    expect((await describeIt()).ids).toEqual([]);
  });

  it("has another launch time when it is started after a stop", async () => {
    const { add, describeIt, clock, sim } = createFleet();
    add({ instanceId: ID });
    const launched = async () => (await describeIt()).instances[0]?.LaunchTime?.getTime();
    const first = clock.now();

    sim.ec2.changeState(ID, "stopped", first + 1_000);
    sim.ec2.changeState(ID, "pending", first + 2_000);
    sim.ec2.changeState(ID, "running", first + 3_000);
    await clock.advance(1_000);
    expect(await launched()).toBe(first);
    await clock.advance(9_000);

    expect(await launched()).toBe(first + 2_000);
  });

  it("is throttled, refused and unknown in the words of EC2", async () => {
    const { client, sim, describeIt } = createFleet();
    const describeAs = (as: object) => client(EC2Client, as as never).send(new DescribeInstancesCommand({}));
    sim.limit("EC2", { perSecond: 1 });
    await describeIt();

    await expect(describeIt()).rejects.toMatchObject({
      name: "RequestLimitExceeded",
      $metadata: { httpStatusCode: 503 },
    });
    await expect(describeAs({ accessKeyId: "AKIAX", secretAccessKey: "x" })).rejects.toMatchObject({
      name: "AuthFailure",
    });
    await expect(describeAs(sim.iam.addUser({ account: ACCOUNT, name: "weak", allow: [] }))).rejects.toMatchObject({
      name: "UnauthorizedOperation",
    });
  });
});
