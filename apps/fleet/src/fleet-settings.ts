import { StackyardError } from "@stackyard/core";
import type { FleetSettings } from "@stackyard/executor-runcommand/fleet";
import type { EnvironmentVariables } from "@stackyard/runtime";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const TEXT = { minLength: 1, maxLength: 2_048, must: "have at most 2,048 characters" };
const DURATION = { pattern: "^[1-9][0-9]{0,8}(ms|s|m|h|d)$", must: "be a duration such as 10m" };
const NAME = { pattern: "^[a-z][a-z0-9-]{0,62}$", must: "be a name of lower-case letters, digits and hyphens" };

/** A variable: its description and its form (`must` is shown in messages). */
function variable(description: string, form: { readonly must: string; readonly [keyword: string]: unknown } = TEXT) {
  return Type.Optional(Type.String({ ...form, description }));
}

/** The variables of the fleet app, in addition to those of every app of a yard. An empty variable counts as not set. */
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

// One for each: a combined validator stops after its eighth error.
const CHECKS = Object.entries(FleetVariables.properties).map(([name, schema]) => {
  return { name, must: "must" in schema ? String(schema.must) : "be of another form", validator: Compile(schema) };
});

/** Parses the fleet's variables. Throws one `CONFIG_INVALID` that lists all problems, without values. */
export function parseFleetSettings(environment: EnvironmentVariables): FleetSettings {
  const values: FleetVariables = Object.fromEntries(
    CHECKS.flatMap(({ name }) => (environment[name] ? [[name, environment[name]]] : [])),
  );
  const faults = [...findFormFaults(values), ...findSourceFaults(values), ...findTargetFaults(values)];
  if (faults.length === 0) return toSettings(values, environment);
  const list = faults.map((fault) => `\n  - ${fault}`).join("");
  throw new StackyardError("CONFIG_INVALID", `The environment of the fleet is wrong:${list}`, { details: { faults } });
}

function findFormFaults(values: Readonly<Record<string, string | undefined>>): readonly string[] {
  return CHECKS.flatMap(({ name, must, validator }) => {
    const value = values[name];
    return value === undefined || validator.Check(value) ? [] : [`${name} must ${must}.`];
  });
}

/** The three variables must be set together. */
function findSourceFaults(values: Readonly<Record<string, string | undefined>>): readonly string[] {
  const names = ["BOOT_SOURCE_BUCKET", "BOOT_SOURCE_PIPELINE", "BOOT_SOURCE_ARTIFACT"];
  const missing = names.filter((name) => values[name] === undefined);
  if (missing.length === 0 || (missing.length === names.length && values["BOOT_FALLBACK"] !== "newest")) return [];
  return missing.map(
    (name) => `${name} is not set: the newest artifact is looked for by bucket, pipeline and artifact.`,
  );
}

function findTargetFaults({ FLEET_TARGET_ROLE, FLEET_ACCOUNT }: FleetVariables): readonly string[] {
  const [, , , , account] = FLEET_TARGET_ROLE?.split(":") ?? [];
  if (account === undefined || FLEET_ACCOUNT === undefined || account === FLEET_ACCOUNT) return [];
  return ["FLEET_TARGET_ROLE is of another account than FLEET_ACCOUNT."];
}

function toSettings(values: FleetVariables, environment: EnvironmentVariables): FleetSettings {
  const { FLEET_ENVIRONMENT, FLEET_PROFILES, FLEET_REPORT_URL } = values;
  const region = values.FLEET_REGION ?? (environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] || undefined);
  const target = toTarget(values, region);
  const account = values.FLEET_ACCOUNT ?? target?.account;
  return withoutUndefined({
    account,
    region,
    target,
    environment: FLEET_ENVIRONMENT,
    reportUrl: FLEET_REPORT_URL,
    profiles: FLEET_PROFILES?.split(",").map((name) => name.trim()),
    boot: toBoot(values),
  });
}

function toBoot(values: FleetVariables): NonNullable<FleetSettings["boot"]> {
  const { BOOT_SOURCE_BUCKET: bucket, BOOT_SOURCE_PIPELINE: pipeline, BOOT_SOURCE_ARTIFACT: artifact } = values;
  const isWhole = bucket !== undefined && pipeline !== undefined && artifact !== undefined;
  return withoutUndefined({
    profile: values.BOOT_PROFILE,
    tagKey: values.FLEET_TAG_KEY,
    tagValues: values.FLEET_TAG_VALUES?.split(","),
    timeout: values.BOOT_TIMEOUT,
    deliveryTimeout: values.BOOT_DELIVERY_TIMEOUT,
    agentTimeout: values.BOOT_AGENT_TIMEOUT,
    // The schema allows only these two.
    fallback: values.BOOT_FALLBACK === "newest" || values.BOOT_FALLBACK === "none" ? values.BOOT_FALLBACK : undefined,
    source: isWhole ? { bucket, pipeline, artifact } : undefined,
  });
}

function toTarget({ FLEET_TARGET_ROLE: role }: FleetVariables, region: string | undefined) {
  if (role === undefined || region === undefined) return undefined;
  const [, partition = "", , , account = ""] = role.split(":");
  return { account, region, partition, role };
}

type Given<Value> = { readonly [Key in keyof Value]: Exclude<Value[Key], undefined> };

/** Settings that are not set keep their defaults. */
function withoutUndefined<Value extends object>(value: Value): Partial<Given<Value>> {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries) as Partial<Given<Value>>;
}

/** The settings of the executor `runcommand` in the environment. */
export function toRunnerOptions({ FLEET_REPORT_URL: reportUrl }: EnvironmentVariables): {
  readonly reportUrl?: string;
} {
  return reportUrl ? { reportUrl } : {};
}
