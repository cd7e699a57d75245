import { findMetadataFault } from "../decide/metadata.ts";
import { createMetadataPattern, MAX_PATTERN } from "../decide/metadata-pattern.ts";
import { checkKeys } from "../document/check-document.ts";
import { type CompileContext, onKey, onValue, suggestOrList } from "../document/compile-context.ts";
import {
  type Field,
  findField,
  findScalar,
  findText,
  isListField,
  isMapField,
  isNumberOfJson,
  type MapNode,
  toFields,
  toItems,
} from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import type { PlaceMetadata } from "../expression/expression.ts";
import type { MetadataRule } from "../machine.ts";
import type { MetadataValue } from "../stack.ts";
import { checkDescription, readFlag } from "./read-fields.ts";

/** What a document says about its metadata; rules with a fault are in it as far as they could be read. */
export interface MetadataDraft {
  readonly rules: ReadonlyMap<string, MetadataRule>;
  /** What expressions need to know of it. */
  readonly place: PlaceMetadata;
}

/** The rules under `metadata`, and whether there may be other keys. */
export function readMetadata(context: CompileContext, root: Field<MapNode>): MetadataDraft {
  const flag = { key: "additionalMetadata", absent: true, code: "flag-not-boolean" };
  const additional = readFlag(context, root, flag) ?? true;
  const field = findField(root, "metadata");
  const rules = field === undefined ? new Map<string, MetadataRule>() : readRules(context, field);
  const sensitive = [...(rules ?? [])].flatMap(([key, rule]) => (rule.sensitive ? [key] : []));
  return {
    rules: rules ?? new Map(),
    // Where the keys could not be read, none is unknown.
    place: { declared: new Set(rules?.keys()), sensitive: new Set(sensitive), additional: additional || !rules },
  };
}

/** Refuses a key that stacks of this machine cannot have. */
export function checkDeclared({ problems }: CompileContext, key: Field, name: string, { place }: MetadataDraft): void {
  if (place.additional || place.declared.has(name)) return;
  problems.error("metadata-undeclared", onKey(key), tellUndeclared(name));
}

function tellUndeclared(name: string): string {
  return `${quote(name)} is not declared in metadata, and additionalMetadata is false.`;
}

function readRules(context: CompileContext, field: Field): ReadonlyMap<string, MetadataRule> | undefined {
  if (!isMapField(field)) {
    const message = `metadata must be a map of keys to rules, but it is ${describe(field.node)}. Without rules leave it out.`;
    context.problems.error("metadata-not-map", onValue(field), message);
    return undefined;
  }
  return new Map([...toFields(field)].map(([key, rule]) => [key, readMetadataRule(context, key, rule)]));
}

const KEYS = [
  "type",
  "required",
  "default",
  "pattern",
  "enum",
  "minimum",
  "maximum",
  "sensitive",
  "immutable",
  "description",
];

const NO_RULE: MetadataRule = { required: false, sensitive: false, immutable: false };

/** One rule; what is faulty in it is left out. */
function readMetadataRule(context: CompileContext, key: string, field: Field): MetadataRule {
  checkKeyName(context, key, field);
  if (!isMapField(field)) {
    const message = `A metadata key must have a map such as {type: string}, but this is ${describe(field.node)}. Without rules write {}.`;
    context.problems.error("metadata-not-map", onValue(field), message);
    return NO_RULE;
  }
  checkKeys(context, field, { known: KEYS, code: "metadata-unknown-key", owner: "a metadata key" });
  checkDescription(context, field);
  const type = readType(context, findField(field, "type"));
  const constraints = {
    ...readFlags(context, field),
    ...(type !== undefined && { type }),
    ...readPattern(context, field, type),
    ...readEnum(context, field, type),
    ...readRange(context, field, type),
  };
  return { ...constraints, ...readDefault(context, field, constraints) };
}

// A key is a name in messages, files and URLs; `__proto__` is refused wherever metadata comes in.
function checkKeyName({ problems }: CompileContext, key: string, field: Field): void {
  if (key !== "" && key.length <= 255 && key !== "__proto__" && !/\p{Cc}/u.test(key)) return;
  const message = `${quote(key)} cannot be a metadata key: 1 to 255 characters, no control characters, not "__proto__".`;
  problems.error("metadata-key-invalid", onKey(field), message);
}

const TYPES = ["string", "number", "boolean"] as const;

function readType({ problems }: CompileContext, field: Field | undefined): MetadataRule["type"] {
  if (field === undefined) return undefined;
  const name = findText(field);
  const type = TYPES.find((known) => known === name);
  if (type !== undefined) return type;
  const near = suggestOrList(name ?? "", TYPES);
  problems.error(
    "metadata-type-unknown",
    onValue(field),
    `Metadata cannot be of the type ${describe(field.node)}.${near}`,
  );
  return undefined;
}

function readFlags(
  context: CompileContext,
  field: Field<MapNode>,
): Pick<MetadataRule, "required" | "sensitive" | "immutable"> {
  const read = (key: string) => readFlag(context, field, { key, absent: false, code: "flag-not-boolean" }) ?? false;
  return { required: read("required"), sensitive: read("sensitive"), immutable: read("immutable") };
}

/** The `default` of a metadata key, which must fit the key's other rules. */
function readDefault(
  { problems }: CompileContext,
  field: Field<MapNode>,
  rule: MetadataRule,
): Pick<MetadataRule, "default"> {
  const found = findField(field, "default");
  if (found === undefined) return {};
  const value = findScalar(found);
  if (value === undefined) {
    const message = `default must be a text, number, boolean or null, but it is ${describe(found.node)}.`;
    problems.error("default-invalid", onValue(found), message);
    return {};
  }
  const key = field.path.at(-1) ?? "";
  const rules = { keys: new Map([[key, rule]]), additional: false };
  const fault = findMetadataFault(rules, { next: { [key]: value }, keys: [key], present: {} });
  if (fault === undefined || fault.code === "PATTERN_NOT_LINEAR") return { default: value };
  problems.error("default-invalid", onValue(found), `The default does not fit the other rules. ${fault.reason}`);
  return {};
}

/** The `pattern` of a metadata key, in JavaScript's syntax with the flag `u`, as far as it can be searched in linear time. */
function readPattern(
  { problems, isKept }: CompileContext,
  rule: Field<MapNode>,
  type: MetadataRule["type"],
): Pick<MetadataRule, "pattern"> {
  const field = findField(rule, "pattern");
  if (field === undefined) return {};
  if (type !== undefined && type !== "string") {
    const message = `pattern is for texts, and this key is a ${type}.`;
    problems.error("constraint-not-applicable", onKey(field), message);
    return {};
  }
  const source = findText(field);
  if (source === undefined) {
    const message = `pattern must be a text, a regular expression, but it is ${describe(field.node)}.`;
    problems.error("pattern-invalid", onValue(field), message);
    return {};
  }
  if (source.length > MAX_PATTERN) {
    const message = `The pattern has ${source.length} characters; ${MAX_PATTERN} are allowed.`;
    problems.error("pattern-invalid", onValue(field), message);
    return {};
  }
  try {
    const pattern = createMetadataPattern(source);
    // Stacks on a kept revision go on: `decide` refuses what the pattern would have to judge.
    if (pattern.kind === "linear" || isKept) return { pattern };
    const message = `The pattern uses ${pattern.construct}, which cannot be searched in linear time. Rewrite the pattern without it.`;
    problems.error("pattern-not-linear", onValue(field), message);
    return {};
  } catch (cause) {
    const why = cause instanceof Error ? ` ${cause.message.slice(0, 200)}.` : "";
    problems.error("pattern-invalid", onValue(field), `${quote(source)} is no regular expression.${why}`);
    return {};
  }
}

/** The `enum` of a metadata key: scalars of its type. */
function readEnum(
  { problems }: CompileContext,
  rule: Field<MapNode>,
  type: MetadataRule["type"],
): Pick<MetadataRule, "enum"> {
  const field = findField(rule, "enum");
  if (field === undefined) return {};
  if (!isListField(field) || field.node.items.length === 0) {
    const what = isListField(field) ? "an empty list" : describe(field.node);
    problems.error(
      "enum-invalid",
      onValue(field),
      `enum must be a list of the values that are allowed, but it is ${what}.`,
    );
    return {};
  }
  const values = toItems(field).flatMap((item): readonly MetadataValue[] => {
    const value = findScalar(item);
    if (value !== undefined && value !== null && (type === undefined || typeof value === type)) return [value];
    const what = type === undefined ? "a text, number or boolean" : `a ${type}`;
    problems.error(
      "enum-invalid",
      onValue(item),
      `A value of this enum must be ${what}, but this is ${describe(item.node)}.`,
    );
    return [];
  });
  return values.length > 0 ? { enum: values } : {};
}

/** `minimum` and `maximum` of a metadata key, both inclusive. */
function readRange(
  context: CompileContext,
  rule: Field<MapNode>,
  type: MetadataRule["type"],
): Pick<MetadataRule, "minimum" | "maximum"> {
  const minimum = readBound(context, findField(rule, "minimum"), type);
  const maximum = readBound(context, findField(rule, "maximum"), type);
  if (minimum && maximum && minimum.value > maximum.value) {
    const message = `No number is at least ${minimum.value} and at most ${maximum.value}.`;
    context.problems.error("range-empty", onValue(maximum.field), message);
  }
  return { ...(minimum && { minimum: minimum.value }), ...(maximum && { maximum: maximum.value }) };
}

interface Bound {
  readonly field: Field;
  readonly value: number;
}

function readBound(
  { problems }: CompileContext,
  field: Field | undefined,
  type: MetadataRule["type"],
): Bound | undefined {
  if (field === undefined) return undefined;
  const name = field.path.at(-1);
  const value = field.node.kind === "scalar" ? field.node.value : undefined;
  if (type !== undefined && type !== "number") {
    const message = `${name} is for numbers, and this key is a ${type}.`;
    problems.error("constraint-not-applicable", onKey(field), message);
  } else if (isNumberOfJson(value)) {
    return { field, value };
  } else {
    problems.error(
      "constraint-not-applicable",
      onValue(field),
      `${name} must be a number, but it is ${describe(field.node)}.`,
    );
  }
  return undefined;
}
