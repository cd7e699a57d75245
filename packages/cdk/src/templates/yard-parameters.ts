import {
  ADDRESS,
  ARN,
  COUNT,
  IMAGE,
  LIST,
  optional,
  type ParameterDefinition,
  QUEUE_ARN,
  TABLE,
} from "./parameter-forms.ts";

/** Where a yard stores its state. */
export const STORE_PARAMETERS = {
  ConnectionSecretArn: {
    group: "Store",
    description: "Secret of a Postgres database, as RDS writes it. Empty: the yard keeps its state in DynamoDB.",
    ...optional(`${ARN}:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^\\s]{1,512}`, "The ARN of a secret, or nothing."),
  },
  ExistingStacksTable: {
    group: "Store",
    description:
      "Table of stacks that is there, such as CloudSeam's. Empty: one is made, and kept when this stack is deleted.",
    ...TABLE,
  },
  ExistingWorkTable: {
    group: "Store",
    description: "Work table that is there. Empty: one is made, and kept.",
    ...TABLE,
  },
  StacksTable: {
    group: "Store",
    description: "Table of stacks, for a runner with the store. Empty: it works without a store.",
    ...TABLE,
  },
  WorkTable: { group: "Store", description: "Work table, together with StacksTable.", ...TABLE },
  RunnersHaveStore: {
    group: "Store",
    description:
      "true when every runner that reads the queues of tasks has the store, so that claims, cancels and exclusive keys hold.",
    default: "false",
    values: ["true", "false"],
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

/** Additional senders of events from other accounts: parameters of the queue's policy. */
export const SENDER_PARAMETERS = {
  EventTopicArn: {
    group: "Queues",
    description:
      "Topic of SNS in front of the queue of events, which is subscribed to it. A FIFO queue takes a FIFO topic. Empty: none.",
    ...optional(`${ARN}:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\\.fifo)?`, "The ARN of a topic, or nothing."),
  },
  EventRuleArns: {
    group: "Queues",
    description: "Rules of EventBridge that send to the queue of events, ARNs by commas. Empty: none.",
    ...LIST,
    ...optional(`${ARN}:events:[a-z0-9-]+:[0-9]{12}:rule/[A-Za-z0-9._/-]{1,320}`, "ARNs of rules, or nothing."),
  },
  EventSenderArns: {
    group: "Queues",
    description:
      "Senders of events in other accounts, by commas: numbers of accounts, ARNs of roles and users. Empty: none.",
    ...LIST,
    ...optional(
      `[0-9]{12}|${ARN}:iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9+=,.@_/-]{1,576})`,
      "Numbers of accounts, ARNs of roles or users, or nothing.",
    ),
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

/** The queues of a yard. */
export const QUEUE_PARAMETERS = {
  TaskQueueArn: {
    group: "Queues",
    description: "Queue of tasks (output TaskQueueArn of the state manager).",
    pattern: `^${QUEUE_ARN}$`,
  },
  EventQueueArn: {
    group: "Queues",
    description: "Queue of events, for answers (output EventQueueArn).",
    pattern: `^${QUEUE_ARN}$`,
  },
  TaskDeadLetterQueueArn: {
    group: "Queues",
    description: "Queue for task messages that cannot be processed (output TaskDeadLetterQueueArn).",
    pattern: `^${QUEUE_ARN}$`,
  },
  LongTaskQueueArn: {
    group: "Queues",
    description: "Queue of tasks that exceed a function's timeout (output LongTaskQueueArn). Empty: no such queue.",
    ...optional(QUEUE_ARN, "The ARN of a queue, or nothing."),
  },
  EventOrder: {
    group: "Queues",
    description:
      "standard: events mostly come in order. fifo: those of a stack always do, and senders give a group. Changing it makes new queues.",
    default: "standard",
    values: ["standard", "fifo"],
  },
  ...SENDER_PARAMETERS,
  QueueKeyArn: {
    group: "Queues",
    description:
      "Customer's KMS key for the queues. Its policy must let those send that do, such as sns.amazonaws.com. Empty: SQS's own key.",
    ...optional(`${ARN}:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+`, "The ARN of a key, or nothing."),
  },
  MessageBucket: {
    group: "Queues",
    description: "Bucket for messages above 1 MiB; give it a lifecycle rule of 15 days. Empty: they are refused.",
    ...optional("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "The name of a bucket, or nothing."),
  },
  MessagePrefix: {
    group: "Queues",
    description: "Beginning of the keys of such messages.",
    default: "stackyard/messages/",
    pattern: "^[^\\s*?]{1,512}$",
    constraint: "Without spaces, * and ?.",
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

const EXECUTOR = "[a-z][a-z0-9-]{0,62}";

/** Settings of the state manager's decisions, with its own defaults. */
export const ENGINE_PARAMETERS = {
  Executors: {
    group: "Decisions",
    description:
      "Executors of runners of your own, by commas, such as delay,ecs: machines may name them. Empty: terraform and lambda alone.",
    ...optional(`${EXECUTOR}( *, *${EXECUTOR}){0,63}`, "Names of executors with commas between them, or nothing."),
  },
  RefusedEvents: {
    group: "Decisions",
    description:
      "What becomes of events that a stack refuses for the present; redeliver, as CloudSeam does, not with EventOrder fifo.",
    default: "park",
    values: ["park", "redeliver", "drop"],
  },
  RefusedEventsKeep: {
    group: "Decisions",
    description: "How long a parked event is tried again, such as 90m.",
    default: "1h",
    pattern: "^[1-9][0-9]{0,8}(ms|s|m|h|d)$",
    constraint: "A duration such as 90m.",
  },
  AutomaticTransitionsPerHour: {
    group: "Decisions",
    description: "Entries of a stack that results and timers may cause within an hour before it is stopped.",
    type: "Number",
    default: 1000,
    min: 1,
    max: 999_999_999,
  },
  HistoryRetentionDays: {
    group: "Decisions",
    description: "Days that the history of stacks is kept.",
    type: "Number",
    default: 30,
    min: 1,
    max: 99_999,
  },
  AllowExternalNext: {
    group: "Decisions",
    description: "true lets the event NEXT in from outside, as CloudSeam did.",
    default: "false",
    values: ["true", "false"],
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

/** How tasks run, and what they may do. */
export const TASK_PARAMETERS = {
  FunctionArns: {
    group: "Tasks",
    description: "Functions that tasks call, ARNs by commas; with :* behind for versions and aliases. Empty: none.",
    ...LIST,
  },
  SourceBucketArns: {
    group: "Tasks",
    description: "Buckets of Terraform sources, ARNs by commas. Empty: none.",
    ...LIST,
  },
  TargetRoleArns: {
    group: "Tasks",
    description: "Roles in other accounts that tasks take, ARNs by commas. Empty: none.",
    ...LIST,
  },
  TargetRole: {
    group: "Tasks",
    description: "Role that tasks take in targets that name none: its name, path or ARN. Empty: the runner's own.",
    ...optional("[A-Za-z0-9+=,.@_/:-]{1,2048}", "A role, or nothing."),
  },
  TargetExternalId: {
    group: "Tasks",
    description: "External id that goes with it.",
    ...optional("[A-Za-z0-9+=,.@:/_-]{2,1224}", "An external id, or nothing."),
  },
  SessionTags: {
    group: "Tasks",
    description:
      "true: each task has sessions of its own in targets, named and tagged by yard, stack and task. Roles there must allow sts:TagSession.",
    default: "false",
    values: ["true", "false"],
  },
  TerraformStateUrl: {
    group: "Tasks",
    description:
      "Server of Stackyard that keeps states of Terraform configurations without a backend. Needs the store. Empty: none.",
    ...ADDRESS,
  },
  TaskRunnerPolicyArns: {
    group: "Tasks",
    description: "Policies for what your tasks make, ARNs by commas, at most 10. Empty: none.",
    ...LIST,
  },
  TaskRunnerTimeout: {
    group: "Tasks",
    description: "Seconds that the task runner may work on a task in one go. The queue hides a task six times as long.",
    type: "Number",
    default: 900,
    values: [60, 300, 600, 900],
  },
  TaskRunnerMemory: {
    group: "Tasks",
    description: "Memory of the task runner in MB.",
    type: "Number",
    default: 1024,
    min: 256,
    max: 10240,
  },
  TaskConcurrency: {
    group: "Tasks",
    description: "Tasks at a time, 2 to 1000. Empty: as many as Lambda runs.",
    ...optional("[2-9]|[1-9][0-9]{1,2}|1000", "2 to 1000, or nothing."),
  },

  LongTasks: {
    group: "Long tasks",
    description:
      "none: everything runs in Lambda. queue: a queue for containers of yours. service: that and containers on Fargate.",
    default: "none",
    values: ["none", "queue", "service"],
  },
  LongTaskImageUri: {
    group: "Long tasks",
    description: "For service: image of the task runner for containers.",
    ...IMAGE,
  },
  LongTaskArchitecture: {
    group: "Long tasks",
    description: "Processors that the image is built for.",
    default: "ARM64",
    values: ["ARM64", "X86_64"],
  },
  LongTaskSubnetIds: { group: "Long tasks", description: "For service: subnets by commas.", ...LIST },
  LongTaskSecurityGroupIds: { group: "Long tasks", description: "For service: security groups by commas.", ...LIST },
  LongTaskPublicAddress: {
    group: "Long tasks",
    description:
      "Whether containers get a public address: ENABLED in subnets whose only way out is an internet gateway.",
    default: "DISABLED",
    values: ["DISABLED", "ENABLED"],
  },
  LongTaskCount: { group: "Long tasks", description: "Containers.", type: "Number", default: 1, min: 0, max: 100 },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

/** Where functions run, and how they are watched. */
export const OPERATIONS_PARAMETERS = {
  SubnetIds: {
    group: "Network",
    description: "Subnets of the functions, by commas. Empty: none, as for a yard without a database.",
    ...LIST,
  },
  SecurityGroupIds: { group: "Network", description: "Their security groups, by commas.", ...LIST },

  StateManagerMemory: {
    group: "Operations",
    description: "Memory of the state manager in MB.",
    type: "Number",
    default: 512,
    min: 256,
    max: 10240,
  },
  StateManagerReservedConcurrency: {
    group: "Operations",
    description: "Concurrency reserved for the state manager. Empty: it shares the account's.",
    ...COUNT,
  },
  TaskRunnerReservedConcurrency: {
    group: "Operations",
    description: "Concurrency reserved for the task runner. Empty: it shares the account's.",
    ...COUNT,
  },
  LogRetentionDays: {
    group: "Operations",
    description: "Days that logs are kept.",
    type: "Number",
    default: 30,
    values: [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
  },
  OtlpEndpoint: {
    group: "Operations",
    description: "Collector that traces and metrics are sent to by OTLP over HTTP. Empty: none.",
    ...ADDRESS,
  },
  AlarmTopicArns: {
    group: "Operations",
    description: "Topics that alarms notify, as comma-separated ARNs. Empty: no notifications.",
    ...LIST,
  },
  PermissionsBoundaryArn: {
    group: "Operations",
    description: "Permissions boundary of the roles that are made. Empty: none.",
    ...optional(`${ARN}:iam::([0-9]{12}|aws):policy/[^\\s]{1,512}`, "The ARN of a policy, or nothing."),
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;
