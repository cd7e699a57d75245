import {
  type EnvironmentVariables,
  parseEnvironment,
  SharedVariables,
  VARIABLE_FORMS,
} from "@stackyard/core/environment";
import { PRESETS, type ReleaseConstants } from "@stackyard/executor-asg/releases";
import { type Static, Type } from "typebox";

const TAG_VALUE = { pattern: "^\\S{1,256}$", expected: "the value of a tag, without spaces" };

/** A text of this form that may be missing. */
const optional = (form: { readonly pattern: string; readonly expected: string }, description: string) =>
  Type.Optional(Type.String({ ...form, description }));

/** The variables that the app reads itself, in the order of its README. */
export const Variables = Type.Object({
  ACCOUNT_ID: Type.String({ ...VARIABLE_FORMS.account, description: "the account that the function runs in" }),
  RELEASES_PRESET: Type.Enum(["stackyard", "odin", "step-asg-deployer"], {
    description: "preset of names: `stackyard`, `odin` or `step-asg-deployer`",
    default: "stackyard",
  }),
  BUCKET: optional(
    VARIABLE_FORMS.bucket,
    "the bucket of documents and locks; releases with another bucket are rejected. Default: the preset's prefix and the account",
  ),
  LOCK_TABLE: optional(
    VARIABLE_FORMS.table,
    "the DynamoDB table of locks: key `key` (string). Default: the locks of the bucket alone",
  ),
  ASSUMED_ROLE: optional(
    { pattern: "^[A-Za-z0-9+=,.@_/-]{1,512}$", expected: "the name of a role" },
    "name of the role that is assumed in each account. Default: the preset's",
  ),
  OPT_IN_TAG: optional(
    TAG_VALUE,
    "value of the tag `DeployWith` on images and subnets that every project may use. Default: the preset's",
  ),
  PROFILE_ROOT: optional(
    { pattern: "^/([\\x21-\\x7e]{1,509}/)?$", expected: "a path that begins and ends with a slash" },
    "root of the paths of instance profiles, such as `/odin/`. Default: the preset's",
  ),
  PLACEMENT_ROOT: optional(
    { pattern: "^[\\x21-\\x7e]{1,199}/$", expected: "a prefix that ends with a slash" },
    "root of the names of new placement groups, such as `odin/`. Default: the preset's",
  ),
  WILDCARD: optional(TAG_VALUE, "value of a tag, or level of a path, that matches everything. Default: the preset's"),
  EXTERNAL_ID: optional(VARIABLE_FORMS.externalId, "the external id of those roles. Default: none"),
  SESSION_TAGS: Type.Boolean({
    description:
      "`false`: sessions in accounts have no tags, for roles that do not allow `sts:TagSession`; `true`: they have `ProjectName`, `ConfigName` and `ReleaseID`",
    default: true,
  }),
  LEASE_SECONDS: Type.Integer({
    description: "lease of a lock without renewal, 300 to 86400",
    minimum: 300,
    maximum: 86_400,
    default: 1_800,
  }),
  STACKYARD_S3_ENCRYPTION: SharedVariables.properties.STACKYARD_S3_ENCRYPTION,
});

/** @throws StackyardError `CONFIG_INVALID` that lists all problems, without values. */
export function parseSettings(environment: EnvironmentVariables): Static<typeof Variables> {
  return parseEnvironment(Variables, environment, { app: "releases function" });
}

/** Returns the names of the preset, with those that the environment replaces. */
export function toReleaseConstants(settings: Static<typeof Variables>): ReleaseConstants {
  const constants = PRESETS[settings.RELEASES_PRESET];
  return {
    ...constants,
    assumedRole: settings.ASSUMED_ROLE ?? constants.assumedRole,
    optInTag: settings.OPT_IN_TAG ?? constants.optInTag,
    profileRoot: settings.PROFILE_ROOT ?? constants.profileRoot,
    placementRoot: settings.PLACEMENT_ROOT ?? constants.placementRoot,
    wildcard: settings.WILDCARD ?? constants.wildcard,
  };
}
