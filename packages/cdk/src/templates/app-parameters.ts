import {
  ADDRESS,
  ARN,
  BUCKET,
  BUCKET_OR_NOTHING,
  CODE_VERSION,
  COUNT,
  inGroup,
  KEY,
  KEY_ARN,
  LIST,
  optional,
  type ParameterDefinition,
  PREFIX,
  SWITCH,
  TABLE,
} from "./parameter-forms.ts";

const CLUSTER = `${ARN}:ecs:[a-z0-9-]+:[0-9]{12}:cluster/[A-Za-z0-9_-]{1,255}`;
const DEFINITION = `${ARN}:ecs:[a-z0-9-]+:[0-9]{12}:task-definition/[A-Za-z0-9_*-]{1,255}:(\\*|[0-9]{1,9})`;

/** The tasks that the custom resource for ECS may run: parameters of the template `ecs-task`. */
export const ECS_TASK_PARAMETERS = {
  EcsTaskCodeKey: { group: "Code", description: "Key of the zip of the custom resource for ECS tasks.", ...KEY },
  EcsTaskCodeVersion: CODE_VERSION,
  ...inGroup("Tasks of ECS", {
    ClusterArns: {
      description: "Comma-separated ARNs of the clusters that tasks run in.",
      type: "CommaDelimitedList",
      pattern: `^${CLUSTER}$`,
      constraint: "ARNs of clusters.",
    },
    TaskDefinitionArns: {
      description: "Comma-separated ARNs of the task definition families that may run. Append :* for all revisions.",
      type: "CommaDelimitedList",
      pattern: `^${DEFINITION}$`,
      constraint: "ARNs of task definitions, with :* or a revision behind.",
    },
    TaskRoleArns: {
      description:
        "Comma-separated ARNs of the task roles and execution roles that are passed to ECS. Empty: the definitions have no roles.",
      ...LIST,
    },
    TaskLogGroupArns: {
      description:
        "Comma-separated ARNs, without :*, of the log groups of these tasks. Failures include their last lines. Empty: none.",
      ...LIST,
    },
    PhysicalId: {
      description:
        "id: a resource keeps its id. taskArn: the id is the ARN of a task, for existing templates that use Ref as this ARN.",
      default: "id",
      values: ["id", "taskArn"],
    },
  }),
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

/** As the app takes names. */
const NAME = { pattern: "^[a-z][a-z0-9-]{0,62}$", constraint: "Lower-case letters, digits and hyphens." } as const;

/** The settings of a fleet: parameters of the template `fleet`. */
export const FLEET_PARAMETERS = {
  FleetCodeKey: {
    group: "Code",
    description: "Key of the zip of fleets: the function for pipelines and boot, and the runner that sends commands.",
    ...KEY,
  },
  FleetCodeVersion: CODE_VERSION,
  ...inGroup("Fleet", {
    FleetEnvironment: {
      description: "Name under which the current artifact of the fleet is stored, for yards with several fleets.",
      default: "main",
      ...NAME,
    },
    FleetReportUrl: {
      description:
        "Address of the page of a run, with {runId}, such as https://stackyard.example.org/runs/{runId}. Empty: none.",
      ...ADDRESS,
    },
    DocumentArns: {
      description:
        "Comma-separated ARNs of the SSM documents that your profiles send. Empty: only those of Stackyard and AWS.",
      ...LIST,
    },
    ArtifactArns: {
      description:
        "Comma-separated ARNs, such as arn:aws:s3:::bucket/prefix/*, of artifacts that runs use without a SHA-256. Empty: none.",
      ...LIST,
    },
  }),
  ...inGroup("Boot", {
    Boot: {
      description: "ENABLED: instances with the tag get the current artifact when they start.",
      default: "ENABLED",
      values: ["ENABLED", "DISABLED"],
    },
    BootProfile: {
      description: "The profile that instances run when they start: ansible, garlc-1, powershell, or your own profile.",
      default: "ansible",
      ...NAME,
    },
    BootBucket: {
      description:
        "Bucket of a pipeline whose newest artifact is used until a run has succeeded. Empty: no artifact is used until then.",
      ...BUCKET_OR_NOTHING,
    },
    BootPrefix: {
      description: "Prefix of the pipeline's keys in that bucket: the first 20 characters of its name, then /.",
      ...PREFIX,
    },
    BootPipeline: {
      description: "Name of that pipeline.",
      ...optional("[A-Za-z0-9.@_-]{1,100}", "The name of a pipeline, or nothing."),
    },
    BootArtifact: {
      description: "Name of the artifact in that pipeline.",
      ...optional("[A-Za-z0-9_-]{1,100}", "The name of an artifact, or nothing."),
    },
    AutoScalingGroupArns: {
      description:
        "Comma-separated ARNs of the Auto Scaling groups whose launches wait for the configuration. Empty: none.",
      ...LIST,
    },
  }),
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

/** The services of plugins: parameters of the template `services`. */
export const SERVICES_PARAMETERS = {
  ServicesCodeKey: { group: "Code", description: "Key of the zip of the services of plugins.", ...KEY },
  ServicesCodeVersion: CODE_VERSION,
  ...inGroup("Services", {
    ProjectBucket: {
      description: "Bucket of the project's files: stackyard.config.json, mapping documents, notifications.yaml.",
      ...BUCKET,
    },
    ProjectPrefix: {
      description: "Prefix of their keys, such as project/. Empty: the whole bucket.",
      ...optional("([A-Za-z0-9!_.'()-]+/)+", "A prefix that ends with a slash, or nothing."),
    },
    SecretArns: {
      description:
        "Comma-separated ARNs of the secrets in Secrets Manager that the configuration refers to. Empty: none.",
      ...LIST,
    },
    ServicesPolicyArns: {
      description: "Comma-separated ARNs of managed policies, for services that call AWS. Empty: none.",
      ...LIST,
    },
  }),
  ServicesReservedConcurrency: {
    group: "Operations",
    description: "Concurrency reserved for the services, whose address is public. Empty: they use that of the account.",
    ...COUNT,
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

const RATE = "^([1-9][0-9]{0,6}|([1-9][0-9]?|100)%)$";
const ERRORS = "^(0|[1-9][0-9]{0,6}|([0-9]|[1-9][0-9]|100)%)$";

/** The resources that accompany instances: parameters of the template `fleet-instances`. */
export const INSTANCES_PARAMETERS = {
  ...inGroup("Instances", {
    ArtifactBucket: { description: "Bucket in which the pipeline stores artifacts.", ...BUCKET },
    ArtifactPrefix: {
      description:
        "Beginning of their keys: the first 20 characters of the pipeline's name, then /. Empty: the whole bucket.",
      ...PREFIX,
    },
    OutputBucket: {
      description: "Bucket to which instances write the complete output of commands. Empty: none.",
      ...BUCKET_OR_NOTHING,
    },
    OutputPrefix: {
      description: "Prefix of the keys of these outputs.",
      default: "runs/",
      pattern: "^[^\\s*?]{1,400}$",
      constraint: "Without spaces, * and ?.",
    },
  }),
  ...inGroup("Association", {
    AssociatedArtifact: {
      description: "Artifact that SSM applies when a node registers: s3://BUCKET/KEY, percent-encoded. Empty: none.",
      ...optional("s3://[a-z0-9.-]{3,63}/[A-Za-z0-9_.~/%?=-]{1,3000}", "Such as s3://bucket/key, or nothing."),
    },
    AssociatedSha256: {
      description: "SHA-256 of that artifact.",
      ...optional("[0-9a-f]{64}", "64 lower-case hex digits, or nothing."),
    },
    AssociatedEntryPoint: {
      description: "File of that artifact to run.",
      default: "ansible/playbook.yml",
      pattern: "^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$",
      constraint: "A path within the artifact.",
    },
    AssociationConcurrency: {
      description: "How many instances run at the same time: a number or a share such as 10%.",
      default: "50",
      pattern: RATE,
      constraint: "A number above 0, or 1% to 100%.",
    },
    AssociationErrors: {
      description: "Number or share of failures after which no further instances are started.",
      default: "0",
      pattern: ERRORS,
      constraint: "A number, or 0% to 100%.",
    },
  }),
  LaunchGroupName: {
    group: "Launch hook",
    description: "Auto Scaling group whose launches wait for the configuration. Empty: none.",
    ...optional("[A-Za-z0-9_. @-]{1,255}", "The name of a group, or nothing."),
  },
  LaunchHeartbeat: {
    group: "Launch hook",
    description: "Seconds without a heartbeat after which a launch has failed. Heartbeats are sent every two minutes.",
    type: "Number",
    default: 3600,
    min: 300,
    max: 7200,
  },
  ...inGroup("Patches", {
    PatchSchedule: {
      description: "Schedule of patches, such as cron(0 3 ? * SUN *). Empty: no patches.",
      ...optional("(cron|rate|at)\\([^)]{1,200}\\)", "cron(…), rate(…) or at(…), or nothing."),
    },
    PatchTimeZone: {
      description: "Time zone of the schedule, such as Europe/Berlin.",
      default: "UTC",
      pattern: "^[A-Za-z0-9_+/-]{1,64}$",
      constraint: "A name of the IANA.",
    },
    PatchDurationHours: {
      description: "Duration of the maintenance window in hours.",
      type: "Number",
      default: 4,
      min: 1,
      max: 24,
    },
    PatchCutoffHours: {
      description:
        "Hours before the end of the window in which no new patches are started. Must be less than the duration.",
      type: "Number",
      default: 1,
      min: 0,
      max: 23,
    },
    PatchCutoffBehavior: {
      description: "What happens to commands that still run at that time.",
      default: "CONTINUE_TASK",
      values: ["CONTINUE_TASK", "CANCEL_TASK"],
    },
    PatchOperation: {
      description: "Scan for patches, or install them.",
      default: "Scan",
      values: ["Scan", "Install"],
    },
    PatchRebootOption: {
      description: "Whether instances may reboot.",
      default: "NoReboot",
      values: ["NoReboot", "RebootIfNeeded"],
    },
    PatchConcurrency: {
      description:
        "How many instances are patched at the same time: a number or a share. A service never loses more instances.",
      default: "10%",
      pattern: RATE,
      constraint: "A number above 0, or 1% to 100%.",
    },
    PatchErrors: {
      description: "Number or share of failures after which no further instances are patched.",
      default: "5%",
      pattern: ERRORS,
      constraint: "A number, or 0% to 100%.",
    },
  }),
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

const ROLE = `${ARN}:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,576}`;

/** The settings of releases: parameters of the templates `releases` and `releases-account`. */
export const RELEASES_PARAMETERS = {
  ReleasesCodeKey: { group: "Code", description: "Key of the zip of releases.", ...KEY },
  ReleasesCodeVersion: CODE_VERSION,
  ...inGroup("Releases", {
    ReleasesPreset: {
      description:
        "Names of the function, state machine, bucket, table, role, tags and paths: those of Stackyard, or those of this predecessor.",
      default: "stackyard",
      values: ["stackyard", "odin", "step-asg-deployer"],
    },
    ExistingReleaseBucket: {
      description:
        "Existing bucket of documents, such as that of the predecessor. Empty: a bucket is created, and kept when this stack is deleted.",
      ...BUCKET_OR_NOTHING,
    },
    ExistingLockTable: {
      description:
        "Existing lock table, such as that of the predecessor. Empty: a table is created, and kept when this stack is deleted.",
      ...TABLE,
    },
    ReleaseKeyArn: {
      description: "Customer managed KMS key of the bucket's objects. Empty: the key of S3.",
      ...KEY_ARN,
    },
    DeployerRoleArn: {
      description:
        "Role of the deployer's function (output DeployerRoleArn of releases). Only this role may assume the created role.",
      pattern: `^${ROLE}$`,
      constraint: "The ARN of a role.",
    },
    AssumedRole: {
      description: "Name of the role in each account. Empty: the name of the preset.",
      ...optional("[A-Za-z0-9+=,.@_-]{1,64}", "The name of a role, or nothing."),
    },
    AssumedRoleExternalId: {
      description: "External id that this role requires. Empty: none.",
      ...optional("[A-Za-z0-9+=,.@:/_-]{2,1224}", "An external id, or nothing."),
    },
    ReleaseSessionTags: {
      description:
        "true: sessions in accounts are tagged with project and config, and can change only their resources. false: for roles that do not allow sts:TagSession.",
      ...SWITCH,
      default: "true",
    },
    PassedRoleArns: {
      description:
        "Comma-separated ARNs of the roles of instances and lifecycle hooks. Empty: the roles under the profile path of the preset, such as /odin/.",
      ...LIST,
    },
  }),
} as const satisfies Readonly<Record<string, ParameterDefinition>>;
