import { describe, expect, it } from "vitest";
import { FLEET_APP, FULL_FLEET_APP } from "../testing/an-app.ts";
import { findGrants, listPairs } from "../testing/find-grants.ts";
import { findBody } from "../testing/find-template.ts";
import { resolveTemplate } from "../testing/resolve-template.ts";

const body = JSON.parse(findBody("fleet"));
const deploy = (parameters: Readonly<Record<string, string>>) => resolveTemplate(body, parameters);
const FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:stackyard-main-fleet";

describe("the template of a fleet", () => {
  const { resources, outputs } = deploy(FLEET_APP);

  it("makes the function of pipelines and boot, and a runner, of one zip", () => {
    const functions = Object.values(resources).filter(({ type }) => type === "AWS::Lambda::Function");

    expect(
      functions.map(({ properties }) => [properties["FunctionName"], properties["Handler"], properties["Code"]]),
    ).toEqual([
      ["stackyard-main-fleet", "index.handler", { S3Bucket: "code", S3Key: "fleet.zip" }],
      ["stackyard-main-task-runner", "index.runner", { S3Bucket: "code", S3Key: "fleet.zip" }],
    ]);
    expect(outputs["FleetFunctionArn"]).toBe(FUNCTION);
  });

  it("calls the function for instances that start, launches that wait, and each minute", () => {
    const rules = Object.values(resources).filter(({ type }) => type === "AWS::Events::Rule");

    expect(
      rules.map(({ properties }) => [
        properties["EventPattern"] ?? properties["ScheduleExpression"],
        properties["State"],
      ]),
    ).toEqual([
      [
        {
          source: ["aws.ec2"],
          "detail-type": ["EC2 Instance State-change Notification"],
          detail: { state: ["running"] },
        },
        "ENABLED",
      ],
      [{ source: ["aws.autoscaling"], "detail-type": ["EC2 Instance-launch Lifecycle Action"] }, "ENABLED"],
      ["rate(1 minute)", "ENABLED"],
    ]);
    expect(rules.map(({ properties }) => properties["Targets"])).toEqual(
      rules.map(() => [{ Id: "Function", Arn: FUNCTION }]),
    );
  });

  it("lets only the rules call the function", () => {
    const permissions = Object.values(resources).filter(({ type }) => type === "AWS::Lambda::Permission");

    expect(permissions.map(({ properties }) => [properties["Principal"], properties["SourceArn"]])).toEqual([
      ["events.amazonaws.com", "arn:aws:events:eu-west-1:111122223333:rule/FleetBootRule"],
      ["events.amazonaws.com", "arn:aws:events:eu-west-1:111122223333:rule/FleetLaunchRule"],
      ["events.amazonaws.com", "arn:aws:events:eu-west-1:111122223333:rule/FleetMinuteRule"],
    ]);
  });

  it("configures the function with the yard and the sources of events", () => {
    expect(resources["FleetFunction"]?.properties["Environment"]).toEqual({
      Variables: {
        SQS_EVENT_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-events",
        FLEET_ACCOUNT: "111122223333",
        FLEET_ENVIRONMENT: "main",
        BOOT_STATE: "ENABLED",
        STACKYARD_S3_ENCRYPTION: "",
        YARD_NAME: "main",
        RUNNERS_HAVE_STORE: "true",
        LOG_LEVEL: "info",
        DYNAMODB_TABLE: "stackyard-main-stacks",
        DYNAMODB_WORK_TABLE: "stackyard-main-stacks-work",
        BOOT_PROFILE: "ansible",
      },
    });
  });

  it("adds the optional settings", () => {
    const full = deploy(FULL_FLEET_APP).resources;

    expect(full["FleetFunction"]?.properties["Environment"]).toMatchObject({
      Variables: {
        FLEET_ENVIRONMENT: "production",
        FLEET_REPORT_URL: "https://stackyard.example.org/runs/{runId}",
        BOOT_PROFILE: "garlc-1",
        BOOT_FALLBACK: "newest",
        BOOT_SOURCE_BUCKET: "artifacts",
        BOOT_SOURCE_PIPELINE: "GARLC",
        BOOT_SOURCE_ARTIFACT: "MyApp",
      },
    });
    expect(full["TaskRunnerFunction"]?.properties["Environment"]).toMatchObject({
      Variables: { FLEET_REPORT_URL: "https://stackyard.example.org/runs/{runId}" },
    });
    expect(full["FleetBootRule"]?.properties["State"]).toBe("DISABLED");
  });
});

describe("the role of the fleet's function", () => {
  it("reports jobs, reads instances, sends events and keeps its records", () => {
    const grants = findGrants(deploy(FLEET_APP), "FleetRole");

    expect(grants.map(({ policy }) => policy)).toEqual([
      ...["Logs", "Events", "Jobs", "Instances"],
      ...["StoreTables", "StoreTables", "StoreTables", "StoreTables"],
    ]);
    expect(listPairs(grants.slice(1, 4))).toEqual([
      "codepipeline:PutJobFailureResult *",
      "codepipeline:PutJobSuccessResult *",
      "ec2:DescribeInstances *",
      "sqs:SendMessage arn:aws:sqs:eu-west-1:111122223333:stack-events",
    ]);
  });

  it("ends launches of the groups that are named, and finds the newest artifact of that pipeline", () => {
    const grants = findGrants(deploy(FULL_FLEET_APP), "FleetRole");
    const group = FULL_FLEET_APP.AutoScalingGroupArns;

    expect(listPairs(grants.filter(({ policy }) => ["Launches", "NewestArtifacts"].includes(policy)))).toEqual([
      `autoscaling:CompleteLifecycleAction ${group}`,
      `autoscaling:RecordLifecycleActionHeartbeat ${group}`,
      "s3:GetObject arn:aws:s3:::artifacts/GARLC/*",
      "s3:ListBucket arn:aws:s3:::artifacts",
    ]);
    expect(grants.find(({ sid }) => sid === "List")?.conditions).toEqual({ StringLike: { "s3:prefix": "GARLC/*" } });
  });
});

describe("the role of the runner", () => {
  it("sends those documents, to instances with the tag alone", () => {
    const grants = findGrants(deploy(FULL_FLEET_APP), "TaskRunnerRole");
    const sending = grants.filter(({ actions }) => actions.includes("ssm:SendCommand"));

    expect(sending.map(({ resources, conditions }) => [resources, conditions])).toEqual([
      [
        [
          "arn:aws:ssm:eu-west-1:111122223333:document/Stackyard-ApplyArtifact",
          "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript",
          "arn:aws:ssm:eu-west-1::document/AWS-RunPatchBaseline",
        ],
        {},
      ],
      [
        ["arn:aws:ec2:eu-west-1:111122223333:instance/*", "arn:aws:ssm:eu-west-1:111122223333:managed-instance/*"],
        { StringEquals: { "ssm:resourceTag/has_ssm_agent": ["true", "True"] } },
      ],
      [["arn:aws:ssm:eu-west-1:111122223333:document/Acme-Own"], {}],
    ]);
  });

  it("reads the artifacts that are named, to pin them", () => {
    const grants = findGrants(deploy(FULL_FLEET_APP), "TaskRunnerRole").filter(({ policy }) => policy === "Artifacts");

    expect(listPairs(grants)).toEqual([
      "s3:GetObject arn:aws:s3:::artifacts/site/*",
      "s3:GetObjectVersion arn:aws:s3:::artifacts/site/*",
    ]);
  });

  it("allows no service as a whole", () => {
    const resolved = deploy(FULL_FLEET_APP);
    const pairs = ["FleetRole", "TaskRunnerRole"].flatMap((role) => listPairs(findGrants(resolved, role)));

    expect(pairs.filter((pair) => /^\S*\*/.test(pair))).toEqual([]);
  });
});
