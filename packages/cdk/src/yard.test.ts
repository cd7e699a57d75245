import { App, Stack } from "aws-cdk-lib";
import { User } from "aws-cdk-lib/aws-iam";
import { Code } from "aws-cdk-lib/aws-lambda";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { describe, expect, it } from "vitest";
import { LongTaskService } from "./long-task-service.ts";
import { checkResources } from "./testing/check-resources.ts";
import { type ResolvedTemplate, resolveTemplate, toJson } from "./testing/resolve-template.ts";
import { Yard, type YardProps } from "./yard.ts";

function createStack() {
  const app = new App({ analyticsReporting: false, builtinCloudFormationValidation: false });
  const stack = new Stack(app, "yard");
  const code = Code.fromBucketV2(Bucket.fromBucketName(stack, "Code", "code"), "app.zip");
  const synthesize = () => resolveTemplate(app.synth().getStackByName("yard").template, {});
  return { stack, code, synthesize };
}

function createYard(props: (code: Code) => Partial<YardProps> = () => ({})) {
  const { stack, code, synthesize } = createStack();
  const least = { machines: { bucket: "machines" }, stateManager: { code }, taskRunner: { code } };
  return { stack, synthesize, yard: new Yard(stack, "Yard", { ...least, ...props(code) }) };
}

function listOf({ resources }: ResolvedTemplate, type: string) {
  return Object.values(resources).flatMap((resource) => (resource.type === type ? [resource.properties] : []));
}

const subnets = { subnetIds: ["subnet-1"], securityGroupIds: ["sg-1"] };
const boundary = "arn:aws:iam::111122223333:policy/boundary";

describe("a yard in a program", () => {
  it("fits the schemas with the least that must be said", () => {
    expect(checkResources(createYard().synthesize())).toEqual([]);
  });

  it("fits the schemas with everything said outright", () => {
    const { stack, yard, synthesize } = createYard((code) => ({
      yardName: "blue",
      logLevel: "debug",
      messages: { bucket: "messages", prefix: "m/" },
      queueKeyArn: "arn:aws:kms:eu-west-1:111122223333:key/1",
      stores: [{ kind: "postgres", secretArn: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db" }],
      queues: {
        keepsOrder: true,
        hasLongTasks: true,
        eventSenders: { topicArn: "arn:aws:sns:eu-west-1:111122223333:deploys.fifo", principals: ["444455556666"] },
      },
      otlpEndpoint: "http://collector:4318",
      subnets,
      alarms: { topicArns: ["arn:aws:sns:eu-west-1:111122223333:on-call"], eventWaitSeconds: 60 },
      stateManager: { code, reservedConcurrency: 5, permissionsBoundaryArn: boundary },
      taskRunner: { code, timeoutSeconds: 300, maxConcurrency: 20, sourceBucketArns: ["arn:aws:s3:::sources"] },
    }));
    const { queues, stores } = yard;
    if (typeof queues.longTasks !== "object" || !("arn" in queues.longTasks)) throw new TypeError("Queue not found.");
    const { longTasks: queue } = queues;
    new LongTaskService(stack, "Containers", {
      imageUri: "image",
      queue,
      queues,
      stores,
      subnets,
      targetRole: "deployer",
      sessionTags: true,
      environment: { TERRAFORM_VERSION: "~> 1.14.0" },
    });

    const resolved = synthesize();

    expect(checkResources(resolved)).toEqual([]);
    expect(listOf(resolved, "AWS::SQS::Queue")).toContainEqual(
      expect.objectContaining({ QueueName: "blue-stack-events.fifo", KmsMasterKeyId: expect.any(String) }),
    );
    expect(listOf(resolved, "AWS::SQS::Queue")).toContainEqual(
      expect.objectContaining({ QueueName: "blue-stack-tasks", VisibilityTimeout: 1_800 }),
    );
    expect(listOf(resolved, "AWS::Lambda::Function").map(({ VpcConfig }) => VpcConfig)).toEqual([
      ...[0, 1].map(() => ({ SubnetIds: ["subnet-1"], SecurityGroupIds: ["sg-1"] })),
    ]);
    expect(listOf(resolved, "AWS::DynamoDB::Table")).toEqual([]);
    expect(JSON.stringify(listOf(resolved, "AWS::SQS::QueuePolicy"))).toContain(':{"AWS":["444455556666"]}');
    expect(listOf(resolved, "AWS::SNS::Subscription")).toMatchObject([
      { Region: "eu-west-1", RawMessageDelivery: true },
    ]);
    const [{ ContainerDefinitions } = {}] = listOf(resolved, "AWS::ECS::TaskDefinition");
    expect(ContainerDefinitions).toMatchObject([
      {
        Environment: expect.arrayContaining([
          { Name: "SESSION_TAGS", Value: "true" },
          { Name: "TERRAFORM_VERSION", Value: "~> 1.14.0" },
        ]),
      },
    ]);
  });

  it("lets senders of events be granted just that", () => {
    const { stack, yard, synthesize } = createYard();

    yard.eventQueue.grantSendMessages(User.fromUserName(stack, "Sender", "pipeline"));

    const [policy] = listOf(synthesize(), "AWS::IAM::Policy");
    expect(policy).toMatchObject({
      Users: ["pipeline"],
      PolicyDocument: {
        Statement: [expect.objectContaining({ Resource: "arn:aws:sqs:eu-west-1:111122223333:stack-events" })],
      },
    });
  });

  it("lets the runner's role be given more", () => {
    const { stack, yard, synthesize } = createYard();

    Bucket.fromBucketName(stack, "Artifacts", "artifacts").grantRead(yard.taskRunner.function.role);

    const [policy] = listOf(synthesize(), "AWS::IAM::Policy");
    expect(JSON.stringify(policy)).toContain("s3:GetObject*");
  });

  it("gives its functions variables of the account's besides", () => {
    const { synthesize } = createYard((code) => ({
      stateManager: { code, environment: { HISTORY_RETENTION_DAYS: "90" } },
      taskRunner: { code, environment: { TASK_CONCURRENCY: "1" } },
    }));

    const variables = listOf(synthesize(), "AWS::Lambda::Function").map(
      ({ Environment }) => toJson(Environment)["Variables"],
    );
    expect(variables).toEqual([
      expect.objectContaining({ HISTORY_RETENTION_DAYS: "90", YARD_NAME: "main" }),
      expect.objectContaining({ TASK_CONCURRENCY: "1", RUNNERS_HAVE_STORE: "true" }),
    ]);
  });

  it("lets its runner decide the results of its tasks as the state manager decides events", () => {
    const { synthesize } = createYard((code) => ({
      stateManager: { code, environment: { AUTOMATIC_TRANSITIONS_PER_HOUR: "50", HISTORY_RETENTION_DAYS: "90" } },
    }));

    const [manager = {}, runner = {}] = listOf(synthesize(), "AWS::Lambda::Function").map(({ Environment }) =>
      toJson(toJson(Environment)["Variables"]),
    );
    const names = ["MACHINE_LOCATOR", "MACHINE_S3_BUCKET", "SQS_TICK_QUEUE_URL", "AUTOMATIC_TRANSITIONS_PER_HOUR"];
    expect(names.map((name) => runner[name])).toEqual(names.map((name) => manager[name]));
    expect([runner["AUTOMATIC_TRANSITIONS_PER_HOUR"], runner["HISTORY_RETENTION_DAYS"]]).toEqual(["50", undefined]);
  });
});
