import {
  ECS_TASK_PARAMETERS,
  FLEET_PARAMETERS,
  INSTANCES_PARAMETERS,
  RELEASES_PARAMETERS,
  SERVICES_PARAMETERS,
} from "./app-parameters.ts";
import { ARTIFACTS_PARAMETERS } from "./artifacts-parameters.ts";
import { BUCKET, IMAGE, KEY, type ParameterDefinition } from "./parameter-forms.ts";
import {
  ENGINE_PARAMETERS,
  OPERATIONS_PARAMETERS,
  QUEUE_PARAMETERS,
  STORE_PARAMETERS,
  TASK_PARAMETERS,
} from "./yard-parameters.ts";

/** All parameters of the templates, in the order of the console. */
export const PARAMETERS = {
  YardName: {
    group: "Yard",
    description:
      "Name of this installation. The queues of main are called stack-events and so on; others begin with the name, as in NAME-stack-events.",
    default: "main",
    pattern: "^[A-Za-z0-9][A-Za-z0-9_-]{0,29}$",
    constraint: "1 to 30 letters, digits, _ and -, and no _ or - first.",
  },
  LogLevel: {
    group: "Yard",
    description: "Lowest level in the log.",
    default: "info",
    values: ["debug", "info", "warn", "error"],
  },

  CodeBucket: { group: "Code", description: "Bucket in this region that contains the zips of the apps.", ...BUCKET },
  StateManagerCodeKey: { group: "Code", description: "Key of the zip of the state manager.", ...KEY },
  StateManagerCodeVersion: {
    group: "Code",
    description: "Version of this object in a versioned bucket. Empty: the newest at the time of the deployment.",
    default: "",
    pattern: "^[^\\s]{0,1024}$",
  },
  TaskRunnerCodeKey: { group: "Code", description: "Key of the zip of the task runner.", ...KEY },
  TaskRunnerCodeVersion: {
    group: "Code",
    description: "Version of this object. Empty: the newest at the time of the deployment.",
    default: "",
    pattern: "^[^\\s]{0,1024}$",
  },
  TaskRunnerImageUri: {
    group: "Code",
    description: "Image of the task runner in ECR, with Terraform, for Lambda; replaces the zip. Empty: the zip.",
    ...IMAGE,
  },
  TaskRunnerArchitecture: {
    group: "Code",
    description: "Processor architecture of the task runner's image. The zip runs on both.",
    default: "arm64",
    values: ["arm64", "x86_64"],
  },

  ...ECS_TASK_PARAMETERS,
  ...FLEET_PARAMETERS,
  ...INSTANCES_PARAMETERS,
  ...SERVICES_PARAMETERS,
  ...RELEASES_PARAMETERS,
  ...ARTIFACTS_PARAMETERS,

  MachineBucket: { group: "Machines", description: "Bucket of the machines: YAML files.", ...BUCKET },
  MachinePrefix: {
    group: "Machines",
    description: "Prefix of their keys, such as machines/. Empty: the whole bucket.",
    default: "",
    pattern: "^[^\\s*?]{0,512}$",
    constraint: "Without spaces, * and ?.",
  },

  ...QUEUE_PARAMETERS,
  ...STORE_PARAMETERS,
  ...ENGINE_PARAMETERS,
  ...TASK_PARAMETERS,
  ...OPERATIONS_PARAMETERS,
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

/** The name of a parameter. */
export type ParameterName = keyof typeof PARAMETERS;

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
  "AuditRetentionDays",
  "AllowExternalNext",
  "QueueSenders",
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
  "SealKeyArn",
  "TaskLogPrefix",
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
  "TaskLogBucket",
  "TaskLogPrefix",
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

const SERVICES: Names = [
  "ServicesCodeKey",
  "ServicesCodeVersion",
  "EventQueueArn",
  "QueueKeyArn",
  "MachineBucket",
  "MachinePrefix",
  "ProjectBucket",
  "ProjectPrefix",
  "SecretArns",
  "TargetRoleArns",
  "ServicesPolicyArns",
  "ServicesReservedConcurrency",
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
  yard: [
    ...YARD,
    ...OPERATIONS,
    ...QUEUES,
    ...MADE_TABLES,
    ...STATE_MANAGER,
    ...TASK_RUNNER,
    ...CONTAINERS,
    "ExistingTaskLogBucket",
  ],
  "state-manager": [...YARD, ...OPERATIONS, ...QUEUES, ...MADE_TABLES, ...STATE_MANAGER, "RunnersHaveStore"],
  "task-runner": [
    ...YARD,
    ...OPERATIONS,
    ...TASK_RUNNER,
    ...CONTAINERS,
    ...OTHERS_QUEUES,
    ...OTHERS_TABLES,
    "RunnersHaveStore",
    "TaskLogBucket",
  ],
  "ecs-task": [...FUNCTION, ...ECS_TASK, "LogRetentionDays", "AlarmTopicArns", "PermissionsBoundaryArn"],
  fleet: [...YARD, ...OPERATIONS, ...OTHERS_TABLES, ...FLEET, ...FLEET_RUNNER],
  "fleet-instances": ["YardName", "PermissionsBoundaryArn", ...INSTANCES],
  services: [...YARD, ...OPERATIONS, ...OTHERS_TABLES, ...SERVICES],
  releases: [...RELEASES, ...RELEASE_ROLE],
  "releases-account": [...RELEASE_ROLE, "DeployerRoleArn", "PassedRoleArns"],
  distributor: DISTRIBUTOR,
  consumer: CONSUMER,
  "consumer-zip": [...CONSUMER, "CodeBucketPrefix", "ConsumerZip"],
  "consumers-rollout": [...ROLLOUT, ...ROLLED_OUT],
} as const satisfies Readonly<Record<string, Names>>;
