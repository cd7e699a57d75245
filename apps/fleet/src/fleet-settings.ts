import { findRegion, toArnPart } from "@stackyard/aws";
import { defined } from "@stackyard/core";
import {
  type EnvironmentVariables,
  type GivenVariables,
  parseEnvironment,
  readEnvironment,
  VARIABLE_FORMS,
} from "@stackyard/core/environment";
import { DURATION_PATTERN } from "@stackyard/core/machine";
import type { FleetSettings } from "@stackyard/executor-runcommand/fleet";
import { type Static, Type } from "typebox";

const { account, bucket, region, role } = VARIABLE_FORMS;
const DURATION = { pattern: DURATION_PATTERN, expected: "a duration such as 10m" };
const NAME = { pattern: "^[a-z][a-z0-9-]{0,62}$", expected: "a name of lower-case letters, digits and hyphens" };

/** The variables of the fleet app, in addition to those of every app of a yard. */
export const FleetVariables = Type.Object({
  FLEET_ENVIRONMENT: Type.Optional(
    Type.String({ ...NAME, description: "The environment that artifacts are recorded for. Default: `main`" }),
  ),
  FLEET_REPORT_URL: Type.Optional(
    Type.String({
      description: "Address of a run's report; `{runId}` is replaced by the run's id",
      pattern: "^https?://[^\\s]+$",
      maxLength: 1_000,
      expected: "an address such as https://stackyard.example.org/runs/{runId}",
    }),
  ),
  FLEET_PROFILES: Type.Optional(
    Type.Array(Type.String({ pattern: NAME.pattern }), {
      description: "All profile names, separated by commas. A pipeline with another name is rejected at once",
      maxItems: 64,
      expected: "names of profiles with commas between them",
    }),
  ),
  FLEET_TAG_KEY: Type.Optional(
    Type.String({
      description: "The tag of instances that are configured when they start. Default: `has_ssm_agent`",
      maxLength: 128,
      expected: "a tag's key of at most 128 characters",
    }),
  ),
  FLEET_TAG_VALUES: Type.Optional(
    Type.String({ description: "Its values, with commas; spaces count. Default: `true,True`", maxLength: 2_048 }),
  ),
  FLEET_ACCOUNT: Type.Optional(
    Type.String({ ...account, description: "The account of the fleet: events of others are ignored. Default: any" }),
  ),
  FLEET_REGION: Type.Optional(
    Type.String({ ...region, description: "The region of the fleet. Default: `AWS_REGION`" }),
  ),
  FLEET_TARGET_ROLE: Type.Optional(
    Type.String({
      ...role,
      description: "The role to take in the account of the fleet, where that is another one: its ARN",
    }),
  ),
  BOOT_STATE: Type.Optional(
    Type.Enum(["ENABLED", "DISABLED"], {
      description:
        "The state of the rule of instances that start. `ENABLED`: once an hour, those are logged and counted whose event did not come. Default: `ENABLED`",
    }),
  ),
  BOOT_PROFILE: Type.Optional(
    Type.String({ ...NAME, description: "The profile of instances that start. Default: `ansible`" }),
  ),
  BOOT_TIMEOUT: Type.Optional(
    Type.String({ ...DURATION, description: "How long the work on an instance that starts may take. Default: `10m`" }),
  ),
  BOOT_DELIVERY_TIMEOUT: Type.Optional(
    Type.String({ ...DURATION, description: "Until the command reaches it. Default: `15m`" }),
  ),
  BOOT_AGENT_TIMEOUT: Type.Optional(
    Type.String({ ...DURATION, description: "How long its agent is waited for. Default: `10m`" }),
  ),
  BOOT_FALLBACK: Type.Optional(
    Type.Enum(["newest", "none"], {
      description:
        "`newest`: before a run has succeeded, instances get the pipeline's newest artifact; `none`: nothing. Default: `newest` with `garlc-1`, else `none`",
    }),
  ),
  BOOT_SOURCE_BUCKET: Type.Optional(
    Type.String({ ...bucket, description: "Where the newest is looked for: the pipeline's bucket" }),
  ),
  BOOT_SOURCE_PIPELINE: Type.Optional(Type.String({ description: "The pipeline's name", maxLength: 2_048 })),
  BOOT_SOURCE_ARTIFACT: Type.Optional(
    Type.String({ description: "The artifact's name in the pipeline", maxLength: 2_048 }),
  ),
});
export type FleetVariables = Static<typeof FleetVariables>;

type Given = GivenVariables<typeof FleetVariables.properties>;

/** @throws StackyardError `CONFIG_INVALID` that lists all problems, without values. */
export function parseFleetSettings(environment: EnvironmentVariables): FleetSettings {
  const values = parseEnvironment(FleetVariables, environment, {
    app: "fleet",
    check: (given) => [...findSourceFaults(given), ...findTargetFaults(given)],
  });
  const ownRegion = values.FLEET_REGION ?? findRegion(environment);
  const target = toTarget(values.FLEET_TARGET_ROLE, ownRegion);
  return defined({
    account: values.FLEET_ACCOUNT ?? target?.account,
    region: ownRegion,
    target,
    environment: values.FLEET_ENVIRONMENT,
    reportUrl: values.FLEET_REPORT_URL,
    profiles: values.FLEET_PROFILES,
    watchesStarts: values.BOOT_STATE === "DISABLED" ? false : undefined,
    boot: toBoot(values),
  });
}

/** Returns the faults of the three variables that must be set together. */
function findSourceFaults(given: Given): readonly string[] {
  const names = ["BOOT_SOURCE_BUCKET", "BOOT_SOURCE_PIPELINE", "BOOT_SOURCE_ARTIFACT"] as const;
  const missing = names.filter((name) => given[name] === undefined);
  if (missing.length === 0 || (missing.length === names.length && given.BOOT_FALLBACK !== "newest")) return [];
  return missing.map(
    (name) => `${name} is not set: the newest artifact is looked for by bucket, pipeline and artifact.`,
  );
}

function findTargetFaults({ FLEET_TARGET_ROLE, FLEET_ACCOUNT }: Given): readonly string[] {
  const ofRole = toArnPart(FLEET_TARGET_ROLE ?? "", 4);
  if (ofRole === "" || FLEET_ACCOUNT === undefined || FLEET_ACCOUNT === ofRole) return [];
  return ["FLEET_TARGET_ROLE is of another account than FLEET_ACCOUNT."];
}

function toTarget(roleArn: string | undefined, ownRegion: string | undefined): FleetSettings["target"] {
  if (roleArn === undefined || ownRegion === undefined) return undefined;
  return { account: toArnPart(roleArn, 4), region: ownRegion, partition: toArnPart(roleArn, 1), role: roleArn };
}

function toBoot(values: FleetVariables): NonNullable<FleetSettings["boot"]> {
  const { BOOT_SOURCE_BUCKET: ofBucket, BOOT_SOURCE_PIPELINE: pipeline, BOOT_SOURCE_ARTIFACT: artifact } = values;
  const isWhole = ofBucket !== undefined && pipeline !== undefined && artifact !== undefined;
  return defined({
    profile: values.BOOT_PROFILE,
    tagKey: values.FLEET_TAG_KEY,
    tagValues: values.FLEET_TAG_VALUES?.split(","),
    timeout: values.BOOT_TIMEOUT,
    deliveryTimeout: values.BOOT_DELIVERY_TIMEOUT,
    agentTimeout: values.BOOT_AGENT_TIMEOUT,
    fallback: values.BOOT_FALLBACK,
    source: isWhole ? { bucket: ofBucket, pipeline, artifact } : undefined,
  });
}

/** Returns the settings of the executor `runcommand` in the environment. */
export function toRunnerOptions(environment: EnvironmentVariables): { readonly reportUrl?: string } {
  return defined({ reportUrl: readEnvironment(FleetVariables, environment).values.FLEET_REPORT_URL });
}
