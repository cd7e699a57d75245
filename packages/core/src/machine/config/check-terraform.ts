import { checkKeys } from "../document/check-keys.ts";
import { type CompileContext, onMissing, onValue, suggestOrList } from "../document/compile-context.ts";
import type { Spot } from "../document/problem-list.ts";
import { type Field, findField, findText, isMapField, type MapNode, toFields } from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import { hasExpression } from "../expression/split-template.ts";
import { warnAmbiguous } from "./scalar-ambiguity.ts";

/** The config of a Terraform task. */
export function checkTerraform(context: CompileContext, config: Field<MapNode>): void {
  const known = ["action", "source", "variables"];
  checkKeys(context, config, { known, code: "config-unknown-key", owner: "a terraform config" });
  checkAction(context, config);
  checkSource(context, config);
  const variables = findField(config, "variables");
  if (variables) checkVariables(context, variables);
}

function checkAction({ problems }: CompileContext, config: Field<MapNode>): void {
  const action = findField(config, "action");
  if (action === undefined) {
    const message = "A terraform task needs action: apply or destroy.";
    problems.error("terraform-action-required", onMissing(config, "action"), message);
    return;
  }
  const name = findText(action);
  if (name === "apply" || name === "destroy") return;
  const near = name === undefined ? " Known: apply, destroy." : suggestOrList(name, ["apply", "destroy"]);
  const message = `Terraform's action cannot be ${describe(action.node)}.${near}`;
  problems.error("terraform-action-unknown", onValue(action), message);
}

function checkSource(context: CompileContext, config: Field<MapNode>): void {
  const source = findField(config, "source");
  if (source === undefined) {
    const mend = "Write one such as {type: local, location: terraform/app}.";
    tellUnusable(context, "source-missing", onMissing(config, "source"), { what: "The config has no source", mend });
  } else if (isMapField(source)) {
    checkSourceFields(context, source);
  } else {
    const message = `source must be a map such as {type: s3, bucket: …, key: …}, but it is ${describe(source.node)}.`;
    context.problems.error("source-not-map", onValue(source), message);
  }
}

interface Fault {
  readonly what: string;
  readonly mend: string;
}

/** Version 1 takes the document, and its task fails when it runs. */
function tellUnusable({ version, problems }: CompileContext, code: string, spot: Spot, { what, mend }: Fault): void {
  if (version === 2) problems.error(code, spot, `${what}. ${mend}`);
  else problems.warn(code, spot, `${what}; the task will fail when it runs.`);
}

const SOURCE_KEYS = { s3: ["bucket", "key"], local: ["location"] } as const;
const KINDS = ["s3", "local"] as const;
const ALL_KEYS = [...SOURCE_KEYS.s3, ...SOURCE_KEYS.local];

function checkSourceFields(context: CompileContext, source: Field<MapNode>): void {
  const type = findField(source, "type");
  const kind = type === undefined ? findKind(source) : findText(type);
  const known = KINDS.find((each) => each === kind);
  if (type === undefined) {
    const fault = { what: "The source has no type, s3 or local", mend: 'Write "type: s3" or "type: local".' };
    tellUnusable(context, "source-type-missing", onMissing(source, "type"), fault);
  } else if (known === undefined) {
    const near = kind === undefined ? " Known: s3, local." : suggestOrList(kind, KINDS);
    const message = `A source cannot be of the type ${describe(type.node)}.${near}`;
    context.problems.error("source-type-unknown", onValue(type), message);
    // An expression will be one of the two.
    if (kind === undefined || !hasExpression(kind)) return;
  }
  checkFieldsOf(context, source, known);
}

/** Of a kind that is not known: that nothing stands there which no kind takes. */
function checkFieldsOf(
  context: CompileContext,
  source: Field<MapNode>,
  kind: keyof typeof SOURCE_KEYS | undefined,
): void {
  const needed = kind && SOURCE_KEYS[kind];
  const owner = kind ? `a source of the type ${kind}` : "a source";
  checkKeys(context, source, { known: ["type", ...(needed ?? ALL_KEYS)], code: "source-unknown-key", owner });
  const given = ALL_KEYS.filter((name) => findField(source, name) !== undefined);
  for (const name of needed ?? given) checkSourceField(context, source, name);
}

// A source without a type must still have the shape of one.
function findKind(source: Field<MapNode>): "s3" | "local" | undefined {
  if (findField(source, "location")) return "local";
  return findField(source, "bucket") || findField(source, "key") ? "s3" : undefined;
}

function checkSourceField({ problems }: CompileContext, source: Field<MapNode>, name: string): void {
  const field = findField(source, name);
  if (field === undefined) {
    problems.error("source-field-required", onMissing(source, name), `The source needs ${name}.`);
  } else if (!findText(field)) {
    const hint = field.node.kind === "scalar" && field.node.value ? " Write it in quotes." : "";
    const message = `${name} of a source must be a text that is not empty, but it is ${describe(field.node)}.${hint}`;
    problems.error("source-field-required", onValue(field), message);
  } else if (name === "key" && looksLikeFile(findText(field) ?? "")) {
    const message = `${quote(findText(field) ?? "")} looks like one file, and the task gets that file alone. For a folder write its prefix.`;
    problems.warn("source-key-not-prefix", onValue(field), message);
  }
}

const FILE_ENDING = /\.(tf|json|tfvars|hcl|tpl|tmpl|zip|tar|gz|tgz|bz2|xz|7z|ya?ml|txt|md|sh|py|js|ts)$/i;

function looksLikeFile(key: string): boolean {
  return FILE_ENDING.test(key);
}

function checkVariables(context: CompileContext, variables: Field): void {
  if (!isMapField(variables)) {
    const message = `variables must be a map, but it is ${describe(variables.node)}.`;
    context.problems.error("variables-not-map", onValue(variables), message);
    return;
  }
  for (const [name, field] of toFields(variables)) {
    if (field.node.kind === "scalar") continue;
    const message = `The variable ${quote(name)} is ${describe(field.node)}; only texts, numbers, booleans and null are passed on.`;
    context.problems.warn("variable-not-scalar", onValue(field), message);
  }
  warnAmbiguous(context, variables);
}
