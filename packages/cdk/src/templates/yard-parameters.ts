import { EngineVariables, KEY_PREFIXES } from "@stackyard/core/environment";
import {
  ADDRESS,
  ARN,
  BUCKET_OR_NOTHING,
  COUNT,
  IMAGE,
  inGroup,
  KEY_ARN,
  LIST,
  ofVariable,
  optional,
  type ParameterDefinition,
  QUEUE_ARN,
  SWITCH,
  TABLE,
} from "./parameter-forms.ts";

/** Where a yard stores its state. */
export const STORE_PARAMETERS = inGroup("Store", {
  ConnectionSecretArn: {
    description: "Secret of a Postgres database, in the format of RDS. Empty: the yard uses DynamoDB.",
    ...optional(`${ARN}:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^\\s]{1,512}`, "The ARN of a secret, or nothing."),
  },
  ExistingStacksTable: {
    description: "Existing table of stacks. Empty: a table is created, and kept when this stack is deleted.",
    ...TABLE,
  },
  ExistingWorkTable: {
    description: "Existing work table. Empty: a table is created, and kept when this stack is deleted.",
    ...TABLE,
  },
  StacksTable: {
    description: "Table of stacks, for a runner with the store. Empty: the runner works without a store.",
    ...TABLE,
  },
  WorkTable: { description: "Work table, together with StacksTable.", ...TABLE },
  RunnersHaveStore: {
    description: "true if every runner has the store, which claims, cancels and exclusive keys require.",
    ...SWITCH,
  },
});

/** The queues of a yard. */
export const QUEUE_PARAMETERS = inGroup("Queues", {
  TaskQueueArn: {
    description: "Queue of tasks (output TaskQueueArn of the state manager).",
    pattern: `^${QUEUE_ARN}$`,
  },
  EventQueueArn: {
    description: "Queue of events, for results (output EventQueueArn).",
    pattern: `^${QUEUE_ARN}$`,
  },
  TaskDeadLetterQueueArn: {
    description: "Queue for task messages that cannot be processed (output TaskDeadLetterQueueArn).",
    pattern: `^${QUEUE_ARN}$`,
  },
  LongTaskQueueArn: {
    description: "Queue of tasks that exceed a function's timeout (output LongTaskQueueArn). Empty: none.",
    ...optional(QUEUE_ARN, "The ARN of a queue, or nothing."),
  },
  EventOrder: {
    description:
      "standard: events usually arrive in order. fifo: those of a stack always do; senders set a message group. A change creates queues.",
    default: "standard",
    values: ["standard", "fifo"],
  },
  // Additional senders, besides the roles of the yard's account: for the queue's policy.
  EventTopicArn: {
    description: "SNS topic in front of the event queue, FIFO as the queue is. Empty: none.",
    ...optional(`${ARN}:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\\.fifo)?`, "The ARN of a topic, or nothing."),
  },
  EventRuleArns: {
    description: "ARNs of the EventBridge rules that send to the event queue. Empty: none.",
    ...LIST,
    ...optional(`${ARN}:events:[a-z0-9-]+:[0-9]{12}:rule/[A-Za-z0-9._/-]{1,320}`, "ARNs of rules, or nothing."),
  },
  EventSenderArns: {
    description: "Senders of events in other accounts: ids of accounts, ARNs of roles and users. Empty: none.",
    ...LIST,
    ...optional(
      `[0-9]{12}|${ARN}:iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9+=,.@_/-]{1,576})`,
      "Numbers of accounts, ARNs of roles or users, or nothing.",
    ),
  },
  QueueKeyArn: {
    description: "KMS key of the queues; its policy must allow the senders. Empty: the key of SQS.",
    ...KEY_ARN,
  },
  MessageBucket: {
    description: "Bucket for messages over 1 MiB. Add a lifecycle rule of 15 days. Empty: they are rejected.",
    ...BUCKET_OR_NOTHING,
  },
  MessagePrefix: {
    description: "Prefix of the keys of these messages.",
    default: KEY_PREFIXES.messages,
    pattern: "^[^\\s*?]{1,512}$",
    constraint: "Without spaces, * and ?.",
  },
});

const ENGINE = EngineVariables.properties;
const EXECUTOR = "[a-z][a-z0-9-]{0,62}";

/** Settings of the state manager's decisions, with its own defaults. */
export const ENGINE_PARAMETERS = inGroup("Decisions", {
  Executors: {
    description: "Executors of your own runners, such as delay,ecs. Empty: only terraform and lambda.",
    ...optional(`${EXECUTOR}( *, *${EXECUTOR}){0,63}`, "Names of executors with commas between them, or nothing."),
  },
  RefusedEvents: ofVariable(ENGINE.REFUSED_EVENTS),
  RefusedEventsKeep: ofVariable(ENGINE.REFUSED_EVENTS_KEEP),
  AutomaticTransitionsPerHour: ofVariable(ENGINE.AUTOMATIC_TRANSITIONS_PER_HOUR),
  HistoryRetentionDays: ofVariable(ENGINE.HISTORY_RETENTION_DAYS),
  AuditRetentionDays: ofVariable(ENGINE.AUDIT_RETENTION_DAYS),
  AllowExternalNext: ofVariable(ENGINE.ALLOW_EXTERNAL_NEXT),
  QueueSenders: {
    description: "Known senders of events and their groups, as JSON. Empty: none.",
    ...optional("\\[.*\\]", 'A list such as [{"id":"AROAEXAMPLE:*","groups":["release-managers"]}], or nothing.'),
  },
});

/** The parameters of running tasks, and of their rights. */
export const TASK_PARAMETERS = {
  ...inGroup("Tasks", {
    FunctionArns: {
      description:
        "Comma-separated ARNs of the functions that tasks call. Append :* for versions and aliases. Empty: none.",
      ...LIST,
    },
    DistributorArn: {
      description: "ARN of the distributor's function, which gates with artifacts call. Empty: none.",
      ...optional(
        `${ARN}:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}`,
        "The ARN of a function without a version, or nothing.",
      ),
    },
    ReadAlarms: {
      description: "true: tasks deploy and gate may read the CloudWatch alarms of this account.",
      ...SWITCH,
    },
    CalendarBucket: {
      description: "Bucket of calendars. Empty: windows of releases stay closed.",
      ...BUCKET_OR_NOTHING,
    },
    CalendarPrefix: {
      description: "Prefix of their keys, such as machines/calendars/.",
      default: KEY_PREFIXES.calendars,
      pattern: "^[^\\s*?]{1,512}$",
    },
    SourceBucketArns: {
      description: "Comma-separated ARNs of the buckets of Terraform sources. Empty: none.",
      ...LIST,
    },
    TargetRoleArns: {
      description: "Comma-separated ARNs of the roles in other accounts that tasks assume. Empty: none.",
      ...LIST,
    },
    TargetRole: {
      description:
        "Role that tasks assume in targets without a role: its name, path or ARN. Empty: the role of the runner.",
      ...optional("[A-Za-z0-9+=,.@_/:-]{1,2048}", "A role, or nothing."),
    },
    TargetExternalId: {
      description: "External id for this role.",
      ...optional("[A-Za-z0-9+=,.@:/_-]{2,1224}", "An external id, or nothing."),
    },
    SessionTags: {
      description:
        "true: each task has its own sessions in targets, named and tagged with yard, stack and task. The roles there must allow sts:TagSession.",
      ...SWITCH,
    },
    TerraformStateUrl: {
      description:
        "Stackyard server that stores the Terraform states of configurations without a backend. Needs the store. Empty: none.",
      ...ADDRESS,
    },
    SealKeyArn: {
      description:
        "KMS key that seals sensitive values and plans, the same for all apps. Empty: a key that the apps keep in the store.",
      ...KEY_ARN,
    },
    ExistingTaskLogBucket: {
      description:
        "Existing bucket for the whole logs of tasks. Add a lifecycle rule of 7 days. Empty: a bucket is created, and kept when this stack is deleted.",
      ...BUCKET_OR_NOTHING,
    },
    TaskLogBucket: {
      description:
        "Bucket for whole logs of tasks, for a runner with the store (output TaskLogBucket). Empty: with tables, only the last 64 KiB are kept.",
      ...BUCKET_OR_NOTHING,
    },
    TaskLogPrefix: {
      description: "Prefix of the keys of these logs.",
      default: KEY_PREFIXES.logs,
      pattern: "^[^\\s*?]{1,512}$",
      constraint: "Without spaces, * and ?.",
    },
    TaskRunnerPolicyArns: {
      description:
        "Comma-separated ARNs of policies for the resources that your tasks create, at most 10. Empty: none.",
      ...LIST,
    },
    TaskRunnerTimeout: {
      description: "Seconds for which the runner may work on a task. The queue hides it six times as long.",
      type: "Number",
      default: 900,
      values: [60, 300, 600, 900],
    },
    TaskRunnerMemory: {
      description: "Memory of the task runner in MB.",
      type: "Number",
      default: 1024,
      min: 256,
      max: 10240,
    },
    TaskConcurrency: {
      description: "How many tasks run at the same time, 2 to 1000. Empty: no limit other than that of Lambda.",
      ...optional("[2-9]|[1-9][0-9]{1,2}|1000", "2 to 1000, or nothing."),
    },
  }),

  ...inGroup("Long tasks", {
    LongTasks: {
      description:
        "none: all tasks run in Lambda. queue: for your own containers. service: the queue, and containers on Fargate.",
      default: "none",
      values: ["none", "queue", "service"],
    },
    LongTaskImageUri: {
      description: "For service: image of the task runner for containers.",
      ...IMAGE,
    },
    LongTaskArchitecture: {
      description: "Processor architecture of that image.",
      default: "ARM64",
      values: ["ARM64", "X86_64"],
    },
    LongTaskSubnetIds: { description: "For service: comma-separated subnets.", ...LIST },
    LongTaskSecurityGroupIds: {
      description: "For service: comma-separated security groups.",
      ...LIST,
    },
    LongTaskPublicAddress: {
      description:
        "Whether containers get a public address: ENABLED in subnets whose only route to the internet is an internet gateway.",
      default: "DISABLED",
      values: ["DISABLED", "ENABLED"],
    },
    LongTaskCount: {
      description: "Number of containers.",
      type: "Number",
      default: 1,
      min: 0,
      max: 100,
    },
  }),
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

/** Where functions run, and how they are watched. */
export const OPERATIONS_PARAMETERS = {
  SubnetIds: {
    group: "Network",
    description: "Comma-separated subnets of the functions. Empty: none.",
    ...LIST,
  },
  SecurityGroupIds: { group: "Network", description: "Comma-separated security groups of the functions.", ...LIST },

  ...inGroup("Operations", {
    StateManagerMemory: {
      description: "Memory of the state manager in MB.",
      type: "Number",
      default: 512,
      min: 256,
      max: 10240,
    },
    StateManagerReservedConcurrency: {
      description: "Concurrency reserved for the state manager. Empty: it uses that of the account.",
      ...COUNT,
    },
    TaskRunnerReservedConcurrency: {
      description: "Concurrency reserved for the task runner. Empty: it uses that of the account.",
      ...COUNT,
    },
    LogRetentionDays: {
      description: "How many days logs are kept.",
      type: "Number",
      default: 30,
      values: [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
    },
    OtlpEndpoint: {
      description: "Collector that receives traces and metrics with OTLP over HTTP. Empty: none.",
      ...ADDRESS,
    },
    AlarmTopicArns: {
      description: "Comma-separated ARNs of the topics that alarms notify. Empty: no notifications.",
      ...LIST,
    },
    PermissionsBoundaryArn: {
      description: "Permissions boundary of the created roles. Empty: none.",
      ...optional(`${ARN}:iam::([0-9]{12}|aws):policy/[^\\s]{1,512}`, "The ARN of a policy, or nothing."),
    },
  }),
} as const satisfies Readonly<Record<string, ParameterDefinition>>;
