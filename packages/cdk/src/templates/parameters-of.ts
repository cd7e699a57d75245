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

const DISTRIBUTOR: Names = [
  "LogLevel",
  "CodeBucket",
  "SubnetIds",
  "SecurityGroupIds",
  "DistributorCodeKey",
  "DistributorCodeVersion",
  "TrustedAccounts",
  "OrganizationId",
  "ExternalId",
  "InitialSetRoleName",
  "ConsumersMayWait",
  "SourceBucketPrefix",
  "ExistingSourceBucket",
  "ExistingRecordsTable",
  "KmsKeyArn",
  "TopicKeyArn",
  "ArtifactPrefix",
  "UploadPrefix",
  "Transfer",
  "UrlSeconds",
  "OverdueSeconds",
  "KeepDays",
  "LogRetentionDays",
  "AlarmTopicArns",
  "PermissionsBoundaryArn",
];
/** The parameters of every consumer, which a roll-out passes to all of them. */
const CONSUMERS: Names = [
  "DistributionTopic",
  "DistributionRegion",
  "DistributionBucket",
  "InitialDistributionRole",
  "InitialDistributionSetMachine",
  "ReceiptBus",
  "DistributionKeyArn",
  "ExternalId",
  "OrganizationId",
  "BucketPrefix",
  "EmptyOnDelete",
  "SsmParameterName",
  "MaxBytes",
  "Transfer",
  "Retire",
  "AcceptV1",
  "ExtraHosts",
  "TriggerVersion",
  "WaitForInitialSet",
  "LogLevel",
  "LogRetentionDays",
];
/** Parameters that differ by account and region. */
const CONSUMER: Names = [
  ...CONSUMERS,
  "TargetBucket",
  "KmsKeyArn",
  "QueueKeyArn",
  "PrivateEndpoints",
  "SubnetIds",
  "SecurityGroupIds",
  "AlarmTopicArns",
  "PermissionsBoundaryArn",
];
const ROLLOUT: Names = [
  "ConsumerTemplateUrl",
  "StackSetName",
  "PermissionModel",
  "CallAs",
  "OrganizationalUnitIds",
  "ConsumerAccounts",
  "ConsumerRegions",
  "AutoDeployment",
  "FailureTolerancePercentage",
  "MaxConcurrentPercentage",
];

/** Parameters that a roll-out passes to the consumers. */
export const ROLLED_OUT = CONSUMERS;

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
  distributor: DISTRIBUTOR,
  consumer: CONSUMER,
  "consumer-zip": [...CONSUMER, "CodeBucketPrefix", "ConsumerZip"],
  "consumers-rollout": [...ROLLOUT, ...ROLLED_OUT],
} as const satisfies Readonly<Record<string, Names>>;
