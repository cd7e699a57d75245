import { SharedVariables } from "@stackyard/core/environment";
import {
  ECS_TASK_PARAMETERS,
  FLEET_PARAMETERS,
  INSTANCES_PARAMETERS,
  RELEASES_PARAMETERS,
  SERVICES_PARAMETERS,
} from "./app-parameters.ts";
import { ARTIFACTS_PARAMETERS, DISTRIBUTOR_PARAMETERS, ROLLOUT_PARAMETERS } from "./artifacts-parameters.ts";
import {
  BUCKET,
  CODE_VERSION,
  IMAGE,
  inGroup,
  KEY,
  ofVariable,
  type ParameterDefinition,
  PREFIX,
  UPLOAD_ENCRYPTION,
} from "./parameter-forms.ts";
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
  S3Encryption: {
    group: "Yard",
    description:
      "Encryption that uploads to S3 name, if policies demand it: AES256, aws:kms or the ARN of a key. Empty: not named.",
    ...UPLOAD_ENCRYPTION,
  },
  LogLevel: { group: "Yard", ...ofVariable(SharedVariables.properties.LOG_LEVEL) },

  ...inGroup("Code", {
    CodeBucket: { description: "Bucket in this region that contains the zips of the apps.", ...BUCKET },
    StateManagerCodeKey: { description: "Key of the zip of the state manager.", ...KEY },
    StateManagerCodeVersion: {
      description: "Version of this object in a versioned bucket. Empty: the newest at the time of the deployment.",
      default: "",
      pattern: "^[^\\s]{0,1024}$",
    },
    TaskRunnerCodeKey: { description: "Key of the zip of the task runner.", ...KEY },
    TaskRunnerCodeVersion: CODE_VERSION,
    TaskRunnerImageUri: {
      description: "Image of the task runner in ECR, with Terraform, for Lambda; replaces the zip. Empty: the zip.",
      ...IMAGE,
    },
    TaskRunnerArchitecture: {
      description: "Processor architecture of the task runner's image. The zip runs on both.",
      default: "arm64",
      values: ["arm64", "x86_64"],
    },
  }),

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
    ...PREFIX,
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

/** Returns the names of parameters that are defined together. */
function namesOf(definitions: object): Names {
  return Object.keys(definitions).filter((name): name is ParameterName => Object.hasOwn(PARAMETERS, name));
}

const YARD: Names = [
  "YardName",
  "LogLevel",
  "OtlpEndpoint",
  "CodeBucket",
  "MessageBucket",
  "MessagePrefix",
  "SealKeyArn",
  "S3Encryption",
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
  ...namesOf(ENGINE_PARAMETERS),
];
const RUNNER: Names = [
  "TaskRunnerTimeout",
  "TaskRunnerMemory",
  "TaskRunnerReservedConcurrency",
  "TaskRunnerPolicyArns",
  "TaskConcurrency",
  "TaskLogPrefix",
  "TargetRoleArns",
  "TargetRole",
  "TargetExternalId",
  "SessionTags",
];
const TASK_RUNNER: Names = [
  "TaskRunnerCodeKey",
  "TaskRunnerCodeVersion",
  "TaskRunnerImageUri",
  "TaskRunnerArchitecture",
  ...RUNNER,
  "FunctionArns",
  "DistributorArn",
  "ReadAlarms",
  "SourceBucketArns",
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
const OTHERS_QUEUES: Names = ["TaskQueueArn", "EventQueueArn", "TaskDeadLetterQueueArn", "QueueKeyArn"];
const OTHERS_TABLES: Names = ["StacksTable", "WorkTable"];
const FUNCTION: Names = [
  "LogLevel",
  "CodeBucket",
  "SubnetIds",
  "SecurityGroupIds",
  "LogRetentionDays",
  "AlarmTopicArns",
];

const RELEASES: Names = [
  "ReleasesCodeKey",
  "ReleasesCodeVersion",
  "ExistingReleaseBucket",
  "ExistingLockTable",
  "ReleaseKeyArn",
  "S3Encryption",
];
const RELEASE_ROLE: Names = [
  "ReleasesPreset",
  "AssumedRole",
  "AssumedRoleExternalId",
  "ReleaseSessionTags",
  "PermissionsBoundaryArn",
];

/** The parameters of every consumer, which a roll-out passes to all of them. */
export const CONSUMERS: Names = [
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
  "TopicFilter",
  "Retire",
  "AcceptV1",
  "ExtraHosts",
  "TriggerVersion",
  "WaitForInitialSet",
  "S3Encryption",
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
    "CalendarBucket",
    "CalendarPrefix",
    "LongTaskQueueArn",
    "RunnersHaveStore",
    "TaskLogBucket",
  ],
  "ecs-task": [...FUNCTION, ...namesOf(ECS_TASK_PARAMETERS), "YardName", "PermissionsBoundaryArn"],
  fleet: [
    ...YARD,
    ...OPERATIONS,
    ...OTHERS_QUEUES,
    ...OTHERS_TABLES,
    ...namesOf(FLEET_PARAMETERS),
    ...RUNNER,
    "TaskLogBucket",
  ],
  "fleet-instances": ["YardName", "PermissionsBoundaryArn", ...namesOf(INSTANCES_PARAMETERS)],
  services: [
    ...YARD,
    ...OPERATIONS,
    ...OTHERS_TABLES,
    ...namesOf(SERVICES_PARAMETERS),
    "EventQueueArn",
    "QueueKeyArn",
    "MachineBucket",
    "MachinePrefix",
    "TargetRoleArns",
  ],
  releases: [...FUNCTION, ...RELEASES, ...RELEASE_ROLE],
  "releases-account": [...RELEASE_ROLE, "DeployerRoleArn", "PassedRoleArns"],
  distributor: [
    ...FUNCTION,
    ...namesOf(DISTRIBUTOR_PARAMETERS),
    "OrganizationId",
    "ExternalId",
    "KmsKeyArn",
    "S3Encryption",
    "Transfer",
    "PermissionsBoundaryArn",
  ],
  consumer: CONSUMER,
  "consumer-zip": [...CONSUMER, "CodeBucketPrefix", "ConsumerZip"],
  "consumers-rollout": [...namesOf(ROLLOUT_PARAMETERS), ...CONSUMERS],
} as const satisfies Readonly<Record<string, Names>>;
