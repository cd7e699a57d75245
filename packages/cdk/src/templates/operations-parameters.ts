import { ADDRESS, ARN, COUNT, LIST, optional, type ParameterDefinition } from "./parameter-forms.ts";

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
    description: "Topics that alarms tell, ARNs by commas. Empty: alarms are only shown.",
    ...LIST,
  },
  PermissionsBoundaryArn: {
    group: "Operations",
    description: "Permissions boundary of the roles that are made. Empty: none.",
    ...optional(`${ARN}:iam::([0-9]{12}|aws):policy/[^\\s]{1,512}`, "The ARN of a policy, or nothing."),
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;
