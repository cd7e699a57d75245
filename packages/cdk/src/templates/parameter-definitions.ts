import { ARTIFACTS_PARAMETERS } from "./artifacts-parameters.ts";
import { ECS_TASK_PARAMETERS } from "./ecs-task-parameters.ts";
import { ENGINE_PARAMETERS } from "./engine-parameters.ts";
import { FLEET_PARAMETERS } from "./fleet-parameters.ts";
import { INSTANCES_PARAMETERS } from "./instances-parameters.ts";
import { OPERATIONS_PARAMETERS } from "./operations-parameters.ts";
import { BUCKET, IMAGE, KEY, type ParameterDefinition } from "./parameter-forms.ts";
import { QUEUE_PARAMETERS } from "./queue-parameters.ts";
import { RELEASES_PARAMETERS } from "./releases-parameters.ts";
import { STORE_PARAMETERS } from "./store-parameters.ts";
import { TASK_PARAMETERS } from "./task-parameters.ts";

/** All parameters of the templates, in the order of the console. */
export const PARAMETERS = {
  YardName: {
    group: "Yard",
    description:
      "Name of this installation. Queues of main are called stack-events and so on; of others NAME-stack-events.",
    default: "main",
    pattern: "^[A-Za-z0-9][A-Za-z0-9_-]{0,29}$",
    constraint: "1 to 30 letters, digits, _ and -, and no _ or - first.",
  },
  LogLevel: {
    group: "Yard",
    description: "What is logged.",
    default: "info",
    values: ["debug", "info", "warn", "error"],
  },

  CodeBucket: { group: "Code", description: "Bucket in this region that holds the apps' zips.", ...BUCKET },
  StateManagerCodeKey: { group: "Code", description: "Key of the state manager's zip.", ...KEY },
  StateManagerCodeVersion: {
    group: "Code",
    description: "Version of that object, in a bucket with versions. Empty: the newest when the stack is deployed.",
    default: "",
    pattern: "^[^\\s]{0,1024}$",
  },
  TaskRunnerCodeKey: { group: "Code", description: "Key of the task runner's zip.", ...KEY },
  TaskRunnerCodeVersion: {
    group: "Code",
    description: "Version of that object. Empty: the newest when the stack is deployed.",
    default: "",
    pattern: "^[^\\s]{0,1024}$",
  },
  TaskRunnerImageUri: {
    group: "Code",
    description:
      "Image of the task runner for Lambda instead of the zip, with Terraform in it, in ECR. Empty: the zip.",
    ...IMAGE,
  },
  TaskRunnerArchitecture: {
    group: "Code",
    description: "Processors that the task runner's image is built for. The zip runs on both.",
    default: "arm64",
    values: ["arm64", "x86_64"],
  },

  ...ECS_TASK_PARAMETERS,
  ...FLEET_PARAMETERS,
  ...INSTANCES_PARAMETERS,
  ...RELEASES_PARAMETERS,
  ...ARTIFACTS_PARAMETERS,

  MachineBucket: { group: "Machines", description: "Bucket of the machines: YAML files.", ...BUCKET },
  MachinePrefix: {
    group: "Machines",
    description: "Beginning of their keys, such as machines/. Empty: the whole bucket.",
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
