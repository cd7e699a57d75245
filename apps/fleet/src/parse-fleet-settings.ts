import { StackyardError } from "@stackyard/core";
import type { FleetSettings } from "@stackyard/executor-runcommand/fleet";
import type { EnvironmentVariables } from "@stackyard/runtime";
import { Compile } from "typebox/compile";
import { FleetVariables } from "./fleet-variables.ts";

// One for each: a validator of them all stops after its eighth fault.
const CHECKS = Object.entries(FleetVariables.properties).map(([name, schema]) => {
  return { name, must: "must" in schema ? String(schema.must) : "be of another form", validator: Compile(schema) };
});

/** Reads the fleet's own part of the environment. Throws one `CONFIG_INVALID` that lists everything; it shows no values. */
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
    // The schema leaves these two.
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

/** Settings that are not made keep their defaults. */
function withoutUndefined<Value extends object>(value: Value): Partial<Given<Value>> {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries) as Partial<Given<Value>>;
}
