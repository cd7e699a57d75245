import { ADDRESS, KEY, LIST, optional, type ParameterDefinition } from "./parameter-forms.ts";

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
