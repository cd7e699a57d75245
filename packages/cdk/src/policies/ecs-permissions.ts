import { Aws } from "aws-cdk-lib";
import { type Given, mapGiven } from "../given.ts";
import { allow, type Permission, type Statement, withEnding } from "./statement.ts";

/** Which tasks of ECS are run. */
export interface EcsRights {
  /** Clusters that tasks run in: ARNs. */
  readonly clusterArns: readonly string[];
  /** Task definitions, ARNs of families with `:*` appended: IAM evaluates a call by its resolved revision. */
  readonly taskDefinitionArns: readonly string[];
  /** Roles of the tasks and of their start, which are passed to ECS. Default: none, so definitions have no roles. */
  readonly passRoleArns?: Given<readonly string[]>;
  /** Log groups of the tasks, ARNs without `:*`; failures include their last lines. Default: none. */
  readonly logGroupArns?: Given<readonly string[]>;
}

/**
 * Starts, watches and stops tasks, only in those clusters. Calls without a resource, or with one that does not exist
 * yet, are limited by the cluster. Source:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
 */
export function runEcsTasks(rights: EcsRights): readonly Given<Permission>[] {
  const { clusterArns, taskDefinitionArns, passRoleArns, logGroupArns } = rights;
  const inClusters = { ArnEquals: { "ecs:cluster": clusterArns } };
  const tasks: Permission = {
    name: "Tasks",
    statements: [
      { ...allow("Start", ["ecs:RunTask", "ecs:StartTask"], taskDefinitionArns), Condition: inClusters },
      { ...allow("WatchAndStop", ["ecs:DescribeTasks", "ecs:ListTasks", "ecs:StopTask"], "*"), Condition: inClusters },
      allow("ReadDefinitions", ["ecs:DescribeTaskDefinition"], "*"),
      tagOnCreate(),
    ],
  };
  return [
    tasks,
    ...(passRoleArns === undefined ? [] : [mapGiven(passRoleArns, passRoles)]),
    ...(logGroupArns === undefined ? [] : [mapGiven(logGroupArns, readLogs)]),
  ];
}

function tagOnCreate(): Statement {
  const Condition = { StringEquals: { "ecs:CreateAction": ["RunTask", "StartTask"] } };
  const tasks = `arn:${Aws.PARTITION}:ecs:*:${Aws.ACCOUNT_ID}:task/*`;
  return { ...allow("TagWhatIsStarted", ["ecs:TagResource"], tasks), Condition };
}

/** Allows passing roles only to tasks, and to no other service. */
function passRoles(arns: readonly string[]): Permission {
  const Condition = { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } };
  return { name: "TaskRoles", statements: [{ ...allow("HandOn", ["iam:PassRole"], arns), Condition }] };
}

function readLogs(arns: readonly string[]): Permission {
  return { name: "TaskLogs", statements: [allow("ReadLastLines", ["logs:GetLogEvents"], withEnding(arns, ":*"))] };
}
