import type { TSchema } from "typebox";

/** Where a value stands whose content is not known yet: there, or at the keys that lead to it. */
export type Opening = "here" | ReadonlyMap<string, Opening>;

/**
 * A schema that takes anything at the openings and asks of the rest what it did. Where a rule of a map or list can only be
 * judged as a whole, such as `not` or a reference, it asks nothing of the way to an opening.
 */
export function relaxSchema(schema: TSchema, opening: Opening): TSchema {
  return relax(schema, opening);
}

function relax(schema: unknown, opening: Opening): object {
  if (opening === "here") return {};
  if (!isObject(schema)) return schema === false ? { not: {} } : {};
  if ("$ref" in schema || "$dynamicRef" in schema) return {};
  const relaxed = Object.entries(schema).flatMap(([keyword, rule]) => {
    if (DROPPED.has(keyword)) return [];
    return [relaxKeyword(schema, { keyword, rule, opening })];
  });
  return Object.fromEntries(relaxed);
}

// What looks at a value as a whole. "~" keywords are checks in code, which expect values that have their types.
const DROPPED: ReadonlySet<string> = new Set(
  "not if then else const enum uniqueItems contains dependentSchemas unevaluatedProperties unevaluatedItems ~refine ~codec".split(
    " ",
  ),
);

interface KeywordInput {
  readonly keyword: string;
  readonly rule: unknown;
  readonly opening: ReadonlyMap<string, Opening>;
}

function relaxKeyword(schema: object, { keyword, rule, opening }: KeywordInput): readonly [string, unknown] {
  switch (keyword) {
    case "anyOf":
    case "allOf":
      return [keyword, toList(rule).map((branch) => relax(branch, opening))];
    case "oneOf":
      // With less to tell them apart, several may fit.
      return ["anyOf", toList(rule).map((branch) => relax(branch, opening))];
    case "prefixItems":
      return [keyword, relaxItems(toList(rule), opening)];
    case "properties":
      return [keyword, mapValues(rule, (key, inner) => relaxAt(inner, opening.get(key)))];
    case "patternProperties":
      return [keyword, mapValues(rule, (pattern, inner) => relaxAll(inner, matching(opening, pattern)))];
    case "items":
      return [keyword, Array.isArray(rule) ? relaxItems(rule, opening) : relaxAll(rule, opening.values())];
    case "additionalProperties":
      return [keyword, rule === false ? rule : relaxAll(rule, findAdditional(schema, opening))];
    default:
      return [keyword, rule];
  }
}

function relaxItems(items: readonly unknown[], opening: ReadonlyMap<string, Opening>): readonly unknown[] {
  return items.map((item, index) => relaxAt(item, opening.get(String(index))));
}

function relaxAt(schema: unknown, opening: Opening | undefined): unknown {
  return opening === undefined ? schema : relax(schema, opening);
}

function relaxAll(schema: unknown, openings: Iterable<Opening>): unknown {
  let relaxed = schema;
  for (const opening of openings) relaxed = relax(relaxed, opening);
  return relaxed;
}

function matching(opening: ReadonlyMap<string, Opening>, pattern: string): readonly Opening[] {
  const search = new RegExp(pattern, "u");
  return [...opening].flatMap(([key, inner]) => (search.test(key) ? [inner] : []));
}

function findAdditional(schema: object, opening: ReadonlyMap<string, Opening>): readonly Opening[] {
  const named = "properties" in schema && isObject(schema.properties) ? schema.properties : {};
  const patterns = "patternProperties" in schema && isObject(schema.patternProperties) ? schema.patternProperties : {};
  return [...opening].flatMap(([key, inner]) => {
    const isKnown = Object.hasOwn(named, key) || Object.keys(patterns).some((text) => new RegExp(text, "u").test(key));
    return isKnown ? [] : [inner];
  });
}

function mapValues(map: unknown, convert: (key: string, value: unknown) => unknown): unknown {
  if (!isObject(map)) return map;
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, convert(key, value)]));
}

function toList(rule: unknown): readonly unknown[] {
  return Array.isArray(rule) ? rule : [];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
