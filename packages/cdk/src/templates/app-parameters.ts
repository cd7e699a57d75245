import { ADDRESS, ARN, BUCKET, KEY, LIST, optional, type ParameterDefinition, TABLE } from "./parameter-forms.ts";

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
      "Log groups of those tasks, comma-separated ARNs without :*, whose last lines failures include. Empty: none.",
    ...LIST,
  },
  PhysicalId: {
    group: "Tasks of ECS",
    description: "id: a resource keeps its id. taskArn: as of old, for templates that use Ref as the ARN of a task.",
    default: "id",
    values: ["id", "taskArn"],
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

/** As the app takes names. */
const NAME = { pattern: "^[a-z][a-z0-9-]{0,62}$", constraint: "Lower-case letters, digits and hyphens." } as const;

/** The settings of a fleet: parameters of the template `fleet`. */
export const FLEET_PARAMETERS = {
  FleetCodeKey: {
    group: "Code",
    description: "Key of the zip of fleets: the function of pipelines and boot, and the runner that sends commands.",
    ...KEY,
  },
  FleetCodeVersion: {
    group: "Code",
    description: "Version of that object. Empty: the newest when the stack is deployed.",
    default: "",
    pattern: "^[^\\s]{0,1024}$",
  },
  FleetEnvironment: {
    group: "Fleet",
    description: "Name under which the fleet's current artifact is kept, where a yard has several fleets.",
    default: "main",
    ...NAME,
  },
  FleetReportUrl: {
    group: "Fleet",
    description:
      "Where people see a run, with {runId} in it, such as https://stackyard.example.org/runs/{runId}. Empty: none.",
    ...ADDRESS,
  },
  DocumentArns: {
    group: "Fleet",
    description: "Documents of SSM that profiles of yours send, ARNs by commas. Empty: Stackyard's and AWS's alone.",
    ...LIST,
  },
  ArtifactArns: {
    group: "Fleet",
    description:
      "Objects of artifacts that runs name without their SHA-256, ARNs by commas such as arn:aws:s3:::bucket/prefix/*. Empty: none.",
    ...LIST,
  },
  Boot: {
    group: "Boot",
    description: "ENABLED: instances that start, and have the tag, get the current artifact.",
    default: "ENABLED",
    values: ["ENABLED", "DISABLED"],
  },
  BootProfile: {
    group: "Boot",
    description: "What they run: ansible, garlc-1, powershell, or a profile of yours.",
    default: "ansible",
    ...NAME,
  },
  BootBucket: {
    group: "Boot",
    description:
      "Bucket of a pipeline whose newest artifact is taken where no run has succeeded yet. Empty: then nothing is taken.",
    ...optional("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "The name of a bucket, or nothing."),
  },
  BootPrefix: {
    group: "Boot",
    description: "Beginning of the pipeline's keys there: the first 20 characters of its name, then /.",
    default: "",
    pattern: "^[^\\s*?]{0,512}$",
    constraint: "Without spaces, * and ?.",
  },
  BootPipeline: {
    group: "Boot",
    description: "Name of that pipeline.",
    ...optional("[A-Za-z0-9.@_-]{1,100}", "The name of a pipeline, or nothing."),
  },
  BootArtifact: {
    group: "Boot",
    description: "Name of that artifact in the pipeline.",
    ...optional("[A-Za-z0-9_-]{1,100}", "The name of an artifact, or nothing."),
  },
  AutoScalingGroupArns: {
    group: "Boot",
    description: "Auto Scaling groups whose launches wait for the configuration, ARNs by commas. Empty: none.",
    ...LIST,
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

const RATE = "^([1-9][0-9]{0,6}|([1-9][0-9]?|100)%)$";
const ERRORS = "^(0|[1-9][0-9]{0,6}|([0-9]|[1-9][0-9]|100)%)$";

/** The resources that accompany instances: parameters of the template `fleet-instances`. */
export const INSTANCES_PARAMETERS = {
  ArtifactBucket: { group: "Instances", description: "Bucket in which the pipeline puts artifacts.", ...BUCKET },
  ArtifactPrefix: {
    group: "Instances",
    description:
      "Beginning of their keys: the first 20 characters of the pipeline's name, then /. Empty: the whole bucket.",
    default: "",
    pattern: "^[^\\s*?]{0,512}$",
    constraint: "Without spaces, * and ?.",
  },
  OutputBucket: {
    group: "Instances",
    description: "Bucket that instances write the whole output of commands to. Empty: none.",
    ...optional("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "The name of a bucket, or nothing."),
  },
  OutputPrefix: {
    group: "Instances",
    description: "Beginning of its keys.",
    default: "runs/",
    pattern: "^[^\\s*?]{1,400}$",
    constraint: "Without spaces, * and ?.",
  },
  AssociatedArtifact: {
    group: "Association",
    description:
      "Artifact that SSM itself applies when a node registers: s3://BUCKET/KEY, percent-encoded. Empty: none.",
    ...optional("s3://[a-z0-9.-]{3,63}/[A-Za-z0-9_.~/%?=-]{1,3000}", "Such as s3://bucket/key, or nothing."),
  },
  AssociatedSha256: {
    group: "Association",
    description: "Its SHA-256.",
    ...optional("[0-9a-f]{64}", "64 lower-case hex digits, or nothing."),
  },
  AssociatedEntryPoint: {
    group: "Association",
    description: "File of it that is run.",
    default: "ansible/playbook.yml",
    pattern: "^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$",
    constraint: "A path within the artifact.",
  },
  AssociationConcurrency: {
    group: "Association",
    description: "Instances at a time: a number or a share such as 10%.",
    default: "50",
    pattern: RATE,
    constraint: "A number above 0, or 1% to 100%.",
  },
  AssociationErrors: {
    group: "Association",
    description: "Failures after which nothing more is begun: a number or a share.",
    default: "0",
    pattern: ERRORS,
    constraint: "A number, or 0% to 100%.",
  },
  LaunchGroupName: {
    group: "Launch hook",
    description: "Auto Scaling group whose launches wait for the configuration. Empty: none.",
    ...optional("[A-Za-z0-9_. @-]{1,255}", "The name of a group, or nothing."),
  },
  LaunchHeartbeat: {
    group: "Launch hook",
    description: "Seconds without a heartbeat after which a launch has failed; heartbeats come every two minutes.",
    type: "Number",
    default: 3600,
    min: 300,
    max: 7200,
  },
  PatchSchedule: {
    group: "Patches",
    description: "When instances are patched, such as cron(0 3 ? * SUN *). Empty: not at all.",
    ...optional("(cron|rate|at)\\([^)]{1,200}\\)", "cron(…), rate(…) or at(…), or nothing."),
  },
  PatchTimeZone: {
    group: "Patches",
    description: "Time zone of that, such as Europe/Berlin.",
    default: "UTC",
    pattern: "^[A-Za-z0-9_+/-]{1,64}$",
    constraint: "A name of the IANA.",
  },
  PatchDurationHours: {
    group: "Patches",
    description: "Hours that the window lasts.",
    type: "Number",
    default: 4,
    min: 1,
    max: 24,
  },
  PatchCutoffHours: {
    group: "Patches",
    description: "Hours before its end from which nothing new is begun; fewer than it lasts.",
    type: "Number",
    default: 1,
    min: 0,
    max: 23,
  },
  PatchCutoffBehavior: {
    group: "Patches",
    description: "What becomes of commands that run then.",
    default: "CONTINUE_TASK",
    values: ["CONTINUE_TASK", "CANCEL_TASK"],
  },
  PatchOperation: {
    group: "Patches",
    description: "Look for patches, or install them.",
    default: "Scan",
    values: ["Scan", "Install"],
  },
  PatchRebootOption: {
    group: "Patches",
    description: "Whether instances may start anew.",
    default: "NoReboot",
    values: ["NoReboot", "RebootIfNeeded"],
  },
  PatchConcurrency: {
    group: "Patches",
    description: "Instances at a time: a number or a share. A service never loses more.",
    default: "10%",
    pattern: RATE,
    constraint: "A number above 0, or 1% to 100%.",
  },
  PatchErrors: {
    group: "Patches",
    description: "Failures after which nothing more is begun: a number or a share.",
    default: "5%",
    pattern: ERRORS,
    constraint: "A number, or 0% to 100%.",
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

const ROLE = `${ARN}:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,576}`;

/** The settings of releases: parameters of the templates `releases` and `releases-account`. */
export const RELEASES_PARAMETERS = {
  ReleasesCodeKey: { group: "Code", description: "Key of the zip of releases.", ...KEY },
  ReleasesCodeVersion: {
    group: "Code",
    description: "Version of that object. Empty: the newest when the stack is deployed.",
    default: "",
    pattern: "^[^\\s]{0,1024}$",
  },
  ReleasesPreset: {
    group: "Releases",
    description:
      "What function, state machine, bucket, table, role, tags and paths are called: as Stackyard does, or as the predecessor of that name.",
    default: "stackyard",
    values: ["stackyard", "odin", "step-asg-deployer"],
  },
  ExistingReleaseBucket: {
    group: "Releases",
    description:
      "Bucket of documents that is there, such as the predecessor's. Empty: one is made, and kept when this stack is deleted.",
    ...optional(BUCKET.pattern.slice(1, -1), "The name of a bucket, or nothing."),
  },
  ExistingLockTable: {
    group: "Releases",
    description: "Table of locks that is there, such as the predecessor's. Empty: one is made, and kept.",
    ...TABLE,
  },
  ReleaseKeyArn: {
    group: "Releases",
    description: "Customer's KMS key of the bucket's objects. Empty: S3's own.",
    ...optional(`${ARN}:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+`, "The ARN of a key, or nothing."),
  },
  DeployerRoleArn: {
    group: "Releases",
    description:
      "Role of the deployer's function (output DeployerRoleArn of releases), which alone may take the role that is made.",
    pattern: `^${ROLE}$`,
    constraint: "The ARN of a role.",
  },
  AssumedRole: {
    group: "Releases",
    description: "Name of the role in each account. Empty: the preset's.",
    ...optional("[A-Za-z0-9+=,.@_-]{1,64}", "The name of a role, or nothing."),
  },
  AssumedRoleExternalId: {
    group: "Releases",
    description: "External id that this role requires. Empty: none.",
    ...optional("[A-Za-z0-9+=,.@:/_-]{2,1224}", "An external id, or nothing."),
  },
  ReleaseSessionTags: {
    group: "Releases",
    description:
      "true: sessions in accounts are tagged by project and config, and touch nothing of others. false: for roles that do not allow sts:TagSession.",
    default: "true",
    values: ["true", "false"],
  },
  PassedRoleArns: {
    group: "Releases",
    description:
      "Roles of instances and of lifecycle hooks, ARNs by commas. Empty: those under the preset's path of profiles, such as /odin/.",
    ...LIST,
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;
