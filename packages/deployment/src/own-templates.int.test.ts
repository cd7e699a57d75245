import { join } from "node:path";
import { synthesizeTemplates } from "@stackyard/cdk";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ACCOUNT, BUCKET, createCloud } from "./testing/a-cloud.ts";
import { writeRelease } from "./testing/a-release.ts";
import { makeProject } from "./testing/run-command.ts";

const project = makeProject();
const { aws, sim } = createCloud();
const parameter = ["MachineBucket=machines"];
const queue = (name: string) => `arn:aws:sqs:eu-west-1:${ACCOUNT}:${name}`;

/** What no other stack of the yard has. */
const FURTHER: Readonly<Record<string, readonly string[]>> = { services: ["ProjectBucket=project"] };

beforeAll(async () => {
  const templates = Object.fromEntries(
    synthesizeTemplates({ consumer: { copy: "exports.handler = 1;", resources: "exports.bucket = 1;" } }).map(
      ({ name, body }) => [name, body],
    ),
  );
  writeRelease(join(project.folder, "dist/release"), {
    zips: {
      "state-manager": "one",
      "task-runner": "two",
      releases: "three",
      distributor: "four",
      fleet: "five",
      services: "six",
    },
    templates,
  });
  await project.run(aws, "apps publish", { bucket: BUCKET });
});

afterAll(() => project.remove());

it("the whole yard needs a bucket of machines and nothing else", async () => {
  const { results, notes } = await project.run(aws, "apps deploy", { name: "yard", yard: "main", parameter });

  expect(results).toMatchObject([{ stack: "stackyard-main", result: "created" }]);
  expect(notes.at(-1)).toContain(`eventQueueUrl: "https://sqs.eu-west-1.amazonaws.com/${ACCOUNT}/stack-events"`);
  expect(notes.at(-1)).toContain(`stacksTable: "stackyard-main-stacks"`);
});

it("a yard that stands changes nothing when it is deployed again", async () => {
  const { results } = await project.run(aws, "apps deploy", { name: "yard", yard: "main" });

  expect(results).toEqual([{ stack: "stackyard-main", result: "unchanged" }]);
});

it("a task runner apart finds the queues, the store and the settings of its yard's state manager", async () => {
  const settings = [...parameter, "RunnersHaveStore=true", "MessageBucket=large-messages"];
  await project.run(aws, "apps deploy", { name: "state-manager", yard: "apart", parameter: settings });

  const { results } = await project.run(aws, "apps deploy", { name: "task-runner", yard: "apart" });

  expect(results).toMatchObject([{ stack: "stackyard-apart-task-runner", result: "created" }]);
  const last = sim.calls.findLast(({ operation }) => operation === "CloudFormation.CreateChangeSet");
  expect(last?.input["Parameters"]).toEqual(
    expect.arrayContaining([
      { ParameterKey: "TaskQueueArn", ParameterValue: queue("apart-stack-tasks") },
      { ParameterKey: "EventQueueArn", ParameterValue: queue("apart-stack-events") },
      { ParameterKey: "TaskRunnerCodeKey", ParameterValue: "task-runner/0.1.0/task-runner.zip" },
      { ParameterKey: "StacksTable", ParameterValue: "stackyard-apart-stacks" },
      { ParameterKey: "WorkTable", ParameterValue: "stackyard-apart-stacks-work" },
      { ParameterKey: "RunnersHaveStore", ParameterValue: "true" },
      { ParameterKey: "MessageBucket", ParameterValue: "large-messages" },
    ]),
  );
});

it.each(["fleet", "services"])("%s finds the store of its yard", async (name) => {
  await project.run(aws, "apps deploy", { name: "yard", yard: name, parameter });

  await project.run(aws, "apps deploy", { name, yard: name, parameter: FURTHER[name] ?? [] });

  const last = sim.calls.findLast(({ operation }) => operation === "CloudFormation.CreateChangeSet");
  expect(last?.input["Parameters"]).toEqual(
    expect.arrayContaining([
      { ParameterKey: "StacksTable", ParameterValue: `stackyard-${name}-stacks` },
      { ParameterKey: "WorkTable", ParameterValue: `stackyard-${name}-stacks-work` },
      { ParameterKey: "EventQueueArn", ParameterValue: queue(`${name}-stack-events`) },
    ]),
  );
});

it("releases need nothing, and the role of an account trusts the deployer of the same yard", async () => {
  const deployer = await project.run(aws, "apps deploy", { name: "releases", yard: "main" });
  const account = await project.run(aws, "apps deploy", { name: "releases-account", yard: "main" });

  expect(deployer.results).toMatchObject([{ stack: "stackyard-main-releases", result: "created" }]);
  expect(account.results).toMatchObject([{ stack: "stackyard-main-releases-account", result: "created" }]);
  const made = sim.calls.filter(({ operation }) => operation === "CloudFormation.CreateChangeSet").slice(-2);
  expect(made.map(({ input }) => input["Capabilities"])).toEqual([["CAPABILITY_IAM"], ["CAPABILITY_NAMED_IAM"]]);
  expect(made[1]?.input["Parameters"]).toContainEqual({
    ParameterKey: "DeployerRoleArn",
    ParameterValue: expect.stringMatching(/^arn:aws:iam::\d{12}:role\//),
  });
});

it("a consumer finds the distributor of the same account and yard", async () => {
  const trusted = [`TrustedAccounts=${ACCOUNT}`];
  const distributor = await project.run(aws, "apps deploy", { name: "distributor", yard: "main", parameter: trusted });
  const consumer = await project.run(aws, "apps deploy", { name: "consumer", yard: "main" });

  expect(distributor.results).toMatchObject([{ stack: "stackyard-main-distributor", result: "created" }]);
  expect(consumer.results).toMatchObject([{ stack: "stackyard-main-consumer", result: "created" }]);
  const made = sim.calls.filter(({ operation }) => operation === "CloudFormation.CreateChangeSet").slice(-2);
  expect(made.map(({ input }) => input["Capabilities"])).toEqual([["CAPABILITY_NAMED_IAM"], ["CAPABILITY_IAM"]]);
  expect(made[1]?.input["Parameters"]).toEqual(
    expect.arrayContaining([
      { ParameterKey: "DistributionRegion", ParameterValue: "eu-west-1" },
      { ParameterKey: "DistributionTopic", ParameterValue: expect.stringContaining("DistributionTopic") },
      { ParameterKey: "InitialDistributionRole", ParameterValue: expect.stringMatching(/role\/.*TriggerInitSetRole/) },
    ]),
  );
});

it("deploys a second yard next to the first, and rejects a second one of the same name", async () => {
  const second = await project.run(aws, "apps deploy", { name: "yard", yard: "test", parameter });
  sim.cloudFormation.takeName("AWS::SQS::Queue", "old-stack-events");

  expect(second.results).toMatchObject([{ result: "created" }]);
  await expect(project.run(aws, "apps deploy", { name: "yard", yard: "old", parameter })).rejects.toMatchObject({
    code: "OUTCOME_NEGATIVE",
    message: expect.stringContaining("'old-stack-events' already exists"),
  });
});
