import { KEY, OPERATIONS, RUNNER_PARAMETERS, SUBNETS } from "./a-yard.ts";

/** Parameters of a deployment of the custom resource for ECS tasks. */
export const ECS_TASK_APP = {
  CodeBucket: "code",
  EcsTaskCodeKey: "ecs-task.zip",
  ClusterArns: "arn:aws:ecs:eu-west-1:111122223333:cluster/apps",
  TaskDefinitionArns: "arn:aws:ecs:eu-west-1:111122223333:task-definition/migrate:*",
} as const;

/** All parameters are set. */
export const FULL_ECS_TASK_APP = {
  ...ECS_TASK_APP,
  ...SUBNETS,
  ...OPERATIONS,
  YardName: "blue",
  EcsTaskCodeVersion: "v1",
  ClusterArns: "arn:aws:ecs:eu-west-1:111122223333:cluster/apps,arn:aws:ecs:eu-west-1:111122223333:cluster/jobs",
  TaskRoleArns: "arn:aws:iam::111122223333:role/migrate,arn:aws:iam::111122223333:role/migrate-execution",
  TaskLogGroupArns: "arn:aws:logs:eu-west-1:111122223333:log-group:/ecs/migrate",
  PhysicalId: "taskArn",
} as const;

/** A fleet over the queues and tables of a state manager. */
export const FLEET_APP = {
  CodeBucket: "code",
  FleetCodeKey: "fleet.zip",
  TaskQueueArn: RUNNER_PARAMETERS.TaskQueueArn,
  EventQueueArn: RUNNER_PARAMETERS.EventQueueArn,
  TaskDeadLetterQueueArn: RUNNER_PARAMETERS.TaskDeadLetterQueueArn,
  StacksTable: "stackyard-main-stacks",
  WorkTable: "stackyard-main-stacks-work",
} as const;

/** All parameters are set. */
export const FULL_FLEET_APP = {
  S3Encryption: "arn:aws:kms:eu-west-1:111122223333:key/0000abcd-12ab-34cd-56ef-1234567890ab",
  ...FLEET_APP,
  ...SUBNETS,
  ...OPERATIONS,
  YardName: "blue",
  FleetCodeVersion: "v1",
  BootBucket: "artifacts",
  BootPrefix: "GARLC/",
  FleetEnvironment: "production",
  FleetReportUrl: "https://stackyard.example.org/runs/{runId}",
  DocumentArns: "arn:aws:ssm:eu-west-1:111122223333:document/Acme-Own",
  ArtifactArns: "arn:aws:s3:::artifacts/site/*",
  Boot: "DISABLED",
  BootProfile: "garlc-1",
  BootPipeline: "GARLC",
  BootArtifact: "MyApp",
  AutoScalingGroupArns: "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:*:autoScalingGroupName/webservers",
  QueueKeyArn: KEY,
  MessageBucket: "messages",
  OtlpEndpoint: "http://collector:4318",
  TargetRoleArns: "arn:aws:iam::444455556666:role/deployer",
  TargetRole: "deployer",
  TargetExternalId: "yard-blue",
  SessionTags: "true",
  TaskRunnerPolicyArns: "arn:aws:iam::111122223333:policy/network",
  TaskConcurrency: "20",
  TaskRunnerReservedConcurrency: "10",
} as const;

/** Services over the queue of events and the tables of a state manager. */
export const SERVICES_APP = {
  CodeBucket: "code",
  ServicesCodeKey: "services.zip",
  EventQueueArn: RUNNER_PARAMETERS.EventQueueArn,
  StacksTable: "stackyard-main-stacks",
  WorkTable: "stackyard-main-stacks-work",
  MachineBucket: "machines",
  ProjectBucket: "projects",
} as const;

/** All parameters are set. */
export const FULL_SERVICES_APP = {
  S3Encryption: "arn:aws:kms:eu-west-1:111122223333:key/0000abcd-12ab-34cd-56ef-1234567890ab",
  ...SERVICES_APP,
  ...SUBNETS,
  ...OPERATIONS,
  YardName: "blue",
  ServicesCodeVersion: "v1",
  MachinePrefix: "machines/",
  ProjectPrefix: "project/",
  SecretArns: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:github-abc",
  TargetRoleArns: "arn:aws:iam::444455556666:role/reader",
  ServicesPolicyArns: "arn:aws:iam::111122223333:policy/tags",
  ServicesReservedConcurrency: "10",
  QueueKeyArn: KEY,
  MessageBucket: "messages",
  OtlpEndpoint: "http://collector:4318",
} as const;

/** The resources that accompany instances. */
export const INSTANCES_APP = { ArtifactBucket: "artifacts" } as const;

/** All parameters are set. */
export const FULL_INSTANCES_APP = {
  ...INSTANCES_APP,
  YardName: "blue",
  ArtifactPrefix: "GARLC/",
  OutputBucket: "output",
  OutputPrefix: "all/",
  AssociatedArtifact: "s3://artifacts/GARLC/MyApp/build%20one.zip?versionId=v1",
  AssociatedSha256: "0".repeat(64),
  LaunchGroupName: "webservers",
  LaunchHeartbeat: "900",
  PatchSchedule: "cron(0 3 ? * SUN *)",
  PatchTimeZone: "Europe/Berlin",
  PatchOperation: "Install",
  PatchRebootOption: "RebootIfNeeded",
  PermissionsBoundaryArn: "arn:aws:iam::111122223333:policy/boundary",
} as const;

const ON_A_DATABASE = {
  StacksTable: "",
  WorkTable: "",
  ConnectionSecretArn: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-abc",
} as const;

/** Ways to deploy the templates of apps that together take both sides of every condition. */
export const APP_DEPLOYMENTS: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ["ecs-task", "with defaults", ECS_TASK_APP],
  ["ecs-task", "with everything said", FULL_ECS_TASK_APP],
  ["fleet", "with defaults", FLEET_APP],
  ["fleet", "with everything said", FULL_FLEET_APP],
  ["fleet", "on a database", { ...FULL_FLEET_APP, ...ON_A_DATABASE }],
  ["services", "with defaults", SERVICES_APP],
  ["services", "with everything said", FULL_SERVICES_APP],
  ["services", "on a database", { ...FULL_SERVICES_APP, ...ON_A_DATABASE }],
  ["fleet-instances", "with defaults", INSTANCES_APP],
  ["fleet-instances", "with everything said", FULL_INSTANCES_APP],
];
