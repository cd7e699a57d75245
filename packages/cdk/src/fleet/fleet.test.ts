import { App, Stack } from "aws-cdk-lib";
import { CfnAutoScalingGroup } from "aws-cdk-lib/aws-autoscaling";
import { Code } from "aws-cdk-lib/aws-lambda";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { describe, expect, it } from "vitest";
import { EcsTask } from "../ecs-task/ecs-task.ts";
import { runEcsTasks } from "../policies/ecs-permissions.ts";
import { dispatchCommands } from "../policies/fleet-permissions.ts";
import { checkResources } from "../testing/check-resources.ts";
import { findGrants } from "../testing/find-grants.ts";
import { resolveTemplate } from "../testing/resolve-template.ts";
import { Yard } from "../yard.ts";
import { Fleet, FleetAlarms } from "./fleet.ts";
import {
  createApplyDocument,
  createFleetAssociation,
  createLaunchHook,
  FleetInstanceProfile,
  PatchWindow,
  toLaunchHook,
} from "./instances.ts";

const ECS_RIGHTS = {
  clusterArns: ["arn:aws:ecs:eu-west-1:111122223333:cluster/web"],
  taskDefinitionArns: ["arn:aws:ecs:eu-west-1:111122223333:task-definition/migrate:*"],
};
const TOPIC = "arn:aws:sns:eu-west-1:111122223333:alarms";
const TAG = { tagKey: "managed", tagValues: ["yes"] };

/** A program that makes a yard, a fleet and the custom resource. */
function deploy() {
  const app = new App({ analyticsReporting: false, builtinCloudFormationValidation: false });
  const stack = new Stack(app, "all");
  const code = Code.fromBucketV2(Bucket.fromBucketName(stack, "Code", "code"), "app.zip");
  const permissions = [...dispatchCommands(TAG), ...runEcsTasks(ECS_RIGHTS)];
  const yard = new Yard(stack, "Yard", {
    machines: { bucket: "machines" },
    stateManager: { code, environment: { EXECUTORS: "runcommand,ecs" } },
    taskRunner: { code, handler: "index.runner", permissions },
  });
  const fleet = new Fleet(stack, "Fleet", { code, queues: yard.queues, stores: yard.stores });
  new FleetAlarms(stack, "FleetAlarms", { fleet, topicArns: [TOPIC] });
  new EcsTask(stack, "EcsTask", { ...ECS_RIGHTS, code });
  createApplyDocument(stack, "Document");
  new FleetInstanceProfile(stack, "Instances", { artifacts: { bucket: "artifacts" } });
  createLaunchHook(stack, "Hook", { autoScalingGroupName: "web" });
  const rates = { maxConcurrency: "10%", maxErrors: "1" };
  createFleetAssociation(stack, "Association", {
    ...TAG,
    ...rates,
    name: "apply",
    artifactLocation: "s3://artifacts/a.zip",
    artifactSha256: "0".repeat(64),
    entryPoint: "site.yml",
    timeoutSeconds: "600",
  });
  new PatchWindow(stack, "Patches", {
    ...TAG,
    ...rates,
    name: "patches",
    schedule: "rate(7 days)",
    timeZone: "UTC",
    durationHours: 2,
    cutoffHours: 1,
    cutoffBehavior: "CANCEL_TASK",
    operation: "Scan",
    rebootOption: "NoReboot",
  });
  return resolveTemplate(app.synth().getStackByName("all").template, {});
}

describe("fleets and tasks in a program", () => {
  const resolved = deploy();
  const ofType = (type: string) => Object.entries(resolved.resources).filter(([, resource]) => resource.type === type);

  it("fit the schemas with the least that must be said", () => {
    expect(checkResources(resolved)).toEqual([]);
  });

  it("let a runner send commands to instances with a tag of one's own, and run tasks", () => {
    const [id = ""] = ofType("AWS::IAM::Role").find(([name]) => name.includes("TaskRunner")) ?? [];

    const grants = findGrants(resolved, id);
    expect(grants.find(({ sid }) => sid === "ToTaggedInstances")?.conditions).toEqual({
      StringEquals: { "ssm:resourceTag/managed": ["yes"] },
    });
    expect(grants.find(({ actions }) => actions.includes("ecs:RunTask"))?.resources).toEqual(
      ECS_RIGHTS.taskDefinitionArns,
    );
  });

  it("give the runner the handler that was named, and every other function its usual one", () => {
    const handlers = ofType("AWS::Lambda::Function").map(([, { properties }]) => [
      properties["FunctionName"],
      properties["Handler"],
      properties["RecursiveLoop"],
    ]);

    expect(handlers).toEqual([
      ["stackyard-main-state-manager", "index.handler", "Allow"],
      ["stackyard-main-task-runner", "index.runner", "Allow"],
      ["stackyard-main-fleet", "index.handler", "Terminate"],
      ["stackyard-main-ecs-task", "index.handler", "Terminate"],
    ]);
  });

  it("have the alarm on starts whose event did not come, which notifies the topics of the function's alarms", () => {
    const alarms = ofType("AWS::CloudWatch::Alarm").filter(([, { properties }]) =>
      ["UnseenStarts", "Invocations"].includes(String(properties["MetricName"])),
    );

    expect(alarms.find(([id]) => id.startsWith("FleetBootUnseen"))?.[1].properties).toMatchObject({
      Namespace: "Stackyard/Fleet",
      MetricName: "UnseenStarts",
      TreatMissingData: "notBreaching",
      AlarmActions: [TOPIC],
    });
    expect(alarms.filter(([id]) => id.startsWith("Fleet"))).toHaveLength(2);
  });

  // aws-cdk#16356: a hook that is a resource of its own is created after the group's first instances.
  it("hold the first instances of a new group by a hook that is a part of it", () => {
    const app = new App({ analyticsReporting: false, builtinCloudFormationValidation: false });
    const stack = new Stack(app, "group");
    new CfnAutoScalingGroup(stack, "Web", {
      minSize: "2",
      maxSize: "4",
      launchTemplate: { launchTemplateId: "lt-1", version: "1" },
      lifecycleHookSpecificationList: [toLaunchHook({ heartbeatSeconds: 600 })],
    });
    const { resources } = resolveTemplate(app.synth().getStackByName("group").template, {});

    expect(Object.values(resources).map(({ type, properties }) => [type, properties])).toEqual([
      [
        "AWS::AutoScaling::AutoScalingGroup",
        expect.objectContaining({
          LifecycleHookSpecificationList: [
            {
              LifecycleHookName: "stackyard-configure",
              LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
              DefaultResult: "ABANDON",
              HeartbeatTimeout: 600,
            },
          ],
        }),
      ],
    ]);
  });

  it("work in another account through a role that the function may take", () => {
    const app = new App({ analyticsReporting: false, builtinCloudFormationValidation: false });
    const stack = new Stack(app, "far");
    const code = Code.fromBucketV2(Bucket.fromBucketName(stack, "Code", "code"), "app.zip");
    const yard = new Yard(stack, "Yard", {
      machines: { bucket: "machines" },
      stateManager: { code, environment: { EXECUTORS: "runcommand" } },
      taskRunner: { code, handler: "index.runner" },
    });
    const targetRoleArn = "arn:aws:iam::210987654321:role/fleet";
    new Fleet(stack, "Fleet", { code, queues: yard.queues, stores: yard.stores, targetRoleArn });
    const far = resolveTemplate(app.synth().getStackByName("far").template, {});
    const named = (type: string) =>
      Object.entries(far.resources).find(
        ([name, resource]) => resource.type === type && name.startsWith("FleetApp"),
      ) ?? [""];

    const [role] = named("AWS::IAM::Role");
    const [, lambda] = named("AWS::Lambda::Function");

    expect(checkResources(far)).toEqual([]);
    expect(findGrants(far, role).find(({ actions }) => actions.includes("sts:AssumeRole"))?.resources).toEqual([
      targetRoleArn,
    ]);
    expect(lambda?.properties["Environment"]).toMatchObject({ Variables: { FLEET_TARGET_ROLE: targetRoleArn } });
    // The account is the role's: one that is named besides must not be another.
    expect(lambda?.properties["Environment"]).not.toHaveProperty("Variables.FLEET_ACCOUNT");
  });

  it("look for that tag in associations and windows", () => {
    const targets = [...ofType("AWS::SSM::Association"), ...ofType("AWS::SSM::MaintenanceWindowTarget")];

    expect(targets.map(([, { properties }]) => properties["Targets"])).toEqual([
      [{ Key: "tag:managed", Values: ["yes"] }],
      [{ Key: "tag:managed", Values: ["yes"] }],
    ]);
  });
});
