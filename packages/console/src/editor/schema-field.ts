import { defined, isMap } from "@stackyard/core";
import type { Plain } from "../machine/edits/operation.ts";
import type { JsonSchema } from "../machine/messages.ts";

/** The form in which the value of a field is entered. */
export type Shape =
  /** True or false. */
  | { readonly kind: "flag" }
  | { readonly kind: "choice"; readonly options: readonly Scalar[] }
  /** A text, number, boolean or null, as far as `types` has them. Offers are suggested, other texts are possible. */
  | { readonly kind: "scalar"; readonly types: ReadonlySet<string>; readonly offers: readonly Scalar[] }
  | { readonly kind: "list"; readonly item: JsonSchema }
  /** A map with any names as keys. */
  | { readonly kind: "map"; readonly entry: JsonSchema }
  /** A map with fixed keys: one of these schemas describes it. */
  | { readonly kind: "group"; readonly schemas: readonly JsonSchema[] }
  | { readonly kind: "any" };

type Scalar = string | number | boolean | null;

/** A field that a schema has: one key of a map. */
export interface SchemaField {
  readonly key: string;
  readonly schema: JsonSchema;
  readonly label: string;
  /** The unit of the numbers, where the name of the key ends with it: `MB` of `memoryMb`. */
  readonly unit?: string;
  /** The meaning of the value, its bounds and its form, in sentences. */
  readonly help: string;
  /** The value without an entry, in words. */
  readonly fallback?: string;
  readonly isRequired: boolean;
}

const MAX_DEPTH = 16;

/** Follows references within the root, and joins what `allOf` lists. */
export function resolveSchema(schema: JsonSchema, root: JsonSchema, depth = 0): JsonSchema {
  if (depth > MAX_DEPTH) return {};
  const { $ref, allOf, ...own } = schema;
  const parts = [...($ref === undefined ? [] : [findReferred(root, $ref)]), ...(allOf ?? [])];
  return parts.map((part) => resolveSchema(part, root, depth + 1)).reduceRight(joinSchemas, own);
}

function joinSchemas(under: JsonSchema, over: JsonSchema): JsonSchema {
  const required = [...new Set([...(over.required ?? []), ...(under.required ?? [])])];
  const properties = { ...over.properties, ...under.properties };
  return {
    ...over,
    ...under,
    ...(required.length > 0 && { required }),
    ...(Object.keys(properties).length > 0 && { properties }),
  };
}

function findReferred(root: JsonSchema, reference: string): JsonSchema {
  if (!reference.startsWith("#")) return {};
  let found: unknown = root;
  for (const part of reference.slice(1).split("/").filter(Boolean)) {
    const key = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    found = isMap(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  }
  return isMap(found) ? found : {};
}

function toBranches(schema: JsonSchema, root: JsonSchema, depth = 0): readonly JsonSchema[] {
  const resolved = resolveSchema(schema, root);
  const branches = resolved.anyOf ?? resolved.oneOf;
  // Branches that only require keys say which keys of the map go together, and not what else the value can be.
  if (branches === undefined || depth > MAX_DEPTH || branches.every(isCondition)) return [resolved];
  return branches.flatMap((branch) => toBranches(branch, root, depth + 1));
}

/** Returns the ways to enter a value of a schema. None: it may have no value. */
export function toShapes(schema: JsonSchema, root: JsonSchema): readonly Shape[] {
  const branches = toBranches(schema, root).filter(({ not }) => not === undefined || Object.keys(not).length > 0);
  const options = branches.flatMap(({ const: only, enum: many = [] }) => [only, ...many]).filter(isScalar);
  const open = branches.filter((branch) => branch.const === undefined && branch.enum === undefined);
  const types = new Set(open.flatMap(typesOf).filter((type) => SCALARS.has(type)));
  const lists = open.filter((branch) => typesOf(branch).includes("array"));
  const maps = open.filter((branch) => typesOf(branch).includes("object"));
  const groups = maps.filter(isGroup);
  const any = open.some((branch) => typesOf(branch).length === 0);
  return [
    ...toScalarShapes(types, options),
    ...lists.slice(0, 1).map(({ items = {} }): Shape => ({ kind: "list", item: items })),
    ...(groups.length > 0 ? [{ kind: "group", schemas: groups } as const] : []),
    ...maps
      .filter((branch) => !isGroup(branch))
      .slice(0, 1)
      .map((branch): Shape => ({ kind: "map", entry: toEntry(branch) })),
    ...(any ? [{ kind: "any" } as const] : []),
  ];
}

function isCondition(branch: JsonSchema): boolean {
  return branch.required !== undefined && Object.keys(branch).length === 1;
}

/** Returns the keys of which a map has exactly one. None where its schema has no such choice. */
export function findKeyChoice(schemas: readonly JsonSchema[]): readonly string[] {
  const [{ oneOf = [], properties = {} } = {}] = schemas;
  const keys = oneOf.flatMap(({ required = [] }) => required);
  const isChoice = keys.length === oneOf.length && oneOf.every(isCondition);
  return isChoice && keys.every((key) => Object.hasOwn(properties, key)) ? keys : [];
}

/** Returns what a map cannot have next to one of the keys of a choice: the others, and what is possible only with them. */
export function listReplaced(schemas: readonly JsonSchema[], chosen: string | undefined): readonly string[] {
  const others = findKeyChoice(schemas).filter((key) => key !== chosen);
  const kept = new Set(chosen === undefined ? [] : listDependents(schemas, chosen));
  const bound = others.flatMap((key) => listDependents(schemas, key)).filter((key) => !kept.has(key));
  return [...others, ...new Set(bound)];
}

function listDependents(schemas: readonly JsonSchema[], key: string): readonly string[] {
  const dependents = schemas.flatMap(({ dependentRequired = {} }) => Object.entries(dependentRequired));
  return dependents.flatMap(([dependent, needed]) => (needed.includes(key) ? [dependent] : []));
}

const SCALARS: ReadonlySet<string> = new Set(["string", "number", "integer", "boolean", "null"]);

function isScalar(value: unknown): value is Scalar {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

function typesOf({ type, properties, patternProperties, items }: JsonSchema): readonly string[] {
  if (type !== undefined) return typeof type === "string" ? [type] : type;
  if (properties !== undefined || patternProperties !== undefined) return ["object"];
  return items === undefined ? [] : ["array"];
}

/** Returns true for a key that fits a pattern. One that is invalid under the flag `u` fits no key; the server checks it. */
export function fitsPattern(pattern: string, key: string): boolean {
  try {
    return new RegExp(pattern, "u").test(key);
  } catch {
    return false;
  }
}

function isGroup({ properties = {} }: JsonSchema): boolean {
  return Object.keys(properties).length > 0;
}

function toEntry({ patternProperties = {}, additionalProperties }: JsonSchema): JsonSchema {
  const [entry] = Object.values(patternProperties);
  return entry ?? (typeof additionalProperties === "object" ? additionalProperties : {});
}

function toScalarShapes(types: ReadonlySet<string>, options: readonly Scalar[]): readonly Shape[] {
  if (types.size === 0) return options.length === 0 ? [] : [{ kind: "choice", options }];
  if (options.length === 0 && types.size === 1 && types.has("boolean")) return [{ kind: "flag" }];
  return [{ kind: "scalar", types, offers: types.has("boolean") ? [...options, true, false] : options }];
}

/** The values of a map, by key. */
export type Values = { readonly [key: string]: Plain | undefined };

/** Returns a value as a map; other values have no keys. */
export function toMap(value: Plain | undefined): Values {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as { [key: string]: Plain })
    : {};
}

/** Returns what a value of a shape begins as. */
export function toEmpty(shape: Shape | undefined): Plain {
  if (shape?.kind === "list") return [];
  if (shape?.kind === "map" || shape?.kind === "group") return {};
  return shape?.kind === "flag" ? false : "";
}

/** Returns the shape that a value has; without a value, the first one. */
export function matchShape(shapes: readonly Shape[], value: Plain | undefined): Shape | undefined {
  const found = shapes.find(({ kind }) => {
    if (value === undefined || kind === "any") return true;
    if (Array.isArray(value)) return kind === "list";
    if (isMap(value)) return kind === "group" || kind === "map";
    return kind === "flag" ? typeof value === "boolean" : kind === "scalar" || kind === "choice";
  });
  return found ?? (shapes.length === 0 ? undefined : { kind: "any" });
}

/**
 * Returns the keys of a map that one of the schemas describes: of that one whose constants, such as `action: advance`,
 * the value has, otherwise of all of them.
 */
export function listFields(schemas: readonly JsonSchema[], value: Plain | undefined, root: JsonSchema) {
  const chosen = schemas.find((schema) => fitsConstants(schema, value)) ?? schemas.reduce(joinChoices);
  return Object.entries(chosen.properties ?? {}).map(([key, inner]) =>
    toField(key, resolveSchema(inner, root), chosen.required?.includes(key) ?? false),
  );
}

function fitsConstants({ properties = {} }: JsonSchema, value: Plain | undefined): boolean {
  const constants = Object.entries(properties).filter(([, inner]) => inner.const !== undefined);
  return isMap(value) && constants.length > 0 && constants.every(([key, inner]) => value[key] === inner.const);
}

/** Joins two schemas of one map: a key of both may have a value of either. */
function joinChoices(one: JsonSchema, other: JsonSchema): JsonSchema {
  const both = Object.entries(other.properties ?? {}).map(([key, inner]): [string, JsonSchema] => {
    const before = one.properties?.[key];
    const isSame = before === undefined || JSON.stringify(before) === JSON.stringify(inner);
    return [key, isSame ? inner : { ...defined({ title: inner.title }), anyOf: [before, inner] }];
  });
  const required = (one.required ?? []).filter((key) => other.required?.includes(key));
  return { properties: { ...one.properties, ...Object.fromEntries(both) }, required };
}

function toField(key: string, schema: JsonSchema, isRequired: boolean): SchemaField {
  const { words, unit } = splitUnit(key);
  const fallback = toFallback(schema);
  return {
    key,
    schema,
    label: schema.title ?? words,
    help: toHelp(schema),
    isRequired,
    ...defined({ unit, fallback }),
  };
}

/** Returns a field of a map that a schema other than that of the map describes. It has to be given. */
export function toKeyField(key: string, schema: JsonSchema): SchemaField {
  return toField(key, resolveSchema(schema, schema), true);
}

/** The units that end the names of keys, as this project names them: `leaseMs`, `maxBytes`. */
const UNITS: Readonly<Record<string, string>> = {
  ms: "ms",
  seconds: "s",
  minutes: "min",
  hours: "h",
  days: "days",
  bytes: "bytes",
  kb: "kB",
  mb: "MB",
  gb: "GB",
  percent: "%",
};

function splitUnit(key: string): { readonly words: string; readonly unit?: string } {
  const words = toWords(key);
  const last = words.at(-1)?.toLowerCase() ?? "";
  const unit = words.length > 1 && Object.hasOwn(UNITS, last) ? UNITS[last] : undefined;
  return { words: toSentence(unit === undefined ? words : words.slice(0, -1)), ...defined({ unit }) };
}

function toWords(key: string): readonly string[] {
  return key
    .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2")
    .split(/[\s_-]+/)
    .filter(Boolean);
}

function toSentence(words: readonly string[]): string {
  const text = words.map((word) => (/^[A-Z\d]+$/.test(word) ? word : word.toLowerCase())).join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Returns the label of a key for people: `agentTimeout` is `Agent timeout`. */
export function toKeyLabel(key: string): string {
  return toSentence(toWords(key));
}

/** The value without an entry: of the schema, or as its description ends, `Default: 10m`. */
function toFallback({ default: value, description = "" }: JsonSchema): string | undefined {
  if (value !== undefined) return typeof value === "string" ? value : JSON.stringify(value);
  const [, code, words] = /Default: (?:`([^`]+)`|(.+?))(?:[.;](?:\s|$)|$)/.exec(description) ?? [];
  return code ?? words;
}

function toHelp({ description = "", expected, minimum, maximum, pattern }: JsonSchema): string {
  return [
    description.replaceAll("`", ""),
    expected === undefined ? toUnitsOf(pattern) : `Enter ${expected}`,
    toBounds(minimum, maximum),
  ]
    .filter((part) => part !== "")
    .map((part) => (/[.!?]$/.test(part) ? part : `${part}.`))
    .join(" ");
}

/** Returns the units of a pattern for a number with a unit, such as `^[1-9][0-9]*(?:s|m)$`. */
function toUnitsOf(pattern = ""): string {
  const units = /^\^\[1-9\].*\((?:\?:)?((?:[a-z]+\|)+[a-z]+)\)\$$/.exec(pattern)?.[1]?.split("|");
  return units === undefined ? "" : `A number with a unit: ${units.slice(0, -1).join(", ")} or ${units.at(-1)}`;
}

function toBounds(minimum: number | undefined, maximum: number | undefined): string {
  // A bound that no person reaches says nothing.
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined;
  if (minimum !== undefined && most !== undefined) return `From ${minimum} to ${most}`;
  if (minimum !== undefined) return `At least ${minimum}`;
  return most === undefined ? "" : `At most ${most}`;
}

/** Returns a flag's value where the document has none. */
export function isOnByDefault({ fallback }: SchemaField): boolean {
  return fallback !== undefined && /^true\b/i.test(fallback);
}
