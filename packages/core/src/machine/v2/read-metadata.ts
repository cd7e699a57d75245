import { cutText } from "../cut-text.ts";
import { findMetadataFault } from "../decide/metadata-faults.ts";
import { createMetadataPattern, MAX_PATTERN } from "../decide/metadata-pattern.ts";
import { type CompileContext, onKey, onValue } from "../document/compile-context.ts";
import type { Spot } from "../document/problem-list.ts";
import {
  type Field,
  findField,
  findFlag,
  findScalar,
  findText,
  isMapField,
  isNumberOfJson,
  toFields,
  toItems,
} from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import type { ExpressionPlace, PlaceMetadata } from "../expression/expression.ts";
import { defined, findRoundedFault } from "../json.ts";
import { METADATA_TYPES, type MetadataRule } from "../machine.ts";

/** The metadata of a document; rules with a fault are included as far as they could be read. */
export interface MetadataDraft {
  readonly rules: ReadonlyMap<string, MetadataRule>;
  /** The part that expressions need. */
  readonly place: PlaceMetadata;
}

/** Reads the rules under `metadata`, and whether other keys are allowed. */
export function readMetadata(context: CompileContext, root: Field): MetadataDraft {
  const flag = findField(root, "additionalMetadata");
  const field = findField(root, "metadata");
  const rules = new Map([...toFields(field)].map(([key, rule]) => [key, readRule(context, key, rule)]));
  const sensitive = [...rules].flatMap(([key, rule]) => (rule.sensitive ? [key] : []));
  // When the keys cannot be read, no key is unknown.
  const isReadable = field === undefined || isMapField(field);
  const additional = flag === undefined || findFlag(root, "additionalMetadata") !== false || !isReadable;
  const place = { declared: new Set(rules.keys()), sensitive: new Set(sensitive), additional };
  // Stacks on a kept revision continue, whatever its expressions are.
  return { rules, place: context.isKept ? place : { ...place, types: rules } };
}

/** Returns the place of `allow`: who sends, and the stack before it. */
export function toAllowPlace({ place: metadata }: MetadataDraft, states?: readonly string[]): ExpressionPlace {
  const variables = ["actor", "stack", "metadata", "event", "now"];
  return defined({ event: true, actor: true as const, metadata, sensitive: "never" as const, variables, states });
}

/** Reports a key that stacks of this machine cannot have. */
export function checkDeclared({ problems }: CompileContext, key: Field, name: string, { place }: MetadataDraft): void {
  if (place.additional || place.declared.has(name)) return;
  const message = `${quote(name)} is not declared in metadata, and additionalMetadata is false.`;
  problems.error("metadata-undeclared", onKey(key), message);
}

/** Reports a key that an event must bring and that no event may bring. */
export function checkWritable(
  { problems }: CompileContext,
  spot: Spot,
  name: string,
  rules: MetadataDraft["rules"],
): void {
  if (rules.get(name)?.readOnly !== true) return;
  const message = `No event may bring ${quote(name)}, because its rule has readOnly: true. Remove one of the two.`;
  problems.error("metadata-read-only", spot, message);
}

function readRule(context: CompileContext, key: string, field: Field): MetadataRule {
  const type = METADATA_TYPES.find((known) => known === findText(findField(field, "type")));
  const rule: MetadataRule = defined({
    required: findFlag(field, "required") ?? false,
    sensitive: findFlag(field, "sensitive") ?? false,
    immutable: findFlag(field, "immutable") ?? false,
    readOnly: findFlag(field, "readOnly") || undefined,
    type,
    pattern: readPattern(context, findField(field, "pattern"), type),
    enum: readEnum(context, findField(field, "enum"), type),
    ...readRange(context, field, type),
  });
  const read = defined({ ...rule, default: readDefault(context, key, { field: findField(field, "default"), rule }) });
  if (rule.required && read.default === undefined) {
    checkWritable(context, onKey(field), key, new Map([[key, rule]]));
  }
  return read;
}

/** Reads the `default` of a metadata key, which must fit the key's other rules. */
function readDefault(
  { problems }: CompileContext,
  key: string,
  { field, rule }: { readonly field: Field | undefined; readonly rule: MetadataRule },
): MetadataRule["default"] {
  const value = field && findScalar(field);
  if (field === undefined || value === undefined) return undefined;
  const rounded = findRoundedFault(value);
  if (rounded !== undefined)
    problems.error("default-invalid", onValue(field), `The default cannot be kept: ${rounded}.`);
  const rules = { keys: new Map([[key, rule]]), additional: false };
  const fault = findMetadataFault(rules, { next: { [key]: value }, keys: [key], present: {} });
  if (fault === undefined || fault.code === "PATTERN_NOT_LINEAR") return value;
  problems.error("default-invalid", onValue(field), `The default does not fit the other rules. ${fault.reason}`);
  return undefined;
}

/** Returns false, with `constraint-not-applicable`, for a constraint on another type of values. */
function isApplicable(
  { problems }: CompileContext,
  field: Field,
  { type, wanted }: { readonly type: MetadataRule["type"]; readonly wanted: "string" | "number" },
): boolean {
  if (type === undefined || type === wanted) return true;
  const values = wanted === "string" ? "texts" : "numbers";
  const message = `${field.path.at(-1)} is for ${values}, and this key is a ${type}.`;
  problems.error("constraint-not-applicable", onKey(field), message);
  return false;
}

/**
 * Reads the `pattern` of a metadata key, in JavaScript's syntax with the flag `u`, if it can be searched in linear
 * time.
 */
function readPattern(
  context: CompileContext,
  field: Field | undefined,
  type: MetadataRule["type"],
): MetadataRule["pattern"] {
  const source = findText(field);
  if (field === undefined || !isApplicable(context, field, { type, wanted: "string" }) || source === undefined) {
    return undefined;
  }
  const refuse = (code: string, message: string) => context.problems.error(code, onValue(field), message);
  if (source.length > MAX_PATTERN) {
    refuse("pattern-invalid", `The pattern has ${source.length} characters; ${MAX_PATTERN} are allowed.`);
    return undefined;
  }
  try {
    const pattern = createMetadataPattern(source);
    // Stacks on a kept revision continue: `decide` refuses the values that the pattern would have to match.
    if (pattern.kind === "linear" || context.isKept) return pattern;
    const why = `The pattern uses ${pattern.construct}, which cannot be searched in linear time.`;
    refuse("pattern-not-linear", `${why} Rewrite the pattern without it.`);
  } catch (cause) {
    const why = cause instanceof Error ? ` ${cutText(cause.message, 200)}.` : "";
    refuse("pattern-invalid", `${quote(source)} is not a regular expression.${why}`);
  }
  return undefined;
}

/** Reads the `enum` of a metadata key: scalars of its type. */
function readEnum(
  { problems }: CompileContext,
  field: Field | undefined,
  type: MetadataRule["type"],
): MetadataRule["enum"] {
  const values = toItems(field).flatMap((item) => {
    const value = findScalar(item);
    if (value === undefined || value === null) return [];
    if (type === undefined || typeof value === type) return [value];
    const message = `A value of this enum must be a ${type}, but it is ${describe(item.node)}.`;
    problems.error("enum-invalid", onValue(item), message);
    return [];
  });
  return values.length > 0 ? values : undefined;
}

/** Reads `minimum` and `maximum` of a metadata key, both inclusive. */
function readRange(context: CompileContext, rule: Field, type: MetadataRule["type"]) {
  const [minimum, maximum] = ["minimum", "maximum"].map((key) => {
    const field = findField(rule, key);
    const value = field && findScalar(field);
    const isUsable = field && isApplicable(context, field, { type, wanted: "number" });
    return isUsable && isNumberOfJson(value) ? value : undefined;
  });
  const last = findField(rule, "maximum");
  if (last && minimum !== undefined && maximum !== undefined && minimum > maximum) {
    context.problems.error("range-empty", onValue(last), `No number is at least ${minimum} and at most ${maximum}.`);
  }
  return { minimum, maximum };
}
