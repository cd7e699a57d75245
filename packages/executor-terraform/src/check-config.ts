import type { ConfigReport, DocumentConfig, TasksReport } from "@stackyard/core";
import { Type } from "typebox";

/** Checks the config of a Terraform task in a machine. */
export function checkTerraformConfig(config: DocumentConfig, report: ConfigReport): void {
  const known = ["action", "source", "variables"];
  report.unknownKeys([], { known, code: "config-unknown-key", owner: "a terraform config" });
  checkAction(config, report);
  checkSource(config, report);
  if ("variables" in config) checkVariables(config["variables"], report);
}

/**
 * Warns of tasks that work on one Terraform state though they look apart: the state's key is made of the source's key and
 * does not contain the bucket.
 */
export function checkTerraformTasks(configs: ReadonlyMap<string, DocumentConfig>, report: TasksReport): void {
  const owners = new Map<string, S3Source>();
  for (const source of [...configs].flatMap(([task, config]) => findS3Source(task, config) ?? [])) {
    const owner = owners.get(source.key) ?? source;
    owners.set(source.key, owner);
    if (owner.bucket === source.bucket) continue;
    const message =
      `The task ${report.quote(owner.task)} has this key in the bucket ${report.quote(owner.bucket)}. ` +
      "Both work on one Terraform state, because its key does not contain the bucket.";
    report.warn("source-key-shared", { task: source.task, path: ["source", "key"] }, message);
  }
}

function checkAction({ action }: DocumentConfig, report: ConfigReport): void {
  if (action === undefined) {
    report.error("terraform-action-required", ["action"], "A terraform task needs action: apply or destroy.");
  } else if (action !== "apply" && action !== "destroy") {
    const near = report.suggest(findText(action), ["apply", "destroy"]);
    const message = `Terraform's action cannot be ${report.describe(["action"])}.${near}`;
    report.error("terraform-action-unknown", ["action"], message);
  }
}

function checkSource({ source }: DocumentConfig, report: ConfigReport): void {
  if (source === undefined) {
    const mend = "Write one such as {type: local, location: terraform/app}.";
    reportUnusable(report, "source-missing", { path: ["source"], what: "The config has no source", mend });
  } else if (isMap(source)) {
    checkSourceFields(source, report);
  } else {
    const given = report.describe(["source"]);
    const message = `source must be a map such as {type: s3, bucket: …, key: …}, but it is ${given}.`;
    report.error("source-not-map", ["source"], message);
  }
}

interface Fault {
  readonly path: readonly string[];
  readonly what: string;
  readonly mend: string;
}

/** Version 1 accepts the document, and its task fails when it runs. */
function reportUnusable(report: ConfigReport, code: string, { path, what, mend }: Fault): void {
  if (report.version === 2) report.error(code, path, `${what}. ${mend}`);
  else report.warn(code, path, `${what}; the task will fail when it runs.`);
}

const SOURCE_KEYS = { s3: ["bucket", "key"], local: ["location"] } as const;
const KINDS = ["s3", "local"] as const;
const ALL_KEYS = [...SOURCE_KEYS.s3, ...SOURCE_KEYS.local];

function checkSourceFields(source: DocumentConfig, report: ConfigReport): void {
  const { type } = source;
  const path = ["source", "type"];
  const kind = type === undefined ? findKind(source) : findText(type);
  const known = KINDS.find((each) => each === kind);
  if (type === undefined) {
    const fault = { path, what: "The source has no type, s3 or local", mend: 'Write "type: s3" or "type: local".' };
    reportUnusable(report, "source-type-missing", fault);
  } else if (known === undefined) {
    const message = `A source cannot be of the type ${report.describe(path)}.${report.suggest(kind, KINDS)}`;
    report.error("source-type-unknown", path, message);
    // An expression will be one of the two.
    if (!report.hasExpression(path)) return;
  }
  checkFieldsOf(source, known, report);
}

/** For an unknown kind: rejects keys that no kind accepts. */
function checkFieldsOf(source: DocumentConfig, kind: keyof typeof SOURCE_KEYS | undefined, report: ConfigReport): void {
  const needed = kind && SOURCE_KEYS[kind];
  const owner = kind ? `a source of the type ${kind}` : "a source";
  report.unknownKeys(["source"], { known: ["type", ...(needed ?? ALL_KEYS)], code: "source-unknown-key", owner });
  const given = ALL_KEYS.filter((name) => source[name] !== undefined);
  for (const name of needed ?? given) checkSourceField(source, name, report);
}

// A source without a type must still have the shape of one.
function findKind({ location, bucket, key }: DocumentConfig): "s3" | "local" | undefined {
  if (location !== undefined) return "local";
  return bucket !== undefined || key !== undefined ? "s3" : undefined;
}

function checkSourceField(source: DocumentConfig, name: string, report: ConfigReport): void {
  const value = source[name];
  const path = ["source", name];
  if (value === undefined) {
    report.error("source-field-required", path, `The source needs ${name}.`);
  } else if (!findText(value)) {
    const hint = !isCollection(value) && value ? " Write it in quotes." : "";
    const given = report.describe(path);
    const message = `${name} of a source must be a text that is not empty, but it is ${given}.${hint}`;
    report.error("source-field-required", path, message);
  } else if (name === "key" && FILE_ENDING.test(findText(value) ?? "")) {
    const message = `${report.describe(path)} looks like one file, and the task gets that file alone. For a folder write its prefix.`;
    report.warn("source-key-not-prefix", path, message);
  }
}

const FILE_ENDING = /\.(tf|json|tfvars|hcl|tpl|tmpl|zip|tar|gz|tgz|bz2|xz|7z|ya?ml|txt|md|sh|py|js|ts)$/i;

function checkVariables(variables: unknown, report: ConfigReport): void {
  if (!isMap(variables)) {
    const message = `variables must be a map, but it is ${report.describe(["variables"])}.`;
    report.error("variables-not-map", ["variables"], message);
    return;
  }
  for (const [name, value] of Object.entries(variables)) {
    if (!isCollection(value)) continue;
    const path = ["variables", name];
    const message = `The variable ${report.quote(name)} is ${report.describe(path)}; only texts, numbers, booleans and null are passed on.`;
    report.warn("variable-not-scalar", path, message);
  }
  report.ambiguousScalars(["variables"]);
}

interface S3Source {
  readonly task: string;
  readonly bucket: string;
  readonly key: string;
}

function findS3Source(task: string, { source }: DocumentConfig): S3Source | undefined {
  if (!isMap(source)) return undefined;
  const bucket = findText(source["bucket"]);
  const key = findText(source["key"]);
  return bucket && key ? { task, bucket, key } : undefined;
}

function findText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function isMap(value: unknown): value is DocumentConfig {
  return isCollection(value) && !Array.isArray(value);
}

function isCollection(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

const closed = { additionalProperties: false };
const Filled = Type.String({ minLength: 1 });
const AnyMap = Type.Record(Type.String(), Type.Unknown());
/** A text that holds an expression. */
const Template = Type.String({ pattern: "\\$\\{" });
const Action = [Type.Literal("apply"), Type.Literal("destroy")];

/** The config in documents of version 1, where a source may lack what only its task needs. */
const ConfigV1 = Type.Object(
  {
    action: Type.Union(Action),
    source: Type.Optional(
      Type.Union([
        Type.Object({ type: Type.Optional(Type.Literal("s3")), bucket: Filled, key: Filled }, closed),
        Type.Object({ type: Type.Optional(Type.Literal("local")), location: Filled }, closed),
        Type.Object({}, closed),
      ]),
    ),
    variables: Type.Optional(AnyMap),
  },
  closed,
);

/** The config in documents of version 2, where any value may be an expression. */
const ConfigV2 = Type.Object(
  {
    action: Type.Union([...Action, Template]),
    source: Type.Union([
      Type.Object({ type: Type.Literal("s3"), bucket: Filled, key: Filled }, closed),
      Type.Object({ type: Type.Literal("local"), location: Filled }, closed),
      // Its type is known only when it is resolved.
      Type.Object(
        {
          type: Template,
          bucket: Type.Optional(Filled),
          key: Type.Optional(Filled),
          location: Type.Optional(Filled),
        },
        closed,
      ),
      Template,
    ]),
    variables: Type.Optional(Type.Union([AnyMap, Template])),
  },
  closed,
);

/** What editors know of the config in documents of either version. */
export const terraformDocumentSchemas = { v1: ConfigV1, v2: ConfigV2 };
