/** Where functions are placed. */
export const SUBNETS = { SubnetIds: "subnet-0123456789abcdef0", SecurityGroupIds: "sg-0123456789abcdef0" } as const;

/** How functions are operated. */
export const OPERATIONS = {
  LogLevel: "debug",
  AlarmTopicArns: "arn:aws:sns:eu-west-1:111122223333:on-call",
  PermissionsBoundaryArn: "arn:aws:iam::111122223333:policy/boundary",
} as const;

/** A customer managed key. */
export const KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/** Parameters of a yard's deployment; others have their defaults. */
export const YARD_PARAMETERS = {
  CodeBucket: "code",
  StateManagerCodeKey: "state-manager.zip",
  TaskRunnerCodeKey: "task-runner.zip",
  MachineBucket: "machines",
} as const;

/** All parameters are set. */
export const FULL_YARD_PARAMETERS = {
  S3Encryption: "arn:aws:kms:eu-west-1:111122223333:key/0000abcd-12ab-34cd-56ef-1234567890ab",
  ...YARD_PARAMETERS,
  ...OPERATIONS,
  YardName: "blue",
  StateManagerCodeVersion: "v1",
  TaskRunnerCodeVersion: "v2",
  TaskRunnerImageUri: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/task-runner:1",
  TaskRunnerArchitecture: "x86_64",
  MachinePrefix: "m/",
  EventOrder: "fifo",
  EventTopicArn: "arn:aws:sns:eu-central-1:444455556666:deploys.fifo",
  EventRuleArns: "arn:aws:events:eu-west-1:111122223333:rule/deploys",
  EventSenderArns: "444455556666",
  Executors: "delay, ecs",
  RefusedEvents: "drop",
  RefusedEventsKeep: "90m",
  AutomaticTransitionsPerHour: "50",
  HistoryRetentionDays: "90",
  AuditRetentionDays: "730",
  AllowExternalNext: "true",
  QueueSenders: '[{"id":"AROAEXAMPLE:*","groups":["release-managers"]}]',
  SessionTags: "true",
  SealKeyArn: "arn:aws:kms:eu-west-1:111122223333:key/5678abcd-12ab-34cd-56ef-1234567890ab",
  TerraformStateUrl: "https://stackyard.example.org",
  OtlpEndpoint: "http://collector:4318",
  QueueKeyArn: KEY,
  MessageBucket: "messages",
  ExistingTaskLogBucket: "task-logs",
  TaskLogPrefix: "blue/",
  ConnectionSecretArn: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-abc",
  FunctionArns:
    "arn:aws:lambda:eu-west-1:111122223333:function:make-db,arn:aws:lambda:eu-west-1:111122223333:function:drop-db:*",
  DistributorArn: "arn:aws:lambda:eu-central-1:444455556666:function:stackyard-distributor",
  ReadAlarms: "true",
  SourceBucketArns: "arn:aws:s3:::sources,arn:aws:s3:::more-sources",
  TargetRoleArns: "arn:aws:iam::444455556666:role/deployer",
  TargetRole: "deployer",
  TargetExternalId: "yard-blue",
  TaskRunnerPolicyArns: "arn:aws:iam::111122223333:policy/network",
  TaskRunnerTimeout: "600",
  TaskConcurrency: "20",
  LongTasks: "service",
  LongTaskImageUri: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/task-runner-container:1",
  LongTaskSubnetIds: "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
  LongTaskSecurityGroupIds: "sg-0123456789abcdef0",
  SubnetIds: "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
  SecurityGroupIds: "sg-0123456789abcdef0",
  StateManagerReservedConcurrency: "5",
  TaskRunnerReservedConcurrency: "10",
} as const;

/** Where a runner alone finds the yard's queues. */
export const RUNNER_PARAMETERS = {
  CodeBucket: "code",
  TaskRunnerCodeKey: "task-runner.zip",
  TaskQueueArn: "arn:aws:sqs:eu-west-1:111122223333:stack-tasks",
  EventQueueArn: "arn:aws:sqs:eu-west-1:111122223333:stack-events",
  TaskDeadLetterQueueArn: "arn:aws:sqs:eu-west-1:111122223333:task-dead-letters",
} as const;

/** Ways to deploy the templates that together take both sides of every condition. */
export const DEPLOYMENTS: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ["yard", "with defaults", YARD_PARAMETERS],
  ["yard", "with everything said", FULL_YARD_PARAMETERS],
  [
    "yard",
    "on tables that are there",
    { ...YARD_PARAMETERS, ExistingStacksTable: "Stacks", ExistingWorkTable: "Work" },
  ],
  ["yard", "with a queue for long tasks", { ...YARD_PARAMETERS, LongTasks: "queue" }],
  ["state-manager", "with defaults", YARD_PARAMETERS],
  ["state-manager", "with everything said", FULL_YARD_PARAMETERS],
  ["task-runner", "by message alone", RUNNER_PARAMETERS],
  ["task-runner", "on tables", { ...RUNNER_PARAMETERS, StacksTable: "Stacks", WorkTable: "Work" }],
  [
    "task-runner",
    "with everything said",
    {
      ...FULL_YARD_PARAMETERS,
      ...RUNNER_PARAMETERS,
      TaskLogBucket: "task-logs",
      CalendarBucket: "machines",
      CalendarPrefix: "m/calendars/",
      LongTaskQueueArn: "arn:aws:sqs:eu-west-1:111122223333:stack-long-tasks",
    },
  ],
];
