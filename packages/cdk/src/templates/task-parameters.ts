import { ADDRESS, IMAGE, LIST, optional, type ParameterDefinition } from "./parameter-forms.ts";

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
