import { defined, isMap, optionalFlag, optionalText, optionalTexts, StackyardError } from "@stackyard/core";
import { startArgs } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";

/** The settings of a run as command-line arguments. */
export const runArgs = {
  tagKey: optionalText("The tag that makes an instance a part of the fleet. Default: has_ssm_agent.", {
    minLength: 1,
    placeholder: "key",
  }),
  tagValue: optionalTexts("A value of that tag, exactly; may be repeated. Default: true, True.", "value"),
  platform: Type.Optional(
    Type.Union([Type.Literal("linux"), Type.Literal("windows"), Type.Literal("any")], {
      description: "Only instances of it. Default: any.",
    }),
  ),
  instanceId: optionalTexts("Exactly this instance of those with the tag; may be repeated.", "id"),
  target: optionalTexts("Targets of Systems Manager instead, such as tag:role=web,app; up to 5.", "key=value,…"),
  profile: optionalText("The profile to run: ansible (default), garlc-1, powershell, or your own profile.", {
    minLength: 1,
    placeholder: "name",
  }),
  document: optionalText("A document of Systems Manager instead of a profile.", { minLength: 1, placeholder: "name" }),
  documentVersion: optionalText("Of the document.", { minLength: 1, placeholder: "version" }),
  parameter: optionalTexts("Of the document; may be repeated, also for one name.", "name=value"),
  artifact: optionalText("What the profile applies.", { minLength: 1, placeholder: "s3://bucket/key" }),
  artifactVersion: optionalText("The version of that object.", { minLength: 1, placeholder: "id" }),
  artifactSha256: optionalText("Checked on each instance before it is unpacked.", { minLength: 1, placeholder: "hex" }),
  maxConcurrency: optionalText("Instances at the same time, such as 50 or 10%. Default: 50.", {
    minLength: 1,
    placeholder: "count",
  }),
  maxErrors: optionalText("How many may fail, such as 0 or 5%. Default: 0.", { minLength: 1, placeholder: "count" }),
  timeout: optionalText("On each instance, such as 10m. Default: 10m.", { minLength: 1, placeholder: "length" }),
  deliveryTimeout: optionalText("Until the command has reached its instance. Default: 15m.", {
    minLength: 1,
    placeholder: "length",
  }),
  output: optionalText("Where whole outputs go.", { minLength: 1, placeholder: "s3://bucket/prefix" }),
  logGroup: optionalText("Also send the outputs to this log group.", { minLength: 1, placeholder: "name" }),
  allowEmpty: optionalFlag("No instance selected is a success."),
  ignoreUnreachable: optionalFlag("Unreachable instances do not count as failures."),
  ignoreGone: optionalFlag("Instances that are stopped or terminated meanwhile do not count as failures."),
  ...startArgs,
};
const RunArgs = Type.Object(runArgs);
export type RunArgs = Static<typeof RunArgs>;

/** Converts arguments to the executor's config, over the config of a file. Throws `USAGE` for contradictions. */
export function toRunConfig(args: RunArgs, file: Config = {}): Config {
  const ways = [args.tagKey ?? args.tagValue ?? args.platform, args.instanceId, args.target].filter(
    (way) => way !== undefined,
  );
  if (ways.length > 1)
    throw usage("Give tags and --platform, --instance-id or --target: they are different ways to say which instances.");
  if (args.profile !== undefined && args.document !== undefined) throw usage("Give --profile or --document.");
  const rest = ways.length === 0 ? file : without(file, ["select", "targets", "instanceIds"]);
  const { maxConcurrency, maxErrors, timeout, deliveryTimeout, profile, document, documentVersion } = args;
  // The server checks the whole against the executor's schema.
  return {
    ...rest,
    ...toWhere(args, file["select"]),
    ...defined({ maxConcurrency, maxErrors, timeout, deliveryTimeout, profile, document, documentVersion }),
    ...defined({ allowEmpty: args.allowEmpty, ignoreUnreachable: args.ignoreUnreachable, ignoreGone: args.ignoreGone }),
    ...defined({ parameters: toParameters(args.parameter), artifact: toArtifact(args), output: toOutput(args) }),
    source: "command",
  };
}

type Config = Readonly<Record<string, unknown>>;

function toWhere({ tagKey, tagValue, platform, instanceId, target }: RunArgs, select: unknown) {
  if (instanceId !== undefined) return { instanceIds: instanceId };
  if (target !== undefined) return { targets: target.map(toTarget) };
  const picked = defined({ tagKey, tagValues: tagValue, platform });
  if (Object.keys(picked).length === 0) return {};
  return { select: { ...(isMap(select) ? select : {}), ...picked } };
}

function toTarget(text: string) {
  const [key, values] = split(text, "--target", "key=value,value");
  return { key, values: values.split(",") };
}

function toParameters(pairs: readonly string[] | undefined): Readonly<Record<string, string[]>> | undefined {
  if (pairs === undefined) return undefined;
  const parameters = new Map<string, string[]>();
  for (const pair of pairs) {
    const [name, value] = split(pair, "--parameter", "name=value");
    parameters.set(name, [...(parameters.get(name) ?? []), value]);
  }
  return Object.fromEntries(parameters);
}

function toArtifact({ artifact, artifactVersion: versionId, artifactSha256: sha256 }: RunArgs) {
  if (artifact === undefined) {
    if (versionId === undefined && sha256 === undefined) return undefined;
    throw usage("--artifact-version and --artifact-sha256 say more about --artifact; give that too.");
  }
  const { bucket, key } = parseS3Address(artifact, "--artifact");
  if (key === "") throw usage("--artifact names an object: s3://bucket/key.");
  return { bucket, key, ...defined({ versionId, sha256 }) };
}

function toOutput({ output, logGroup }: RunArgs) {
  if (output === undefined) return logGroup === undefined ? undefined : { logGroup };
  const { bucket, key } = parseS3Address(output, "--output");
  return { bucket, ...(key === "" ? {} : { prefix: key }), ...defined({ logGroup }) };
}

function parseS3Address(text: string, name: string): { readonly bucket: string; readonly key: string } {
  const [, bucket, key = ""] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(text) ?? [];
  if (bucket === undefined) throw usage(`${name} "${text}" is invalid. Use an address such as s3://bucket/key.`);
  return { bucket, key };
}

function split(text: string, name: string, shape: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) throw usage(`${name} "${text}" is not ${shape}.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function without(values: Readonly<Record<string, unknown>>, keys: readonly string[]) {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)));
}

function usage(message: string): StackyardError {
  return new StackyardError("USAGE", message);
}
