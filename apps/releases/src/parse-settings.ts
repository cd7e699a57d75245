import { checkEnvironment, type EnvironmentVariable, type EnvironmentVariables } from "@stackyard/core/environment";
import { PRESETS, type PresetName, type ReleaseConstants } from "@stackyard/executor-asg/releases";

/** The settings of the app. */
export interface Settings {
  readonly constants: ReleaseConstants;
  readonly account: string;
  readonly bucket: string;
  readonly lockTable?: string;
  readonly externalId?: string;
  readonly hasSessionTags: boolean;
  readonly leaseMs?: number;
}

/** The variables that the app reads itself, in the order of its README. */
export const VARIABLES = {
  ACCOUNT_ID: {
    meaning: "the account that the function runs in",
    pattern: /^\d{12}$/,
    must: "be an account of 12 digits",
    isRequired: true,
  },
  RELEASES_PRESET: {
    meaning: "preset of names: `stackyard`, `odin` or `step-asg-deployer`. Default: `stackyard`",
    pattern: /^(stackyard|odin|step-asg-deployer)$/,
    must: "be stackyard, odin or step-asg-deployer",
    isRequired: false,
  },
  BUCKET: {
    meaning:
      "the bucket of documents and locks; releases with another bucket are rejected. Default: the preset's prefix and the account",
    pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    must: "be the name of a bucket",
    isRequired: false,
  },
  LOCK_TABLE: {
    meaning: "the DynamoDB table of locks: key `key` (string). Default: the locks of the bucket alone",
    pattern: /^[a-zA-Z0-9_.-]{3,255}$/,
    must: "be the name of a DynamoDB table",
    isRequired: false,
  },
  ASSUMED_ROLE: {
    meaning: "name of the role that is assumed in each account. Default: the preset's",
    pattern: /^[A-Za-z0-9+=,.@_/-]{1,512}$/,
    must: "be the name of a role",
    isRequired: false,
  },
  OPT_IN_TAG: {
    meaning: "value of the tag `DeployWith` on images and subnets that every project may use. Default: the preset's",
    pattern: /^\S{1,256}$/,
    must: "be the value of a tag, without spaces",
    isRequired: false,
  },
  PROFILE_ROOT: {
    meaning: "root of the paths of instance profiles, such as `/odin/`. Default: the preset's",
    pattern: /^\/([\x21-\x7e]{1,509}\/)?$/,
    must: "begin and end with a slash",
    isRequired: false,
  },
  PLACEMENT_ROOT: {
    meaning: "root of the names of new placement groups, such as `odin/`. Default: the preset's",
    pattern: /^[\x21-\x7e]{1,199}\/$/,
    must: "end with a slash",
    isRequired: false,
  },
  WILDCARD: {
    meaning: "value of a tag, or level of a path, that matches everything. Default: the preset's",
    pattern: /^\S{1,256}$/,
    must: "be the value of a tag, without spaces",
    isRequired: false,
  },
  EXTERNAL_ID: {
    meaning: "the external id of those roles. Default: none",
    pattern: /^[A-Za-z0-9+=,.@:/_-]{2,1224}$/,
    must: "be an external id",
    isRequired: false,
  },
  SESSION_TAGS: {
    meaning:
      "`false`: sessions in accounts have no tags, for roles that do not allow `sts:TagSession`. Default: `true`, they have `ProjectName`, `ConfigName` and `ReleaseID`",
    pattern: /^(true|false)$/,
    must: "be true or false",
    isRequired: false,
  },
  LEASE_SECONDS: {
    meaning: "lease of a lock without renewal, 300 to 86400. Default: 1800",
    pattern: /^([3-9]\d\d|\d{4}|[1-7]\d{4}|8[0-5]\d{3}|86[0-3]\d\d|86400)$/,
    must: "be 300 to 86400",
    isRequired: false,
  },
} as const satisfies Readonly<Record<string, EnvironmentVariable>>;

/** Parses them. Throws one `CONFIG_INVALID` that lists all problems, without values. */
export function parseSettings(environment: EnvironmentVariables): Settings {
  checkEnvironment(environment, VARIABLES);
  const { ACCOUNT_ID: account = "", BUCKET, LOCK_TABLE, EXTERNAL_ID, LEASE_SECONDS, SESSION_TAGS } = environment;
  const constants = toConstants(environment);
  return {
    constants,
    account,
    hasSessionTags: SESSION_TAGS !== "false",
    bucket: BUCKET || `${constants.bucketPrefix}${account}`,
    ...(LOCK_TABLE ? { lockTable: LOCK_TABLE } : {}),
    ...(EXTERNAL_ID ? { externalId: EXTERNAL_ID } : {}),
    ...(LEASE_SECONDS ? { leaseMs: Number(LEASE_SECONDS) * 1_000 } : {}),
  };
}

function toConstants(environment: EnvironmentVariables): ReleaseConstants {
  const { RELEASES_PRESET, ASSUMED_ROLE, OPT_IN_TAG, PROFILE_ROOT, PLACEMENT_ROOT, WILDCARD } = environment;
  const constants = PRESETS[isPreset(RELEASES_PRESET) ? RELEASES_PRESET : "stackyard"];
  return {
    ...constants,
    assumedRole: ASSUMED_ROLE || constants.assumedRole,
    optInTag: OPT_IN_TAG || constants.optInTag,
    profileRoot: PROFILE_ROOT || constants.profileRoot,
    placementRoot: PLACEMENT_ROOT || constants.placementRoot,
    wildcard: WILDCARD || constants.wildcard,
  };
}

function isPreset(name: string | undefined): name is PresetName {
  return name !== undefined && Object.hasOwn(PRESETS, name);
}
