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
const ECS_TASK: Names = [
  "EcsTaskCodeKey",
  "EcsTaskCodeVersion",
  "ClusterArns",
  "TaskDefinitionArns",
  "TaskRoleArns",
  "TaskLogGroupArns",
  "PhysicalId",
];
const FUNCTION: Names = ["YardName", "LogLevel", "CodeBucket", "SubnetIds", "SecurityGroupIds"];
const FLEET: Names = [
  "FleetCodeKey",
  "FleetCodeVersion",
  "FleetEnvironment",
  "FleetReportUrl",
  "DocumentArns",
  "ArtifactArns",
  "Boot",
  "BootProfile",
  "BootBucket",
  "BootPrefix",
  "BootPipeline",
  "BootArtifact",
  "AutoScalingGroupArns",
];
const FLEET_RUNNER: Names = [
  "TaskQueueArn",
  "EventQueueArn",
  "TaskDeadLetterQueueArn",
  "QueueKeyArn",
  "TaskRunnerTimeout",
  "TaskRunnerMemory",
  "TaskRunnerReservedConcurrency",
  "TaskRunnerPolicyArns",
  "TaskConcurrency",
  "TargetRoleArns",
  "TargetRole",
  "TargetExternalId",
  "SessionTags",
];
const INSTANCES: Names = [
  "ArtifactBucket",
  "ArtifactPrefix",
  "OutputBucket",
  "OutputPrefix",
  "AssociatedArtifact",
  "AssociatedSha256",
  "AssociatedEntryPoint",
  "AssociationConcurrency",
  "AssociationErrors",
  "LaunchGroupName",
  "LaunchHeartbeat",
  "PatchSchedule",
  "PatchTimeZone",
  "PatchDurationHours",
  "PatchCutoffHours",
  "PatchCutoffBehavior",
  "PatchOperation",
  "PatchRebootOption",
  "PatchConcurrency",
  "PatchErrors",
];

const RELEASES: Names = [
  "LogLevel",
  "CodeBucket",
  "SubnetIds",
  "SecurityGroupIds",
  "ReleasesCodeKey",
  "ReleasesCodeVersion",
  "ExistingReleaseBucket",
  "ExistingLockTable",
  "ReleaseKeyArn",
  "LogRetentionDays",
  "AlarmTopicArns",
];
const RELEASE_ROLE: Names = [
  "ReleasesPreset",
  "AssumedRole",
  "AssumedRoleExternalId",
  "ReleaseSessionTags",
  "PermissionsBoundaryArn",
];

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
  "ecs-task": [...FUNCTION, ...ECS_TASK, "LogRetentionDays", "AlarmTopicArns", "PermissionsBoundaryArn"],
  fleet: [...YARD, ...OPERATIONS, ...OTHERS_TABLES, ...FLEET, ...FLEET_RUNNER],
  "fleet-instances": ["YardName", "PermissionsBoundaryArn", ...INSTANCES],
  releases: [...RELEASES, ...RELEASE_ROLE],
  "releases-account": [...RELEASE_ROLE, "DeployerRoleArn", "PassedRoleArns"],
} as const satisfies Readonly<Record<string, Names>>;
