import { rmSync } from "node:fs";
import { join } from "node:path";
import {
  CloudFormationClient,
  CreateChangeSetCommand,
  DescribeStackEventsCommand,
  ExecuteChangeSetCommand,
} from "@aws-sdk/client-cloudformation";
import { connectionReset, createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ACCOUNT, type ACloud, BUCKET, createCloud } from "./testing/a-cloud.ts";
import { aTemplate, writeRelease } from "./testing/a-release.ts";
import { makeProject } from "./testing/run-command.ts";

const project = makeProject();
let cloud: ACloud = createCloud();

beforeEach(() => {
  cloud = createCloud();
});
afterEach(() => {
  rmSync(project.folder, { recursive: true, force: true });
});

async function publish(sketch: Parameters<typeof writeRelease>[1] = {}) {
  writeRelease(join(project.folder, "dist/release"), sketch);
  await project.run(cloud.aws, "apps publish", { bucket: BUCKET, prefix: "stackyard" });
  await cloud.clock.sleep(1_000);
}

function deploy(args: Readonly<Record<string, unknown>> = {}, signal?: AbortSignal) {
  return project.run(cloud.aws, "apps deploy", { name: "yard", ...args }, signal);
}

const machines = { parameter: ["MachineBucket=machines"] };
const countOf = (operation: string) => cloud.sim.calls.filter((call) => call.operation === operation).length;
const inputsOf = (operation: string) =>
  cloud.sim.calls.filter((call) => call.operation === operation).map(({ input }) => input);

describe("apps deploy", () => {
  it("creates the stack with the published code, reports each resource, and prints the outputs", async () => {
    await publish();

    const { exitCode, results, progress, notes } = await deploy(machines);

    expect(exitCode).toBe(0);
    const EventQueueUrl = `https://sqs.eu-west-1.amazonaws.com/${ACCOUNT}/main-stack-events`;
    const TaskQueueArn = `arn:aws:sqs:eu-west-1:${ACCOUNT}:main-stack-tasks`;
    expect(results).toEqual([{ stack: "stackyard-main", result: "created", outputs: { EventQueueUrl, TaskQueueArn } }]);
    const states = progress.map(({ logicalId, status }) => `${logicalId} ${status}`);
    expect(states.slice(0, 4)).toEqual([
      "stackyard-main CREATE_IN_PROGRESS",
      "Events CREATE_IN_PROGRESS",
      "Events CREATE_IN_PROGRESS",
      "Events CREATE_COMPLETE",
    ]);
    expect(states.at(-1)).toBe("stackyard-main CREATE_COMPLETE");
    const key = "stackyard/state-manager/0.1.0/state-manager.zip";
    const [input] = inputsOf("CloudFormation.CreateChangeSet");
    expect(input).toMatchObject({
      ChangeSetType: "CREATE",
      TemplateURL: `https://${BUCKET}.s3.eu-west-1.amazonaws.com/stackyard/templates/0.1.0/yard.template.json`,
      Parameters: [
        { ParameterKey: "YardName", ParameterValue: "main" },
        { ParameterKey: "CodeBucket", ParameterValue: BUCKET },
        { ParameterKey: "StateManagerCodeKey", ParameterValue: key },
        {
          ParameterKey: "StateManagerCodeVersion",
          ParameterValue: cloud.sim.s3.findObject(BUCKET, key)?.versionId,
        },
        { ParameterKey: "MachineBucket", ParameterValue: "machines" },
      ],
    });
    expect(notes.at(-1)).toContain(`eventQueueUrl: "${EventQueueUrl}"`);
  });

  it("changes nothing when nothing changed, which is success", async () => {
    await publish();
    await deploy(machines);

    const { exitCode, results } = await deploy();

    expect([exitCode, results]).toEqual([0, [{ stack: "stackyard-main", result: "unchanged" }]]);
    expect(countOf("CloudFormation.ExecuteChangeSet")).toBe(1);
    expect(countOf("CloudFormation.DeleteChangeSet")).toBe(1);
  });

  it("updates to the release that was published last and keeps the parameters that were given before", async () => {
    await publish();
    await deploy({ parameter: ["MachineBucket=machines", "Retention=7"] });
    await publish({ version: "0.2.0", zips: { "state-manager": "new" } });

    const { results } = await deploy();

    expect(results).toMatchObject([{ result: "updated" }]);
    const { Parameters = [] } = inputsOf("CloudFormation.CreateChangeSet")[1] as { Parameters?: object[] };
    expect(Parameters).toContainEqual({
      ParameterKey: "StateManagerCodeKey",
      ParameterValue: "stackyard/state-manager/0.2.0/state-manager.zip",
    });
    expect(Parameters).toContainEqual({ ParameterKey: "MachineBucket", UsePreviousValue: true });
    expect(Parameters).toContainEqual({ ParameterKey: "Retention", UsePreviousValue: true });
  });

  it("goes back to an older release that is named", async () => {
    await publish();
    await publish({ version: "0.2.0" });

    await deploy({ ...machines, release: "0.1.0" });

    const { results } = await project.run(cloud.aws, "apps ls");
    expect(results).toMatchObject([{ deployed: [{ stack: "stackyard-main", release: "0.1.0" }] }]);
  });

  it("finds the place again by the stack alone", async () => {
    await publish();
    await deploy(machines);
    rmSync(join(project.folder, ".stackyard"), { recursive: true });

    expect((await deploy()).results).toMatchObject([{ result: "unchanged" }]);
  });

  it("reports what would change and leaves no change set behind", async () => {
    await publish();

    const { results, texts } = await deploy({ ...machines, dryRun: true });

    expect(results).toMatchObject([
      { result: "planned", changes: [{ action: "Add", logicalId: "Events" }, {}, {}, {}] },
    ]);
    expect(texts[0]).toContain("4 changes, none made.");
    expect((await project.run(cloud.aws, "apps ls")).results).toMatchObject([{ deployed: [] }]);
    expect(countOf("CloudFormation.ExecuteChangeSet")).toBe(0);
  });

  it("keeps a stack that others are about to create, with their change set [happy#1563, aws-cdk-cli#1534]", async () => {
    await publish();
    const others = { StackName: "stackyard-main", ChangeSetName: "reviewed", ChangeSetType: "CREATE" } as const;
    const TemplateBody = JSON.stringify({ Resources: { Topic: { Type: "AWS::SNS::Topic" } } });
    await cloud.aws.cloudFormation.send(new CreateChangeSetCommand({ ...others, TemplateBody }));

    await deploy({ ...machines, dryRun: true });

    expect(countOf("CloudFormation.DeleteStack")).toBe(0);
  });

  it("does not change a stack that is something else, unless it has the tags", async () => {
    await publish({ templates: { yard: aTemplate({}), services: aTemplate({}) } });
    await deploy(machines);
    const wrong = deploy({ ...machines, name: "services", stack: "stackyard-main" });
    await expect(wrong).rejects.toMatchObject({
      code: "RECORD_CONFLICT",
      message: expect.stringContaining('The stack stackyard-main is "yard" of the yard "main"'),
    });
    const { cloudFormation } = cloud.aws;
    const at = { StackName: "shop", ChangeSetName: "first" };
    const TemplateBody = JSON.stringify({ Resources: { Topic: { Type: "AWS::SNS::Topic" } } });
    await cloudFormation.send(new CreateChangeSetCommand({ ...at, ChangeSetType: "CREATE", TemplateBody }));
    await cloud.clock.sleep(60_000);
    await cloudFormation.send(new ExecuteChangeSetCommand(at));
    await cloud.clock.sleep(60_000);

    await expect(deploy({ ...machines, stack: "shop" })).rejects.toMatchObject({
      code: "RECORD_CONFLICT",
      details: { hint: expect.stringContaining("stackyard:template=yard") },
    });
  });

  it("reports which resources are replaced", async () => {
    await publish();
    await deploy(machines);
    const Properties = { QueueName: "renamed" };
    await publish({
      version: "0.2.0",
      templates: { yard: aTemplate({ resources: { Events: { Type: "AWS::SQS::Queue", Properties } } }) },
    });

    const { texts } = await deploy({ dryRun: true });

    expect(texts[0]).toContain("Modify  Events  AWS::SQS::Queue  is replaced");
  });

  it("lists every parameter that is missing or unknown before it asks AWS for anything", async () => {
    await publish();

    await expect(deploy({ parameter: ["Machines=x"] })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(
        /no parameter Machines; it has .*\nMachineBucket has no value \(Bucket of the machines/,
      ),
    });
    expect(countOf("CloudFormation.CreateChangeSet")).toBe(0);
  });

  it("takes outputs of the yard's other stacks for parameters of the same name", async () => {
    const runner = aTemplate({ parameters: { TaskQueueArn: { Type: "String" } } });
    await publish({ templates: { yard: aTemplate(), "task-runner": runner } });
    await deploy(machines);

    await deploy({ name: "task-runner", ...machines });

    expect(inputsOf("CloudFormation.CreateChangeSet")[1]).toMatchObject({
      StackName: "stackyard-main-task-runner",
      Parameters: expect.arrayContaining([
        { ParameterKey: "TaskQueueArn", ParameterValue: `arn:aws:sqs:eu-west-1:${ACCOUNT}:main-stack-tasks` },
      ]),
    });
  });

  it("takes code of one's own", async () => {
    await publish({ zips: {} });
    cloud.sim.s3.write(BUCKET, "own.zip", "x");

    const { exitCode } = await deploy({ parameter: ["MachineBucket=m", "StateManagerCodeKey=own.zip"] });

    expect(exitCode).toBe(0);
    expect(inputsOf("CloudFormation.CreateChangeSet")[0]).toMatchObject({
      Parameters: expect.arrayContaining([{ ParameterKey: "StateManagerCodeKey", ParameterValue: "own.zip" }]),
    });
  });
});

describe("apps deploy, when it fails", () => {
  it("reports why a resource failed and omits resources that were cancelled; exits with 1 after a complete rollback", async () => {
    await publish();
    cloud.sim.cloudFormation.takeName("AWS::SQS::Queue", "main-stack-events");

    const run = deploy(machines);

    await expect(run).rejects.toMatchObject({
      code: "OUTCOME_NEGATIVE",
      message: expect.stringContaining("Events (AWS::SQS::Queue): Resource handler returned message"),
      details: { status: "ROLLBACK_COMPLETE", failed: ["Events"], left: [] },
    });
  });

  it("clears a rolled back creation away and creates again", async () => {
    await publish();
    cloud.sim.cloudFormation.failResource({ logicalId: "Manager", reason: "No." });
    await expect(deploy(machines)).rejects.toMatchObject({ code: "OUTCOME_NEGATIVE" });

    await expect(deploy({ ...machines, dryRun: true })).rejects.toMatchObject({ code: "RECORD_CONFLICT" });
    const { results } = await deploy(machines);

    expect(results).toMatchObject([{ result: "created" }]);
    expect(countOf("CloudFormation.DeleteStack")).toBe(1);
  });

  it("does not leave tables behind that the failed creation made", async () => {
    await publish();
    cloud.sim.cloudFormation.failResource({ logicalId: "Manager", reason: "No." });

    await expect(deploy(machines)).rejects.toMatchObject({ code: "OUTCOME_NEGATIVE", details: { left: [] } });
  });

  it("says what is left behind when undoing fails: 2", async () => {
    await publish();
    cloud.sim.cloudFormation.failResource({ logicalId: "Manager", reason: "No." });
    cloud.sim.cloudFormation.failResource({ logicalId: "Role", reason: "In use.", phase: "undo" });

    await expect(deploy(machines)).rejects.toMatchObject({
      code: "LEFT_BEHIND",
      details: { status: "ROLLBACK_FAILED", left: ["Role"] },
    });
    await expect(deploy(machines)).rejects.toMatchObject({
      code: "RECORD_CONFLICT",
      message: expect.stringContaining("ROLLBACK_FAILED"),
    });
  });

  it("keeps the stack as it was when an update fails, and updates it next time", async () => {
    await publish();
    await deploy(machines);
    cloud.sim.cloudFormation.failResource({ logicalId: "Manager", reason: "The code is broken." });

    await expect(deploy({ parameter: ["Retention=7"] })).rejects.toMatchObject({
      code: "OUTCOME_NEGATIVE",
      message: expect.stringContaining("Manager (AWS::Lambda::Function): The code is broken."),
      details: { status: "UPDATE_ROLLBACK_COMPLETE" },
    });
    expect((await deploy({ parameter: ["Retention=7"] })).results).toMatchObject([{ result: "updated" }]);
  });

  it("rejects to touch a stack that something else works on", async () => {
    await publish();
    const interrupt = new AbortController();
    cloud.sim.once("CloudFormation.ExecuteChangeSet", async (proceed) => {
      const output = await proceed();
      interrupt.abort();
      return output;
    });
    await expect(deploy(machines, interrupt.signal)).rejects.toMatchObject({ code: "INTERRUPTED" });

    await expect(deploy(machines)).rejects.toMatchObject({
      code: "RECORD_CONFLICT",
      message: expect.stringContaining("CREATE_IN_PROGRESS"),
    });
  });

  it("takes the change back when it is interrupted before it began", async () => {
    await publish();
    const interrupt = new AbortController();
    cloud.sim.once("CloudFormation.DescribeChangeSet", async (proceed) => {
      interrupt.abort();
      return proceed();
    });

    await expect(deploy(machines, interrupt.signal)).rejects.toMatchObject({ code: "INTERRUPTED" });
    await cloud.clock.sleep(10_000);

    expect((await project.run(cloud.aws, "apps ls")).results).toMatchObject([{ deployed: [] }]);
    expect((await deploy(machines)).results).toMatchObject([{ result: "created" }]);
  });

  it("continues a deployment that was interrupted before it started", async () => {
    await publish();
    cloud.sim.once("CloudFormation.ExecuteChangeSet", () => Promise.reject(connectionReset()));
    await expect(deploy(machines)).rejects.toMatchObject({ code: "UNREACHABLE" });

    expect((await deploy(machines)).results).toMatchObject([{ result: "created" }]);
  });

  it("stops waiting after the given time while CloudFormation continues", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 40 }, (_, n) => [`Queue${n}`, { Type: "AWS::SQS::Queue", Properties: {} }]),
    );
    await publish({ templates: { yard: aTemplate({ resources: many }) } });

    await expect(deploy({ ...machines, minutes: 1 })).rejects.toMatchObject({ code: "TIMED_OUT" });
    await cloud.clock.sleep(600_000);

    expect((await project.run(cloud.aws, "apps ls")).results).toMatchObject([
      { deployed: [{ status: "CREATE_COMPLETE" }] },
    ]);
  });

  it("sees all events of a large stack, page by page, once each", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 60 }, (_, n) => [`Queue${n}`, { Type: "AWS::SQS::Queue", Properties: {} }]),
    );
    await publish({ templates: { yard: aTemplate({ resources: many }) } });
    // The first look comes late, when more than a page has happened.
    cloud.sim.once("CloudFormation.DescribeStackEvents", (proceed) => proceed());
    cloud.sim.once("CloudFormation.DescribeStackEvents", async (proceed) => {
      await cloud.clock.sleep(150_000);
      return proceed();
    });

    const { progress } = await deploy(machines);

    const done = progress.filter(({ status, type }) => status === "CREATE_COMPLETE" && type === "AWS::SQS::Queue");
    expect(new Set(done.map(({ logicalId }) => logicalId)).size).toBe(61);
    expect(done).toHaveLength(61);
  });

  it.each([0, 1, 2, 3])(
    "is not done because of an earlier change, when the answer after %i is from before the last one [serverless#2776]",
    async (answers) => {
      await publish();
      await deploy(machines);
      const client = cloud.aws.cloudFormation;
      const { StackName } = Object(inputsOf("CloudFormation.CreateChangeSet")[0]);
      const old = await client.send(new DescribeStackEventsCommand({ StackName }));
      await deploy({ parameter: ["Retention=7"] });
      cloud.sim.cloudFormation.failResource({ logicalId: "Manager", reason: "The code is broken." });
      for (let fair = 0; fair < answers; fair += 1)
        cloud.sim.once("CloudFormation.DescribeStackEvents", (proceed) => proceed());
      cloud.sim.once("CloudFormation.DescribeStackEvents", async () => old);

      await expect(deploy({ parameter: ["Retention=8"] })).rejects.toMatchObject({ code: "OUTCOME_NEGATIVE" });
    },
  );

  it.each(["CreateChangeSet", "ExecuteChangeSet"])(
    "is done where the answer to %s was lost, and the SDK sends it again",
    async (operation) => {
      await publish();
      const credentials = cloud.sim.iam.addUser({ account: ACCOUNT, name: "again" });
      const client = new CloudFormationClient({ region: "eu-west-1", credentials, maxAttempts: 2 });
      client.middlewareStack.use(createSimPlugin(cloud.sim) as never);
      cloud.sim.once(`CloudFormation.${operation}`, async (proceed) => {
        await proceed();
        throw connectionReset();
      });

      const args = { name: "yard", ...machines };
      const { results } = await project.run({ ...cloud.aws, cloudFormation: client }, "apps deploy", args);

      expect(results).toMatchObject([{ result: "created" }]);
    },
  );

  it.each(["ExecuteChangeSet", "DeleteChangeSet", "DescribeChangeSet"])(
    "waits while CloudFormation is busy with the change set: %s [aws-cdk#26182]",
    async (operation) => {
      await publish();
      await deploy(machines);
      const busy =
        "An operation on this ChangeSet is currently in progress. Please attempt this operation again later.";
      for (let times = 0; times < 2; times += 1) {
        cloud.sim.once(`CloudFormation.${operation}`, () =>
          Promise.reject(new SimFault("InvalidChangeSetStatus", 400, busy)),
        );
      }

      const { results } = await deploy({ parameter: ["Retention=7"], dryRun: operation === "DeleteChangeSet" });

      expect(results).toMatchObject([{ result: operation === "DeleteChangeSet" ? expect.any(String) : "updated" }]);
    },
  );

  it("keeps watching through throttling and broken connections", async () => {
    await publish();
    cloud.sim.once("CloudFormation.DescribeStackEvents", (proceed) => proceed());
    cloud.sim.once("CloudFormation.DescribeStackEvents", () =>
      Promise.reject(new SimFault("Throttling", 400, "Rate exceeded")),
    );
    cloud.sim.once("CloudFormation.DescribeStackEvents", () => Promise.reject(connectionReset()));

    expect((await deploy(machines)).results).toMatchObject([{ result: "created" }]);
  });

  it("passes on what CloudFormation refuses, and leaves no empty stack", async () => {
    const parameters = { Size: { Type: "String", Default: "small", AllowedValues: ["small"] } };
    await publish({ templates: { yard: aTemplate({ parameters }) } });

    await expect(deploy({ parameter: ["MachineBucket=m", "Size=large"] })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("Parameter 'Size' must be one of AllowedValues"),
    });
    expect((await project.run(cloud.aws, "apps ls")).results).toMatchObject([{ deployed: [] }]);
  });

  it.each([
    ["an unpublished template", { name: "console" }, "NOT_FOUND"],
    ["an unpublished release", { name: "yard", release: "9.9.9" }, "NOT_FOUND"],
    ["a name that is a path", { name: "../yard" }, "USAGE"],
    ["a parameter without a value", { name: "yard", parameter: ["X"] }, "USAGE"],
    ["an invalid bucket name", { name: "yard", bucket: "A" }, "USAGE"],
    ["no time to wait", { name: "yard", minutes: 0 }, "USAGE"],
  ])("rejects %s", async (_, args, code) => {
    await publish();

    await expect(deploy(args)).rejects.toMatchObject({ code });
  });

  it("says which zip is missing", async () => {
    await publish({ zips: {} });

    await expect(deploy(machines)).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: `Object not found: s3://${BUCKET}/stackyard/state-manager/0.1.0/state-manager.zip.`,
    });
  });

  it("reports what is not allowed", async () => {
    await publish();

    const run = project.run(cloud.as(["s3:*"]), "apps deploy", { name: "yard", ...machines });

    await expect(run).rejects.toMatchObject({
      code: "FORBIDDEN",
      message: expect.stringContaining("cloudformation:DescribeStacks"),
    });
  });
});
