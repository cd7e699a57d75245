// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { type ConfigReport, type DocumentConfig, isMap } from "@stackyard/core";
import { SOURCE_DOCUMENTS } from "@stackyard/sources/definition";
import { Type } from "typebox";
import { Check } from "typebox/value";

/** Checks the config of a Terraform task in a machine. */
export function checkTerraformConfig(config: DocumentConfig, report: ConfigReport): void {
  const { action } = config;
  const known = ["action", "source", "variables", ...(report.version === 2 ? findKeys(action) : [])];
  report.unknownKeys([], { known, code: "config-unknown-key", owner: toOwner(action) });
  checkAction(config, report);
  checkSource(config, report);
  checkValues(config, report);
  if ("variables" in config) checkVariables(config["variables"], report);
}

/** The keys that an action has besides `source` and `variables`, in version 2. */
const ACTION_KEYS = {
  apply: ["plan", "outputs", "protect", "destroyImported", "policies", "keep"],
  destroy: ["protect", "destroyImported", "policies"],
  plan: ["destroy", "protect", "destroyImported", "policies"],
  drift: ["ignore"],
} as const;
const COMMON_KEYS = [
  "state",
  "binary",
  "version",
  "switchProduct",
  "backend",
  "sharedState",
  "switchBackend",
  "switchTarget",
] as const;

function isAction(action: unknown): action is keyof typeof ACTION_KEYS {
  return typeof action === "string" && Object.hasOwn(ACTION_KEYS, action);
}

function findKeys(action: unknown): readonly string[] {
  return [...COMMON_KEYS, ...(isAction(action) ? ACTION_KEYS[action] : Object.values(ACTION_KEYS).flat())];
}

function toOwner(action: unknown): string {
  return isAction(action) ? `a terraform config with action: ${action}` : "a terraform config";
}

/** Returns the actions. Version 1 has no outputs, without which a plan is useless. */
function listActions({ version }: ConfigReport): readonly string[] {
  return version === 1 ? ["apply", "destroy"] : Object.keys(ACTION_KEYS);
}

function checkAction({ action }: DocumentConfig, report: ConfigReport): void {
  const known = listActions(report);
  if (action === undefined) {
    const message = `A terraform task needs action: ${known.slice(0, -1).join(", ")} or ${known.at(-1)}.`;
    report.error("terraform-action-required", ["action"], message);
  } else if (!known.some((each) => each === action)) {
    const near = report.suggest(findText(action), known);
    const message = `Terraform's action cannot be ${report.describe(["action"])}.${near}`;
    report.error("terraform-action-unknown", ["action"], message);
  }
}

/**
 * Checks the keys that only version 2 has. The values of expressions are checked when the task is dispatched; the name of a
 * state is none, so that who reads a machine sees which tasks work on one.
 */
function checkValues(config: DocumentConfig, report: ConfigReport): void {
  for (const [key, { schema, what }] of Object.entries(VALUES)) {
    const isOpen = key !== "state" && report.hasExpression([key]);
    if (config[key] === undefined || Check(schema, config[key]) || isOpen) continue;
    report.error("terraform-value-invalid", [key], `${key} must be ${what}.`);
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

/** Reports an unusable config. Version 1 accepts the document, and its task fails when it runs. */
function reportUnusable(report: ConfigReport, code: string, { path, what, mend }: Fault): void {
  if (report.version === 2) report.error(code, path, `${what}. ${mend}`);
  else report.warn(code, path, `${what}; the task will fail when it runs.`);
}

/** Returns the kinds of sources. Version 1 has no values that change with a commit. */
function listKinds({ version }: ConfigReport): readonly SourceKind[] {
  return version === 1 ? ["s3", "local"] : ["s3", "local", "git"];
}

function checkSourceFields(source: DocumentConfig, report: ConfigReport): void {
  const { type } = source;
  const path = ["source", "type"];
  const kind = type === undefined ? findKind(source) : findText(type);
  const kinds = listKinds(report);
  const known = kinds.find((each) => each === kind);
  if (type === undefined) {
    const fault = { path, what: "The source has no type, s3 or local", mend: 'Write "type: s3" or "type: local".' };
    reportUnusable(report, "source-type-missing", fault);
  } else if (known === undefined) {
    const message = `A source cannot be of the type ${report.describe(path)}.${report.suggest(kind, kinds)}`;
    report.error("source-type-unknown", path, message);
    // An expression will be one of them.
    if (!report.hasExpression(path)) return;
  }
  checkFieldsOf(source, known, report);
}

/** Checks the fields. For an unknown kind: rejects keys that no kind accepts. */
function checkFieldsOf(source: DocumentConfig, kind: SourceKind | undefined, report: ConfigReport): void {
  const kinds = kind ? [kind] : listKinds(report);
  const known = new Set(kinds.flatMap((each) => Object.keys(SOURCE_DOCUMENTS[each].properties)));
  const owner = kind ? `a source of the type ${kind}` : "a source";
  report.unknownKeys(["source"], { known: [...known], code: "source-unknown-key", owner });
  known.delete("type");
  const needed: readonly string[] = kind ? SOURCE_DOCUMENTS[kind].required : [];
  for (const name of known)
    if (needed.includes(name) || source[name] !== undefined) checkSourceField(source, name, report);
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
  } else if (name === "trusted") {
    if (typeof value === "boolean" || report.hasExpression(path)) return;
    const message = `trusted of a source must be true or false, but it is ${report.describe(path)}.`;
    report.error("source-field-required", path, message);
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
  report.ambiguousScalars(["variables"]);
}

function findText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function isCollection(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

const closed = { additionalProperties: false };
const Filled = Type.String({ minLength: 1 });
const AnyMap = Type.Record(Type.String(), Type.Unknown());
/** A text with an expression. */
const Template = Type.String({ pattern: "\\$\\{" });

/** The config in documents of version 1, where a source may lack what only its task needs. */
const ConfigV1 = Type.Object(
  {
    action: Type.Union([Type.Literal("apply"), Type.Literal("destroy")]),
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

type SourceKind = keyof typeof SOURCE_DOCUMENTS;

/** The type is known only after it is resolved. */
const UnknownV2 = Type.Object(
  {
    type: Template,
    bucket: Type.Optional(Filled),
    key: Type.Optional(Filled),
    location: Type.Optional(Filled),
  },
  closed,
);

/** Files, as in `source`, where any value may be an expression. */
const SourceV2 = Type.Union([...Object.values(SOURCE_DOCUMENTS), UnknownV2, Template]);
/** Never from the repository of the change to check. */
const PolicySourceV2 = Type.Union([SOURCE_DOCUMENTS.s3, SOURCE_DOCUMENTS.local, UnknownV2, Template]);

const Texts = Type.Array(Filled);
const OnProblems = Type.Union([Type.Literal("fail"), Type.Literal("report"), Template]);

/** The values of keys that only documents of version 2 have. */
const VALUES = {
  plan: { schema: Filled, what: "the id of a saved plan, such as ${tasks.plan.outputs.plan}" },
  destroy: { schema: Type.Boolean(), what: "true or false" },
  ignore: { schema: Type.Array(Type.String({ pattern: ":" })), what: "a list of address:attribute" },
  protect: { schema: Texts, what: "a list of addresses such as aws_db_instance.*" },
  destroyImported: { schema: Type.Boolean(), what: "true or false" },
  policies: {
    schema: Type.Object(
      { source: PolicySourceV2, onProblems: Type.Optional(OnProblems), conftest: Type.Optional(Type.Boolean()) },
      closed,
    ),
    what: "a map with source, such as {source: {type: local, location: policies}}, onProblems, which is fail or report, and conftest, which is true or false",
  },
  binary: { schema: Filled, what: "the name of a program" },
  version: { schema: Filled, what: "a constraint such as ~> 1.11.0, as a text" },
  switchProduct: { schema: Type.Boolean(), what: "true or false" },
  backend: {
    schema: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
    what: "a map of settings such as {prefix: previews/${stack.id}}",
  },
  state: { schema: Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,62}$" }), what: "a name such as api" },
  keep: { schema: Type.Boolean(), what: "true or false" },
  sharedState: { schema: Filled, what: "a name such as network" },
  switchBackend: { schema: Type.Boolean(), what: "true or false" },
  switchTarget: { schema: Type.Boolean(), what: "true or false" },
  outputs: { schema: Texts, what: "a list of names of outputs" },
} as const;

/** The config in documents of version 2, where any value may be an expression. */
const ConfigV2 = Type.Object(
  {
    action: Type.Union([...Object.keys(ACTION_KEYS).map((action) => Type.Literal(action)), Template]),
    source: SourceV2,
    variables: Type.Optional(Type.Union([AnyMap, Template])),
    plan: Type.Optional(VALUES.plan.schema),
    destroy: Type.Optional(Type.Union([VALUES.destroy.schema, Template])),
    ignore: Type.Optional(Type.Union([VALUES.ignore.schema, Template])),
    protect: Type.Optional(Type.Union([VALUES.protect.schema, Template])),
    destroyImported: Type.Optional(Type.Union([VALUES.destroyImported.schema, Template])),
    policies: Type.Optional(Type.Union([VALUES.policies.schema, Template])),
    binary: Type.Optional(VALUES.binary.schema),
    version: Type.Optional(VALUES.version.schema),
    switchProduct: Type.Optional(Type.Union([VALUES.switchProduct.schema, Template])),
    backend: Type.Optional(Type.Union([VALUES.backend.schema, Template])),
    state: Type.Optional(VALUES.state.schema),
    keep: Type.Optional(Type.Union([VALUES.keep.schema, Template])),
    sharedState: Type.Optional(VALUES.sharedState.schema),
    switchBackend: Type.Optional(Type.Union([VALUES.switchBackend.schema, Template])),
    switchTarget: Type.Optional(Type.Union([VALUES.switchTarget.schema, Template])),
    outputs: Type.Optional(Type.Union([VALUES.outputs.schema, Template])),
  },
  closed,
);

/** The config's schemas for editors, in documents of either version. */
export const terraformDocumentSchemas = { v1: ConfigV1, v2: ConfigV2 };
