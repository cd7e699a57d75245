import { ARN, BUCKET, KEY, LIST, optional, type ParameterDefinition, TABLE } from "./parameter-forms.ts";

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
    description: "External id that this role asks for. Empty: none.",
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
