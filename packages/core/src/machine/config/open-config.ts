import type { TSchema } from "typebox";
import { describeThrown } from "../../errors/stackyard-error.ts";
import { cutText } from "../cut-text.ts";
import { listSchemaFaults } from "../document/schema-faults.ts";
import type { MapNode, Place, ScalarNode, TreeNode } from "../document/tree.ts";
import type { ExecutorDefinition } from "../executor-definition.ts";
import { splitTemplate } from "../expression/compile-template.ts";
import { isMap } from "../json.ts";
import { isReference } from "../secrets.ts";

/** A config whose texts may contain expressions. */
export interface OpenConfig {
  /** The config with `$${` unescaped to `${`, except in texts with expressions. */
  readonly node: MapNode;
  /** Where texts with expressions are; undefined when the config has no expressions. */
  readonly opening: Opening | undefined;
  /** The places of those texts. */
  readonly places: ReadonlySet<Place>;
}

/** Finds the expressions in the texts of a config. */
export function openConfig(config: MapNode): OpenConfig {
  const places = new Set<Place>();
  const { node, opening } = openMap(config, places);
  return { node, opening, places };
}

interface Opened<Node extends TreeNode = TreeNode> {
  readonly node: Node;
  readonly opening: Opening | undefined;
}

function openNode(node: TreeNode, places: Set<Place>): Opened {
  if (node.kind === "map") return openMap(node, places);
  if (node.kind === "scalar") return openScalar(node, places);
  const opened = node.items.map((item) => openNode(item, places));
  return {
    node: { ...node, items: opened.map((item) => item.node) },
    opening: toOpening(opened.map(({ opening }, index) => [String(index), opening])),
  };
}

function openMap(map: MapNode, places: Set<Place>): Opened<MapNode> {
  const opened = [...map.entries].map(([key, entry]) => {
    const { node, opening } = openNode(entry.value, places);
    return { key, entry: { ...entry, value: node }, opening };
  });
  return {
    node: { ...map, entries: new Map(opened.map(({ key, entry }) => [key, entry])) },
    opening: toOpening(opened.map(({ key, opening }) => [key, opening])),
  };
}

function openScalar(node: ScalarNode, places: Set<Place>): Opened {
  if (typeof node.value !== "string" || !node.value.includes("${")) return { node, opening: undefined };
  const parts = splitTemplate(node.value);
  if (parts.every(({ kind }) => kind === "text")) {
    const value = parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
    return { node: { kind: "scalar", at: node.at, value }, opening: undefined };
  }
  places.add(node.at);
  return { node, opening: "here" };
}

function toOpening(inner: readonly (readonly [string, Opening | undefined])[]): Opening | undefined {
  const openings = inner.flatMap(([key, opening]) => (opening === undefined ? [] : [[key, opening] as const]));
  return openings.length > 0 ? new Map(openings) : undefined;
}

/**
 * Returns the fault of a resolved config, by the executor's schema, or undefined. References of
 * sensitive values, `{"$secret": …}` and `{"$concat": […]}`, are accepted in place of any scalar.
 */
export function findConfigFault({ name, config: schema }: ExecutorDefinition, config: unknown): string | undefined {
  try {
    const opening = findReferences(config);
    const [fault] = listSchemaFaults(opening === undefined ? schema : relaxSchema(schema, opening), config);
    if (fault === undefined) return undefined;
    const where = fault.path.length === 0 ? "" : `: ${fault.path.join(".")}`;
    return `The config of ${name}${where} ${fault.what}.`;
  } catch (cause) {
    const why = describeThrown(cause);
    return `The schema of the executor ${name} cannot be used: ${cutText(why, 200)}`;
  }
}

function findReferences(value: unknown): Opening | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (isReference(value)) return "here";
  const inner = Object.entries(value).flatMap(([key, item]) => {
    const opening = findReferences(item);
    return opening === undefined ? [] : [[key, opening] as const];
  });
  return inner.length > 0 ? new Map(inner) : undefined;
}

/** The position of a value with unknown content: here, or below these keys. */
export type Opening = "here" | ReadonlyMap<string, Opening>;

/**
 * Returns a schema that accepts anything at the openings and checks the rest as before. A rule of a map or list that
 * only applies as a whole, such as `not` or a reference, is dropped on the path to an opening.
 */
export function relaxSchema(schema: TSchema, opening: Opening): TSchema {
  return relax(schema, opening);
}

function relax(schema: unknown, opening: Opening): object {
  if (opening === "here") return {};
  if (!isMap(schema)) return schema === false ? { not: {} } : {};
  if ("$ref" in schema || "$dynamicRef" in schema) return {};
  const relaxed = Object.entries(schema).flatMap(([keyword, rule]) => {
    if (DROPPED.has(keyword)) return [];
    return [relaxKeyword(schema, { keyword, rule, opening })];
  });
  return Object.fromEntries(relaxed);
}

// Keywords that check a value as a whole. "~" keywords are checks in code, which expect values of their types.
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
      // A relaxed value may fit several branches.
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
  const named = "properties" in schema && isMap(schema.properties) ? schema.properties : {};
  const patterns = "patternProperties" in schema && isMap(schema.patternProperties) ? schema.patternProperties : {};
  return [...opening].flatMap(([key, inner]) => {
    const isKnown = Object.hasOwn(named, key) || Object.keys(patterns).some((text) => new RegExp(text, "u").test(key));
    return isKnown ? [] : [inner];
  });
}

function mapValues(map: unknown, convert: (key: string, value: unknown) => unknown): unknown {
  if (!isMap(map)) return map;
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, convert(key, value)]));
}

function toList(rule: unknown): readonly unknown[] {
  return Array.isArray(rule) ? rule : [];
}
