import { ARN, KEY, LIST, type ParameterDefinition } from "./parameter-forms.ts";

const CLUSTER = `${ARN}:ecs:[a-z0-9-]+:[0-9]{12}:cluster/[A-Za-z0-9_-]{1,255}`;
const DEFINITION = `${ARN}:ecs:[a-z0-9-]+:[0-9]{12}:task-definition/[A-Za-z0-9_*-]{1,255}:(\\*|[0-9]{1,9})`;

/** What the custom resource for tasks of ECS may run: parameters of the template `ecs-task`. */
export const ECS_TASK_PARAMETERS = {
  EcsTaskCodeKey: { group: "Code", description: "Key of the zip of the custom resource for tasks of ECS.", ...KEY },
  EcsTaskCodeVersion: {
    group: "Code",
    description: "Version of that object. Empty: the newest when the stack is deployed.",
    default: "",
    pattern: "^[^\\s]{0,1024}$",
  },
  ClusterArns: {
    group: "Tasks of ECS",
    description: "Clusters that tasks run in, ARNs by commas.",
    type: "CommaDelimitedList",
    pattern: `^${CLUSTER}$`,
    constraint: "ARNs of clusters.",
  },
  TaskDefinitionArns: {
    group: "Tasks of ECS",
    description: "Task definitions that may be run, ARNs of families by commas, with :* behind for all revisions.",
    type: "CommaDelimitedList",
    pattern: `^${DEFINITION}$`,
    constraint: "ARNs of task definitions, with :* or a revision behind.",
  },
  TaskRoleArns: {
    group: "Tasks of ECS",
    description:
      "Roles of those tasks and execution roles, ARNs by commas, which are handed on to ECS. Empty: definitions have none.",
    ...LIST,
  },
  TaskLogGroupArns: {
    group: "Tasks of ECS",
    description:
      "Log groups of those tasks, ARNs by commas without :*, whose last lines stand in what has failed. Empty: none.",
    ...LIST,
  },
  PhysicalId: {
    group: "Tasks of ECS",
    description: "id: a resource keeps its id. taskArn: as of old, for templates that use Ref as the ARN of a task.",
    default: "id",
    values: ["id", "taskArn"],
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;
