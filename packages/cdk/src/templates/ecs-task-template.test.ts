import { toEcsTaskStateMachine } from "@stackyard/executor-ecs/custom-resource";
import { describe, expect, it } from "vitest";
import { ECS_TASK_APP, FULL_ECS_TASK_APP } from "../testing/an-app.ts";
import { findGrants, listPairs } from "../testing/find-grants.ts";
import { findBody } from "../testing/find-template.ts";
import { resolveTemplate } from "../testing/resolve-template.ts";

const body = JSON.parse(findBody("ecs-task"));
const deploy = (parameters: Readonly<Record<string, string>>) => resolveTemplate(body, parameters);
const FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:stackyard-main-ecs-task";
const MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:stackyard-main-ecs-task";

describe("the template of the custom resource", () => {
  const { resources, outputs } = deploy(ECS_TASK_APP);

  it("makes a function, its memory and what waits", () => {
    expect(Object.entries(resources).map(([id, { type }]) => [id, type])).toEqual([
      ["EcsTaskRecords", "AWS::DynamoDB::Table"],
      ["EcsTaskAnswerSecret", "AWS::SecretsManager::Secret"],
      ["EcsTaskWaitingRole", "AWS::IAM::Role"],
      ["EcsTaskWaitingStateMachine", "AWS::StepFunctions::StateMachine"],
      ["EcsTaskLogs", "AWS::Logs::LogGroup"],
      ["EcsTaskRole", "AWS::IAM::Role"],
      ["EcsTaskFunction", "AWS::Lambda::Function"],
      ["EcsTaskFailedRule", "AWS::Events::Rule"],
      ["EcsTaskFailedPermission", "AWS::Lambda::Permission"],
      ["EcsTaskFailedUndelivered", "AWS::CloudWatch::Alarm"],
      ["AlarmEcsTaskThrottled", "AWS::CloudWatch::Alarm"],
      ["AlarmEcsTaskFails", "AWS::CloudWatch::Alarm"],
    ]);
  });

  it("returns the token of resources", () => {
    expect(outputs["EcsTaskServiceToken"]).toBe(FUNCTION);
  });

  it("gives the function its table, the state machine and the secret, and lets it not call itself", () => {
    const { Environment, Timeout, RecursiveLoop } = resources["EcsTaskFunction"]?.properties ?? {};

    expect(Environment).toEqual({
      Variables: {
        TABLE: "stackyard-main-ecs-task",
        STATE_MACHINE_ARN: MACHINE,
        RESPONSE_URL_SECRET: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:EcsTaskAnswerSecret-AbCdEf",
        LOG_LEVEL: "info",
      },
    });
    expect([Timeout, RecursiveLoop]).toEqual([120, "Terminate"]);
  });

  it("says how ids are made only where they are those of old", () => {
    const { Environment } = deploy(FULL_ECS_TASK_APP).resources["EcsTaskFunction"]?.properties ?? {};

    expect(Environment).toMatchObject({ Variables: { PHYSICAL_ID: "taskArn" } });
  });

  it("waits by the state machine that the app is tested with, which calls the function and nothing else", () => {
    const { Definition, DefinitionSubstitutions } = resources["EcsTaskWaitingStateMachine"]?.properties ?? {};

    // biome-ignore lint/suspicious/noTemplateCurlyInString: as Step Functions reads it.
    expect(Definition).toEqual(toEcsTaskStateMachine("${FunctionArn}"));
    expect(DefinitionSubstitutions).toEqual({ FunctionArn: FUNCTION });
    expect(listPairs(findGrants({ resources, outputs }, "EcsTaskWaitingRole"))).toEqual([
      `lambda:InvokeFunction ${FUNCTION}`,
    ]);
  });

  it("ends each invocation before its state is given up, and before Lambda can have begun the next try", () => {
    const { Timeout } = resources["EcsTaskFunction"]?.properties ?? {};
    const { Step, GiveUp } = toEcsTaskStateMachine(FUNCTION).States;

    // StartTask has no client token: two steps of one request that overlap would start a task twice.
    expect([Step, GiveUp].map(({ TimeoutSeconds }) => TimeoutSeconds > Number(Timeout))).toEqual([true, true]);
    const pauses = [...Step.Retry, ...GiveUp.Retry].filter(({ ErrorEquals: [name] }) => name === "States.ALL");
    expect(pauses.map(({ IntervalSeconds }) => IntervalSeconds > Number(Timeout))).toEqual([true, true]);
  });

  it("calls the function when an execution of that machine has failed", () => {
    const { EventPattern, Targets } = resources["EcsTaskFailedRule"]?.properties ?? {};

    expect(EventPattern).toEqual({
      source: ["aws.states"],
      "detail-type": ["Step Functions Execution Status Change"],
      detail: { status: ["FAILED", "TIMED_OUT", "ABORTED"], stateMachineArn: [MACHINE] },
    });
    expect(Targets).toEqual([{ Id: "Function", Arn: FUNCTION }]);
  });
});

describe("the role of the function", () => {
  it("hands on roles only where they are named, and to tasks alone", () => {
    const passing = (parameters: Readonly<Record<string, string>>) =>
      findGrants(deploy(parameters), "EcsTaskRole").filter(({ actions }) => actions.includes("iam:PassRole"));

    expect(passing(ECS_TASK_APP)).toEqual([]);
    expect(passing(FULL_ECS_TASK_APP)).toEqual([
      {
        policy: "TaskRoles",
        sid: "HandOn",
        actions: ["iam:PassRole"],
        resources: ["arn:aws:iam::111122223333:role/migrate", "arn:aws:iam::111122223333:role/migrate-execution"],
        conditions: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
      },
    ]);
  });

  it("starts what is named, in the clusters that are named", () => {
    const grants = findGrants(deploy(ECS_TASK_APP), "EcsTaskRole").filter(({ policy }) => policy === "Tasks");

    const inCluster = { ArnEquals: { "ecs:cluster": ["arn:aws:ecs:eu-west-1:111122223333:cluster/apps"] } };
    expect(grants.map(({ sid, resources, conditions }) => [sid, resources, conditions])).toEqual([
      ["Start", ["arn:aws:ecs:eu-west-1:111122223333:task-definition/migrate:*"], inCluster],
      ["WatchAndStop", ["*"], inCluster],
      ["ReadDefinitions", ["*"], {}],
      [
        "TagWhatIsStarted",
        ["arn:aws:ecs:*:111122223333:task/*"],
        { StringEquals: { "ecs:CreateAction": ["RunTask", "StartTask"] } },
      ],
    ]);
  });

  it("allows no service as a whole, and does not call the function itself", () => {
    const pairs = listPairs(findGrants(deploy(FULL_ECS_TASK_APP), "EcsTaskRole"));

    expect(pairs.filter((pair) => /^\S*\*/.test(pair) || pair.startsWith("lambda:"))).toEqual([]);
  });
});
