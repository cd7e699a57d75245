import { BUCKET, optional, type ParameterDefinition } from "./parameter-forms.ts";

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
