import type { ParameterName } from "./parameter-definitions.ts";

/** Parameters that belong together. */
type Names = readonly ParameterName[];

const YARD: Names = [
  "YardName",
  "LogLevel",
  "OtlpEndpoint",
  "CodeBucket",
  "MessageBucket",
  "MessagePrefix",
  "SubnetIds",
  "SecurityGroupIds",
];
const OPERATIONS: Names = ["LogRetentionDays", "AlarmTopicArns", "PermissionsBoundaryArn", "ConnectionSecretArn"];
const QUEUES: Names = [
  "EventOrder",
  "EventTopicArn",
  "EventRuleArns",
  "EventSenderArns",
  "QueueKeyArn",
  "TaskRunnerTimeout",
  "LongTasks",
];
const MADE_TABLES: Names = ["ExistingStacksTable", "ExistingWorkTable"];
const STATE_MANAGER: Names = [
  "StateManagerCodeKey",
  "StateManagerCodeVersion",
  "StateManagerMemory",
  "StateManagerReservedConcurrency",
  "MachineBucket",
  "MachinePrefix",
  "Executors",
  "RefusedEvents",
  "RefusedEventsKeep",
  "AutomaticTransitionsPerHour",
  "HistoryRetentionDays",
  "AllowExternalNext",
];
const TASK_RUNNER: Names = [
  "TaskRunnerCodeKey",
  "TaskRunnerCodeVersion",
  "TaskRunnerImageUri",
  "TaskRunnerArchitecture",
  "TaskRunnerTimeout",
  "TaskRunnerMemory",
  "TaskRunnerReservedConcurrency",
  "TaskRunnerPolicyArns",
  "TaskConcurrency",
  "FunctionArns",
  "SourceBucketArns",
  "TargetRoleArns",
  "TargetRole",
  "TargetExternalId",
  "SessionTags",
  "TerraformStateUrl",
];
const CONTAINERS: Names = [
  "LongTaskImageUri",
  "LongTaskArchitecture",
  "LongTaskSubnetIds",
  "LongTaskSecurityGroupIds",
  "LongTaskPublicAddress",
  "LongTaskCount",
];
const OTHERS_QUEUES: Names = [
  "TaskQueueArn",
  "EventQueueArn",
  "TaskDeadLetterQueueArn",
  "LongTaskQueueArn",
  "QueueKeyArn",
];
const OTHERS_TABLES: Names = ["StacksTable", "WorkTable"];

/** The parameters of each template. */
export const PARAMETERS_OF = {
  yard: [...YARD, ...OPERATIONS, ...QUEUES, ...MADE_TABLES, ...STATE_MANAGER, ...TASK_RUNNER, ...CONTAINERS],
  "state-manager": [...YARD, ...OPERATIONS, ...QUEUES, ...MADE_TABLES, ...STATE_MANAGER, "RunnersHaveStore"],
  "task-runner": [
    ...YARD,
    ...OPERATIONS,
    ...TASK_RUNNER,
    ...CONTAINERS,
    ...OTHERS_QUEUES,
    ...OTHERS_TABLES,
    "RunnersHaveStore",
  ],
} as const satisfies Readonly<Record<string, Names>>;
