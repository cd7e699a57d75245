import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { type AwsYardOptions, silentLogger } from "@stackyard/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, startCloud } from "../testing/start-cloud.ts";
import { type LambdaApi, startLambdaApi } from "../testing/start-lambda-api.ts";
import { REVIEW_APP } from "../testing/start-manager.ts";
import { checkYard } from "./check-yard.ts";

const ARN = "arn:aws:sqs:eu-west-1:000000000000:";
const redrive = (target: string) => JSON.stringify({ deadLetterTargetArn: `${ARN}${target}`, maxReceiveCount: 5 });

describe("a look at a yard", () => {
  let cloud: Cloud;
  let lambda: LambdaApi;
  let yard: AwsYardOptions;

  const environment = () => ({ ...cloud.environment, AWS_ENDPOINT_URL_LAMBDA: lambda.url });
  const look = (changed: Partial<AwsYardOptions> = {}, more = {}) =>
    checkYard({ ...yard, ...changed }, { environment: { ...environment(), ...more }, logger: silentLogger });

  beforeAll(async () => {
    [cloud, lambda] = await Promise.all([startCloud(), startLambdaApi()]);
    const eventDeadLetterQueueUrl = await cloud.createQueue("event-dead-letters", {
      MessageRetentionPeriod: "1209600",
    });
    const taskDeadLetterQueueUrl = await cloud.createQueue("task-dead-letters", { MessageRetentionPeriod: "1209600" });
    const common = { VisibilityTimeout: "180" };
    await cloud.createTable("Stacks");
    await cloud.createTable("Empty");
    await cloud.createBucket("machines", { "m/review-app.yml": REVIEW_APP, "m/broken.yml": "version: 3\n" });
    yard = {
      type: "aws",
      eventDeadLetterQueueUrl,
      taskDeadLetterQueueUrl,
      stacksTable: "Stacks",
      eventQueueUrl: await cloud.createQueue("stack-events", {
        ...common,
        RedrivePolicy: redrive("event-dead-letters"),
      }),
      taskQueueUrl: await cloud.createQueue("stack-tasks", { ...common, RedrivePolicy: redrive("task-dead-letters") }),
      machines: { bucket: "machines", prefix: "m/" },
    };
  });

  afterAll(async () => {
    await Promise.all([cloud.stop(), lambda.stop()]);
  });

  it("names the account of the credentials", async () => {
    const accounts = { "000000000000": "sandbox" };
    const [identity] = await checkYard(yard, { environment: environment(), logger: silentLogger, accounts });

    expect(identity?.message).toMatch(/ in the account sandbox \(000000000000\)\.$/);
  });

  it("reports on every part of the yard", async () => {
    lambda.show([
      {
        name: "state-manager",
        reads: [`${ARN}stack-events`],
        variables: {
          SQS_TASK_QUEUE_URL: yard.taskQueueUrl ?? "",
          DYNAMODB_TABLE: "Other",
          MACHINE_S3_BUCKET: "machines",
          MACHINE_S3_KEY: "m",
          SQS_EVENT_DEAD_LETTER_QUEUE_URL: yard.eventDeadLetterQueueUrl ?? "",
        },
      },
      {
        name: "task-runner",
        reads: [`${ARN}stack-tasks`],
        timeoutSeconds: 900,
        recursiveLoop: "Terminate",
        variables: { SQS_EVENT_QUEUE_URL: yard.eventQueueUrl ?? "" },
      },
    ]);

    const found = (await look()).map(({ check, status, message }) => `${status} ${check}: ${message}`);

    expect(found).toEqual([
      expect.stringMatching(/^ok identity: arn:aws:/),
      "ok clock: It agrees with the clock of AWS.",
      "ok queue: stack-events: standard, visibility 180 s, dead letters after 5 deliveries, 0 waiting.",
      "warn queue: stack-tasks: messages are delivered again after 180 s, but a function that reads them may take 900 s.",
      expect.stringMatching(/^ok queue: event-dead-letters: /),
      expect.stringMatching(/^ok queue: task-dead-letters: /),
      "ok function: state-manager reads stack-events.",
      "ok function: task-runner reads stack-tasks.",
      expect.stringMatching(/^warn function: task-runner: Lambda treats the chain of results and tasks as a/),
      'warn store: The table "Stacks" has no index "due": each sweep reads the whole table.',
      'fail store: Table "Stacks-work" does not exist in this account and region.',
      expect.stringMatching(/^fail machine: broken \(s3:\/\/machines\/m\/broken\.yml\) is invalid: /),
      expect.stringMatching(/^ok machine: review-app \(s3:\/\/machines\/m\/review-app\.yml\), revision /),
      expect.stringMatching(/^ok permissions: Allowed: dynamodb:GetItem, .*sqs:SendMessage\.$/),
      "fail settings: state-manager: DYNAMODB_TABLE is Other, but the configuration has Stacks.",
      "ok settings: task-runner uses the resources in the configuration.",
      expect.stringMatching(/^ok runner: task-runner works without a store/),
    ]);
  });

  it("says which command adds the index that a predecessor's table lacks", async () => {
    lambda.show([]);

    const found = await look();

    expect(found.find(({ message }) => message.includes('no index "due"'))?.hint).toContain(
      "aws dynamodb update-table --table-name Stacks ",
    );
  });

  it("continues when it may not read functions", async () => {
    lambda.show("denied");

    const found = await look();

    expect(found.filter(({ check }) => check === "function")).toMatchObject([
      { status: "warn", hint: expect.stringContaining("lambda:ListEventSourceMappings") },
    ]);
    expect(found.map(({ check }) => check)).toContain("machine");
  });

  it("names each missing part, and still checks the others", async () => {
    lambda.show([]);
    const gone = { taskQueueUrl: `${yard.taskQueueUrl}-gone`, machines: { bucket: "nowhere" }, stacksTable: "Nothing" };

    const failed = (await look(gone)).filter(({ status }) => status === "fail").map(({ message }) => message);

    expect(failed).toEqual([
      expect.stringMatching(/^Queue .* does not exist/),
      expect.stringContaining('Table "Nothing" does not exist'),
      expect.stringContaining('Table "Nothing-work" does not exist'),
      expect.stringContaining("s3://nowhere/"),
    ]);
  });

  it("sends nothing and makes nothing", async () => {
    lambda.show([]);

    await look({ stacksTable: "Empty" });

    expect(await cloud.receive(yard.eventQueueUrl ?? "")).toBeUndefined();
    expect((await look({ stacksTable: "Empty" })).map(({ message }) => message)).toContain(
      'Table "Empty-work" does not exist in this account and region.',
    );
  });

  it("reports a topic that delivers to no queue", async () => {
    lambda.show([]);
    const config = { endpoint: cloud.environment["AWS_ENDPOINT_URL"] ?? "", region: "eu-west-1" };
    const sns = new SNSClient({ ...config, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
    const { TopicArn: eventTopicArn = "" } = await sns.send(new CreateTopicCommand({ Name: "events" }));
    sns.destroy();

    const found = await look({ eventTopicArn });

    expect(found.filter(({ check }) => check === "topic")).toMatchObject([
      { status: "fail", message: "stack-events is not subscribed to events: events do not arrive." },
    ]);
    expect(found.find(({ check, status }) => check === "permissions" && status === "ok")?.message).toContain(
      "sns:Publish",
    );
  });

  it("of an account alone ends with what the yard lacks", async () => {
    const found = await checkYard({ type: "aws" }, { environment: environment(), logger: silentLogger });

    expect(found.at(-1)).toMatchObject({ check: "yard", status: "fail", message: expect.stringContaining("lacks") });
  });

  it("stops when AWS cannot be reached", async () => {
    const nowhere = { AWS_ENDPOINT_URL_STS: "http://127.0.0.1:1" };

    expect(await look({}, nowhere)).toMatchObject([{ check: "identity", status: "fail" }]);
  });

  it("reports an invalid address as a finding", async () => {
    expect(await look({}, { AWS_ENDPOINT_URL: "nonsense" })).toMatchObject([
      { status: "fail", message: expect.stringContaining("AWS_ENDPOINT_URL must be an address") },
    ]);
  });
});
