import { type Static, Type } from "typebox";

const TEXT = { minLength: 1, maxLength: 2_048, must: "have at most 2,048 characters" };
const DURATION = { pattern: "^[1-9][0-9]{0,8}(ms|s|m|h|d)$", must: "be a duration such as 10m" };
const NAME = { pattern: "^[a-z][a-z0-9-]{0,62}$", must: "be a name of lower-case letters, digits and hyphens" };

/** A variable: its description and its form (`must` is shown in messages). */
function variable(description: string, form: { readonly must: string; readonly [keyword: string]: unknown } = TEXT) {
  return Type.Optional(Type.String({ ...form, description }));
}

/** What the fleet app reads of its environment, besides what every app of a yard does. An empty variable is not set. */
export const FleetVariables = Type.Object({
  FLEET_ENVIRONMENT: variable("The environment that artifacts are recorded for. Default: `main`", NAME),
  FLEET_REPORT_URL: variable("Address of a run's report; `{runId}` is replaced by the run's id", {
    pattern: "^https?://[^\\s]+$",
    maxLength: 1_000,
    must: "be an address such as https://stackyard.example.org/runs/{runId}",
  }),
  FLEET_PROFILES: variable(
    "All names of profiles, with commas, so that a pipeline that names another is refused at once",
    {
      pattern: "^ *[a-z][a-z0-9-]{0,62}( *, *[a-z][a-z0-9-]{0,62}){0,63} *$",
      must: "be names of profiles with commas between them",
    },
  ),
  FLEET_TAG_KEY: variable("The tag of instances that are configured when they start. Default: `has_ssm_agent`", {
    minLength: 1,
    maxLength: 128,
    must: "be a tag's key of at most 128 characters",
  }),
  FLEET_TAG_VALUES: variable("Its values, with commas; spaces count. Default: `true,True`"),
  FLEET_ACCOUNT: variable("The account of the fleet: events of others are ignored. Default: any", {
    pattern: "^[0-9]{12}$",
    must: "be an account's 12 digits",
  }),
  FLEET_REGION: variable("The region of the fleet. Default: `AWS_REGION`", {
    pattern: "^[a-z]{2,4}(-[a-z0-9]+)+$",
    must: "be a region",
  }),
  FLEET_TARGET_ROLE: variable("The role to take in the account of the fleet, where that is another one: its ARN", {
    pattern: "^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]{1,576}$",
    must: "be the ARN of a role",
  }),
  BOOT_PROFILE: variable("The profile of instances that start. Default: `ansible`", NAME),
  BOOT_TIMEOUT: variable("How long the work on an instance that starts may take. Default: `10m`", DURATION),
  BOOT_DELIVERY_TIMEOUT: variable("Until the command reaches it. Default: `15m`", DURATION),
  BOOT_AGENT_TIMEOUT: variable("How long its agent is waited for. Default: `10m`", DURATION),
  BOOT_FALLBACK: variable(
    "`newest`: before a run has succeeded, instances get the pipeline's newest artifact; `none`: nothing. Default: `newest` with `garlc-1`, else `none`",
    { pattern: "^(newest|none)$", must: "be newest or none" },
  ),
  BOOT_SOURCE_BUCKET: variable("Where the newest is looked for: the pipeline's bucket", {
    pattern: "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
    must: "be the name of a bucket",
  }),
  BOOT_SOURCE_PIPELINE: variable("The pipeline's name"),
  BOOT_SOURCE_ARTIFACT: variable("The artifact's name in the pipeline"),
});
export type FleetVariables = Static<typeof FleetVariables>;
