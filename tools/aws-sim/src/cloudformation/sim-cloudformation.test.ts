import {
  CloudFormationClient,
  CreateChangeSetCommand,
  type CreateChangeSetCommandInput,
  DeleteChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  paginateDescribeStackEvents,
} from "@aws-sdk/client-cloudformation";
import { describe, expect, it } from "vitest";
import { ACCOUNT, BUCKET, createWorld, OTHER } from "../testing/a-world.ts";

const queue = (QueueName?: string) => ({ Type: "AWS::SQS::Queue", Properties: QueueName ? { QueueName } : {} });

function aTemplate(Resources: object = { Queue: queue() }, rest: object = {}): string {
  return JSON.stringify({ Resources, ...rest });
}

function createYard() {
  const world = createWorld();
  const client = world.client(CloudFormationClient);
  const { sim, clock } = world;

  async function create(TemplateBody: string, input: Partial<CreateChangeSetCommandInput> = {}) {
    const names = { StackName: "yard", ChangeSetName: "set", ChangeSetType: "CREATE" as const };
    return client.send(new CreateChangeSetCommand({ ...names, TemplateBody, ...input }));
  }

  async function execute(ChangeSetName = "set") {
    await clock.advance(2_000);
    await client.send(new ExecuteChangeSetCommand({ StackName: "yard", ChangeSetName }));
  }

  async function make(TemplateBody: string, input: Partial<CreateChangeSetCommandInput> = {}) {
    await create(TemplateBody, input);
    await execute(input.ChangeSetName);
    await clock.advance(300_000);
  }

  async function status(StackName = "yard") {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    return stack?.StackStatus;
  }

  async function events(StackName = "yard") {
    const found: string[] = [];
    for await (const { StackEvents = [] } of paginateDescribeStackEvents({ client }, { StackName })) {
      found.push(...StackEvents.map((event) => `${event.LogicalResourceId} ${event.ResourceStatus}`));
    }
    return found.toReversed();
  }

  const update = { ChangeSetType: "UPDATE", ChangeSetName: "next" } as const;
  return { ...world, sim, client, create, execute, make, status, events, update };
}

describe("a change set", () => {
  it("is evaluated after a while, and lists its changes", async () => {
    const { create, client, clock } = createYard();
    await create(aTemplate());
    const describeIt = () => client.send(new DescribeChangeSetCommand({ StackName: "yard", ChangeSetName: "set" }));

    expect(await describeIt()).toMatchObject({ Status: "CREATE_IN_PROGRESS", Changes: [] });
    await clock.advance(2_000);

    expect(await describeIt()).toMatchObject({
      Status: "CREATE_COMPLETE",
      ExecutionStatus: "AVAILABLE",
      Changes: [{ ResourceChange: { Action: "Add", LogicalResourceId: "Queue", ResourceType: "AWS::SQS::Queue" } }],
    });
  });

  it("without changes fails, and says so", async () => {
    const { make, create, client, clock, update } = createYard();
    await make(aTemplate());
    await create(aTemplate(), update);
    await clock.advance(2_000);

    const found = await client.send(new DescribeChangeSetCommand({ StackName: "yard", ChangeSetName: "next" }));

    expect(found).toMatchObject({ Status: "FAILED", StatusReason: expect.stringContaining("didn't contain changes") });
    await expect(
      client.send(new ExecuteChangeSetCommand({ StackName: "yard", ChangeSetName: "next" })),
    ).rejects.toMatchObject({ name: "InvalidChangeSetStatusException" });
  });

  it("of other tags changes something", async () => {
    const { make, create, client, clock, update } = createYard();
    await make(aTemplate());
    await create(aTemplate(), { ...update, Tags: [{ Key: "a", Value: "1" }] });
    await clock.advance(2_000);

    const found = await client.send(new DescribeChangeSetCommand({ StackName: "yard", ChangeSetName: "next" }));

    expect(found.Status).toBe("CREATE_COMPLETE");
  });

  it("says what is made anew because its name changes", async () => {
    const { make, create, client, clock, update } = createYard();
    await make(aTemplate({ A: queue("a"), B: queue(), C: queue() }));
    const changed = { A: queue("other"), B: { Type: "AWS::SQS::Queue", Properties: { DelaySeconds: 1 } } };
    await create(aTemplate(changed), update);
    await clock.advance(2_000);

    const { Changes = [] } = await client.send(
      new DescribeChangeSetCommand({ StackName: "yard", ChangeSetName: "next" }),
    );

    expect(
      Changes.map(({ ResourceChange: change }) => [change?.LogicalResourceId, change?.Action, change?.Replacement]),
    ).toEqual([
      ["A", "Modify", "True"],
      ["B", "Modify", "False"],
      ["C", "Remove", undefined],
    ]);
  });

  it("is executed once, and gone when it is deleted", async () => {
    const { create, execute, client } = createYard();
    await create(aTemplate());
    await execute();

    await expect(execute()).rejects.toMatchObject({ name: "InvalidChangeSetStatusException" });
    await client.send(new DeleteChangeSetCommand({ StackName: "yard", ChangeSetName: "set" }));
    await expect(execute()).rejects.toMatchObject({ name: "ChangeSetNotFoundException" });
  });

  it.each([
    ["an update of nothing", aTemplate(), { ChangeSetType: "UPDATE" }, "Stack 'yard' does not exist"],
    ["a name with a slash", aTemplate(), { StackName: "a/b" }, "'stackName' failed to satisfy constraint"],
    ["no template", undefined, {}, "Either Template URL or Template Body must be specified."],
    ["what is not JSON", "{", {}, "JSON not well-formed"],
    ["no resources", "{}", {}, "At least one Resources member must be defined"],
    [
      "a template of 51,201 bytes",
      `${aTemplate()}${" ".repeat(51_201 - aTemplate().length)}`,
      {},
      "less than or equal to 51200",
    ],
    [
      "a template that is nowhere",
      undefined,
      { TemplateURL: `https://${BUCKET}.s3.eu-west-1.amazonaws.com/t.json` },
      "S3 error",
    ],
    ["another host", undefined, { TemplateURL: "https://example.org/t.json" }, "must be a supported URL"],
    [
      "501 resources",
      aTemplate(Object.fromEntries(Array.from({ length: 501 }, (_, n) => [`Q${n}`, { Type: "T" }]))),
      {},
      "greater than maximum allowed, 500",
    ],
  ])("is refused for %s", async (_, TemplateBody, input, why) => {
    const { client } = createYard();
    const names = { StackName: "yard", ChangeSetName: "set", ChangeSetType: "CREATE", TemplateBody };

    await expect(client.send(new CreateChangeSetCommand({ ...names, ...input } as never))).rejects.toMatchObject({
      name: "ValidationError",
      $metadata: { httpStatusCode: 400 },
      message: expect.stringContaining(why),
    });
  });

  it("takes a large template from S3", async () => {
    const { client, sim, clock, execute, status } = createYard();
    sim.s3.write(BUCKET, "t.json", aTemplate({ Queue: queue() }, { Description: "x".repeat(60_000) }));

    const TemplateURL = `https://${BUCKET}.s3.eu-west-1.amazonaws.com/t.json`;
    await client.send(
      new CreateChangeSetCommand({ StackName: "yard", ChangeSetName: "set", ChangeSetType: "CREATE", TemplateURL }),
    );
    await execute();
    await clock.advance(60_000);

    expect(await status()).toBe("CREATE_COMPLETE");
  });

  it.each([
    [{ Type: "AWS::IAM::Role", Properties: {} }, [], "CAPABILITY_IAM"],
    [{ Type: "AWS::IAM::Role", Properties: { RoleName: "r" } }, ["CAPABILITY_IAM"], "CAPABILITY_NAMED_IAM"],
  ])("with roles requires the capability", async (Role, Capabilities, needed) => {
    const { create } = createYard();

    await expect(create(aTemplate({ Role }), { Capabilities: Capabilities as never })).rejects.toMatchObject({
      name: "InsufficientCapabilitiesException",
      message: `Requires capabilities : [${needed}]`,
    });
    await create(aTemplate({ Role }), { Capabilities: [needed as never] });
  });
});

describe("parameters", () => {
  const Parameters = {
    Name: { Type: "String", AllowedPattern: "[a-z]+" },
    Size: { Type: "Number", Default: 1, AllowedValues: [1, 2] },
    Secret: { Type: "String", Default: "", NoEcho: true },
    Zones: { Type: "CommaDelimitedList", Default: "a,b", AllowedPattern: "[a-z]" },
  };
  const template = aTemplate(
    {
      Named: { Type: "AWS::SQS::Queue", Properties: { QueueName: { "Fn::Sub": `\${Name}-\${AWS::Region}` } } },
      Big: { Type: "AWS::SQS::Queue", Condition: "IsBig", Properties: { Delay: { Ref: "Size" } } },
    },
    {
      Parameters,
      Conditions: { IsBig: { "Fn::Not": [{ "Fn::Equals": [{ Ref: "Size" }, "1"] }] } },
      Outputs: {
        Name: { Value: { "Fn::Join": ["-", ["q", { Ref: "Name" }]] } },
        Big: { Condition: "IsBig", Value: "yes" },
        Kind: { Value: { "Fn::If": ["IsBig", "big", "small"] } },
      },
    },
  );
  const given = (ParameterKey: string, ParameterValue: string) => ({ ParameterKey, ParameterValue });

  it("are put in, with conditions, and show in the stack", async () => {
    const { make, client, events } = createYard();

    await make(template, { Parameters: [given("Name", "a"), given("Secret", "x")] });

    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: "yard" }));
    expect(stack?.Parameters).toEqual([
      given("Name", "a"),
      given("Secret", "****"),
      given("Size", "1"),
      given("Zones", "a,b"),
    ]);
    expect(stack?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue])).toEqual([
      ["Name", "q-a"],
      ["Kind", "small"],
    ]);
    expect(await events()).not.toContain("Big CREATE_COMPLETE");
  });

  it("are kept if the template requests it", async () => {
    const { make, client, update, status } = createYard();
    await make(template, { Parameters: [given("Name", "a")] });

    await make(template, {
      ...update,
      Parameters: [{ ParameterKey: "Name", UsePreviousValue: true }, given("Size", "2")],
    });

    expect(await status()).toBe("UPDATE_COMPLETE");
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: "yard" }));
    expect(stack?.Outputs).toContainEqual({ OutputKey: "Kind", OutputValue: "big" });
  });

  it.each([
    [[], "Parameters: [Name] must have values"],
    [[given("Name", "a"), given("Other", "b")], "Parameters: [Other] do not exist in the template"],
    [[given("Name", "A")], "Parameter Name failed to satisfy constraint: must match pattern [a-z]+"],
    [
      [given("Name", "a"), given("Zones", "a,*")],
      "Parameter Zones failed to satisfy constraint: must match pattern [a-z]",
    ],
    [[given("Name", "a"), given("Size", "3")], "Parameter 'Size' must be one of AllowedValues"],
    [[{ ParameterKey: "Name", UsePreviousValue: true }], "Cannot specify usePreviousValue as true"],
  ])("are refused: %j", async (given, why) => {
    const { create } = createYard();

    await expect(create(template, { Parameters: given })).rejects.toThrow(why);
  });
});

describe("a stack", () => {
  it("is in review until its first change set is executed, and then goes through its events", async () => {
    const { create, execute, status, clock, events } = createYard();
    await create(aTemplate());
    expect(await status()).toBe("REVIEW_IN_PROGRESS");
    await execute();
    expect(await status()).toBe("CREATE_IN_PROGRESS");

    await clock.advance(60_000);

    expect(await status()).toBe("CREATE_COMPLETE");
    expect(await events()).toEqual([
      "yard REVIEW_IN_PROGRESS",
      "yard CREATE_IN_PROGRESS",
      "Queue CREATE_IN_PROGRESS",
      "Queue CREATE_IN_PROGRESS",
      "Queue CREATE_COMPLETE",
      "yard CREATE_COMPLETE",
    ]);
  });

  it("is rolled back when a resource fails; the one in progress is cancelled", async () => {
    const { make, sim, status, events, create } = createYard();
    sim.cloudFormation.failResource({ logicalId: "B", reason: "No." });

    await make(aTemplate({ A: queue(), B: queue(), C: queue() }));

    expect(await status()).toBe("ROLLBACK_COMPLETE");
    expect((await events()).slice(5)).toEqual([
      "B CREATE_IN_PROGRESS",
      "C CREATE_IN_PROGRESS",
      "B CREATE_FAILED",
      "C CREATE_FAILED",
      "yard ROLLBACK_IN_PROGRESS",
      "A DELETE_IN_PROGRESS",
      "A DELETE_COMPLETE",
      "yard ROLLBACK_COMPLETE",
    ]);
    await expect(create(aTemplate(), { ChangeSetType: "UPDATE", ChangeSetName: "next" })).rejects.toThrow(
      "is in ROLLBACK_COMPLETE state and can not be updated.",
    );
  });

  it("keeps what is retained, unless the call says that new things go", async () => {
    const retained = { Type: "AWS::DynamoDB::Table", DeletionPolicy: "Retain", Properties: {} };
    for (const [RetainExceptOnCreate, expected] of [
      [false, "DELETE_SKIPPED"],
      [true, "DELETE_COMPLETE"],
    ] as const) {
      const { create, sim, clock, client, events } = createYard();
      sim.cloudFormation.failResource({ logicalId: "B", reason: "No." });
      await create(aTemplate({ Table: retained, B: queue() }));
      await clock.advance(2_000);

      await client.send(new ExecuteChangeSetCommand({ StackName: "yard", ChangeSetName: "set", RetainExceptOnCreate }));
      await clock.advance(60_000);

      expect(await events()).toContain(`Table ${expected}`);
    }
  });

  it("is stuck when undoing fails", async () => {
    const { make, sim, status } = createYard();
    sim.cloudFormation.failResource({ logicalId: "B", reason: "No." });
    sim.cloudFormation.failResource({ logicalId: "A", reason: "In use.", phase: "undo" });

    await make(aTemplate({ A: queue(), B: queue() }));

    expect(await status()).toBe("ROLLBACK_FAILED");
  });

  it("is as before when an update fails", async () => {
    const { make, sim, status, update, client, clock, create } = createYard();
    await make(aTemplate({ A: queue() }));
    sim.cloudFormation.failResource({ logicalId: "B", reason: "No." });

    await make(aTemplate({ A: { ...queue(), Properties: { Delay: 1 } }, B: queue() }), update);

    expect(await status()).toBe("UPDATE_ROLLBACK_COMPLETE");
    await create(aTemplate({ A: queue() }), { ...update, ChangeSetName: "same" });
    await clock.advance(2_000);
    const same = await client.send(new DescribeChangeSetCommand({ StackName: "yard", ChangeSetName: "same" }));
    expect(same.Status).toBe("FAILED");
  });

  it("takes no second change while one is at work", async () => {
    const { make, create, execute, update } = createYard();
    await make(aTemplate());
    await create(aTemplate({ Other: queue() }), update);
    await execute("next");

    await expect(create(aTemplate(), { ...update, ChangeSetName: "third" })).rejects.toThrow(
      "is in UPDATE_IN_PROGRESS state and can not be updated.",
    );
  });

  it("cannot take a name that something else has", async () => {
    const { make, sim, status, client } = createYard();
    sim.cloudFormation.takeName("AWS::SQS::Queue", "stack-events");

    await make(aTemplate({ Queue: queue("stack-events") }));

    expect(await status()).toBe("ROLLBACK_COMPLETE");
    const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName: "yard" }));
    const failed = StackEvents.find(({ ResourceStatus }) => ResourceStatus === "CREATE_FAILED");
    expect(failed?.ResourceStatusReason).toContain("with identifier 'stack-events' already exists.");
  });

  it.each([
    ["is there", "code.zip", "CREATE_COMPLETE"],
    ["is not there", "other.zip", "ROLLBACK_COMPLETE"],
  ])("has a function when its code %s", async (_, S3Key, expected) => {
    const { make, sim, status } = createYard();
    sim.s3.write(BUCKET, "code.zip", "x");

    await make(aTemplate({ F: { Type: "AWS::Lambda::Function", Properties: { Code: { S3Bucket: BUCKET, S3Key } } } }));

    expect(await status()).toBe(expected);
  });

  it("is found by its id after it was deleted, and its name is free again", async () => {
    const { make, client, clock, status, create } = createYard();
    await make(aTemplate());
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: "yard" }));
    await client.send(new DeleteStackCommand({ StackName: "yard" }));
    await clock.advance(60_000);

    await expect(status()).rejects.toMatchObject({
      name: "ValidationError",
      message: "Stack with id yard does not exist",
    });
    expect(await status(stack?.StackId)).toBe("DELETE_COMPLETE");
    await create(aTemplate());
    expect(await status()).toBe("REVIEW_IN_PROGRESS");
    await client.send(new DeleteStackCommand({ StackName: "missing" }));
  });

  it("is seen by its own account and region only", async () => {
    const world = createWorld();
    const own = world.client(CloudFormationClient);
    const names = { StackName: "yard", ChangeSetName: "set", ChangeSetType: "CREATE" } as const;
    await own.send(new CreateChangeSetCommand({ ...names, TemplateBody: aTemplate() }));
    const stranger = world.sim.iam.addUser({ account: OTHER, name: "stranger" });
    const list = async (client: CloudFormationClient) =>
      (await client.send(new DescribeStacksCommand({}))).Stacks?.length;

    expect(await list(own)).toBe(1);
    expect(await list(world.client(CloudFormationClient, stranger))).toBe(0);
    expect(await list(world.client(CloudFormationClient, world.credentials, "eu-west-3"))).toBe(0);
  });

  it("returns the names of its resources in outputs, and supports mappings, lists and substrings", async () => {
    const { make, client } = createYard();
    const Resources = { Own: queue("own"), Made: queue(), Table: { Type: "AWS::DynamoDB::Table", Properties: {} } };
    const attribute = (id: string, name: string) => ({ "Fn::GetAtt": [id, name] });
    const Values = {
      Url: { Ref: "Own" },
      Arn: attribute("Made", "Arn"),
      Name: { Ref: "Table" },
      Other: attribute("Table", "StreamArn"),
      Mapped: { "Fn::FindInMap": ["Sizes", "small", "memory"] },
      Part: { "Fn::Select": [1, { "Fn::Split": [",", "a,b"] }] },
    };
    const Outputs = Object.fromEntries(Object.entries(Values).map(([name, Value]) => [name, { Value }]));

    await make(aTemplate(Resources, { Outputs, Mappings: { Sizes: { small: { memory: "512" } } } }));

    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: "yard" }));
    expect(Object.fromEntries(stack?.Outputs?.map((each) => [each.OutputKey, each.OutputValue]) ?? [])).toEqual({
      Url: `https://sqs.eu-west-1.amazonaws.com/${ACCOUNT}/own`,
      Arn: `arn:aws:sqs:eu-west-1:${ACCOUNT}:yard-Made`,
      Name: "yard-Table",
      Other: "Table.StreamArn",
      Mapped: "512",
      Part: "b",
    });
  });

  it.each([
    ["AWS::SNS::Topic", "sns:eu-west-1:111122223333:yard-It"],
    ["AWS::StepFunctions::StateMachine", "states:eu-west-1:111122223333:stateMachine:yard-It"],
  ])("refers to %s by its ARN", async (Type, arn) => {
    const { make, client } = createYard();

    await make(aTemplate({ It: { Type, Properties: {} } }, { Outputs: { It: { Value: { Ref: "It" } } } }));

    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: "yard" }));
    expect(stack?.Outputs?.map(({ OutputValue }) => OutputValue)).toEqual([`arn:aws:${arn}`]);
  });

  it("is updated when only its outputs change", async () => {
    const { make, update, status } = createYard();
    await make(aTemplate());

    await make(aTemplate(undefined, { Outputs: { A: { Value: "1" } } }), update);

    expect(await status()).toBe("UPDATE_COMPLETE");
  });

  it("returns its events in pages of a hundred, the newest first", async () => {
    const { make, client } = createYard();
    await make(aTemplate(Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`Q${n}`, queue()]))));

    const page = async (NextToken?: string) =>
      client.send(new DescribeStackEventsCommand({ StackName: "yard", NextToken }));
    const { StackEvents = [], NextToken } = await page();
    const last = await page(NextToken);

    expect([StackEvents.length, last.StackEvents?.length, last.NextToken]).toEqual([100, 23, undefined]);
    expect(StackEvents[0]).toMatchObject({ LogicalResourceId: "yard", ResourceStatus: "CREATE_COMPLETE" });
    await expect(page("x")).rejects.toThrow("NextToken");
  });
});
