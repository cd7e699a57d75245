import { describe, expect, it } from "vitest";
import { FULL_SERVICES_APP, SERVICES_APP } from "../testing/an-app.ts";
import { findGrants, listPairs } from "../testing/find-grants.ts";
import { findBody } from "../testing/find-template.ts";
import { resolveTemplate } from "../testing/resolve-template.ts";

const body = JSON.parse(findBody("services"));
const deploy = (parameters: Readonly<Record<string, string>>) => resolveTemplate(body, parameters);
const QUEUE = "arn:aws:sqs:eu-west-1:111122223333:stack-events";

describe("the template of services", () => {
  const { resources } = deploy(SERVICES_APP);
  const listOf = (type: string) => Object.values(resources).filter((each) => each.type === type);

  it("configures the function with the yard and the project", () => {
    expect(resources["ServicesFunction"]?.properties).toMatchObject({
      FunctionName: "stackyard-main-services",
      Handler: "index.handler",
      Timeout: 58,
      Code: { S3Bucket: "code", S3Key: "services.zip" },
    });
    expect(resources["ServicesFunction"]?.properties["Environment"]).toEqual({
      Variables: {
        SQS_EVENT_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-events",
        MACHINE_LOCATOR: "S3",
        MACHINE_S3_BUCKET: "machines",
        MACHINE_S3_KEY: "",
        PROJECT_BUCKET: "projects",
        PROJECT_PREFIX: "",
        YARD_NAME: "main",
        STACKYARD_S3_ENCRYPTION: "",
        RUNNERS_HAVE_STORE: "true",
        LOG_LEVEL: "info",
        DYNAMODB_TABLE: "stackyard-main-stacks",
        DYNAMODB_WORK_TABLE: "stackyard-main-stacks-work",
      },
    });
  });

  it("is called at a public address and each minute, and by nothing else", () => {
    expect(listOf("AWS::Lambda::Url").map(({ properties }) => properties["AuthType"])).toEqual(["NONE"]);
    expect(listOf("AWS::Events::Rule").map(({ properties }) => properties["ScheduleExpression"])).toEqual([
      "rate(1 minute)",
    ]);
    expect(
      listOf("AWS::Lambda::Permission").map(({ properties }) => [
        properties["Action"],
        properties["Principal"],
        properties["SourceArn"] ?? properties["FunctionUrlAuthType"] ?? properties["InvokedViaFunctionUrl"],
      ]),
    ).toEqual([
      ["lambda:InvokeFunctionUrl", "*", "NONE"],
      ["lambda:InvokeFunction", "*", true],
      [
        "lambda:InvokeFunction",
        "events.amazonaws.com",
        "arn:aws:events:eu-west-1:111122223333:rule/ServicesMinuteRule",
      ],
    ]);
  });

  it("adds the optional settings", () => {
    const full = deploy(FULL_SERVICES_APP).resources;

    expect(full["ServicesFunction"]?.properties).toMatchObject({
      ReservedConcurrentExecutions: "10",
      Environment: { Variables: { MACHINE_S3_KEY: "machines/", PROJECT_PREFIX: "project/" } },
    });
    expect(full["ServicesRole"]?.properties["ManagedPolicyArns"]).toEqual([FULL_SERVICES_APP.ServicesPolicyArns]);
  });
});

describe("the role of the services", () => {
  it("sends events, reads machines, the project and the named secrets, and uses the store", () => {
    const grants = findGrants(deploy(FULL_SERVICES_APP), "ServicesRole");
    const own = grants.filter(({ policy }) => ["Events", "Machines", "Project", "Secrets", "Targets"].includes(policy));

    expect(listPairs(own)).toEqual([
      "s3:GetObject arn:aws:s3:::machines/machines/*",
      "s3:GetObject arn:aws:s3:::projects/project/*",
      "s3:ListBucket arn:aws:s3:::machines",
      "s3:ListBucket arn:aws:s3:::projects",
      `secretsmanager:GetSecretValue ${FULL_SERVICES_APP.SecretArns}`,
      `sqs:SendMessage ${QUEUE}`,
      `sts:AssumeRole ${FULL_SERVICES_APP.TargetRoleArns}`,
      `sts:TagSession ${FULL_SERVICES_APP.TargetRoleArns}`,
    ]);
    expect(listPairs(grants).filter((pair) => /^\S*\*/.test(pair))).toEqual([]);
  });
});
