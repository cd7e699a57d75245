import { type Static, type TObjectOptions, type TProperties, type TSchema, Type } from "typebox";
import { Check } from "typebox/value";
import { type CompileContext, onKey, onMissing, onValue, suggestOrList } from "./compile-context.ts";
import {
  type Field,
  findField,
  findText,
  isListField,
  isMapField,
  isNull,
  type TreeNode,
  toFields,
  toItems,
} from "./tree.ts";
import { describe, quote } from "./wording.ts";

/** A problem without its position. */
export interface Fault {
  readonly code: string;
  readonly message: string;
}

/** The rule by which a document's reader reports values that do not fit a part of the schema. */
interface StructureRule {
  /** Returns the fault of a value that does not fit the schema. Undefined: a later rule of the reader reports it. */
  readonly misfit?: (field: Field) => Fault | undefined;
  /** Replaces the check by the schema. */
  readonly check?: (field: Field) => Fault | undefined;
  /** For a required key: its fault when it is missing or empty. */
  readonly missing?: Fault;
  /** For a map with fixed keys. */
  readonly closed?: ClosedKeys;
  /** Returns the fault of a name, for a map with names as keys. */
  readonly name?: (name: string) => Fault | undefined;
}

/** The code of an unknown key, and the noun for the map, such as `a state`. */
interface ClosedKeys {
  readonly code: string;
  readonly owner: string;
  /** Returns the end of the message for a key. Undefined: the nearest known key, or all of them. */
  readonly advise?: (key: string, known: readonly string[]) => string | undefined;
}

/** The option of a schema that contains its rule. A symbol, so that neither the published JSON nor TypeBox sees it. */
export const RULE = Symbol("structure rule");

/** Returns the schema of a map with fixed keys. */
export function closedMap<Properties extends TProperties>(
  properties: Properties,
  rule: StructureRule,
  more?: TObjectOptions,
) {
  return Type.Object(properties, { additionalProperties: false, [RULE]: rule, ...more });
}

/** Returns the schema of a map whose keys are names that fit a pattern. */
export function namedMap<Part extends TSchema>(pattern: string, part: Part, options: TObjectOptions) {
  return Type.Unsafe<Record<string, Static<Part>>>(
    Type.Object({}, { patternProperties: { [pattern]: part }, additionalProperties: false, ...options }),
  );
}

/** Returns the schema of a text that is one of a few. */
export function choice<const Names extends readonly string[]>(code: string, names: Names, description?: string) {
  const options = { [RULE]: { misfit: refuseChoice(code, names) }, ...(description && { description }) };
  return Type.Unsafe<Names[number]>(
    Type.Union(
      names.map((name) => Type.Literal(name)),
      options,
    ),
  );
}

/** The options of `must`: the name of the value, and the advice. */
interface MustOptions {
  /** The noun for the value. Default: its key. */
  readonly subject?: string;
  readonly advice?: string | ((node: TreeNode) => string);
}

/** Returns a `misfit` whose message contains the expected and the actual value. */
export function must(code: string, expected: string, { subject, advice = "" }: MustOptions = {}) {
  return ({ path, node }: Field): Fault => {
    const end = typeof advice === "string" ? advice : advice(node);
    return { code, message: `${subject ?? path.at(-1)} must be ${expected}, but it is ${describe(node)}.${end}` };
  };
}

/** Returns a `misfit` for a text that must be one of a few. */
export function refuseChoice(code: string, known: readonly string[]) {
  return (field: Field): Fault => {
    const advice = suggestOrList(findText(field) ?? "", known);
    return { code, message: `${field.path.at(-1)} cannot be ${describe(field.node)}.${advice}` };
  };
}

/** Returns advice for a number or boolean where a text is expected. */
export function adviseQuotes(node: TreeNode): string {
  const isText = node.kind !== "scalar" || node.value === null || typeof node.value === "string";
  return isText ? "" : " Write it in quotes.";
}

/** Returns advice for a text where a boolean is expected. */
export function adviseBoolean(node: TreeNode): string {
  const value = node.kind === "scalar" ? node.value : undefined;
  return value === "true" || value === "false" ? ` Write ${value} without quotes.` : "";
}

/** The keywords of JSON Schema that documents use. */
interface Grammar {
  readonly [RULE]?: StructureRule;
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Grammar[];
  readonly properties?: Readonly<Record<string, Grammar>>;
  readonly patternProperties?: Readonly<Record<string, Grammar>>;
  readonly required?: readonly string[];
  readonly items?: Grammar;
  readonly minItems?: number;
}

/** Returns the fixed keys of a map. */
export function listKeys({ properties = {} }: Grammar): readonly string[] {
  return Object.keys(properties);
}

/** A walk through one document. Aliases share lists and maps, which are visited once for each schema. */
interface Walk extends CompileContext {
  readonly visited: Map<unknown, Set<Grammar>>;
}

/**
 * Reports values that do not fit the schema: wrong kinds, unknown and missing keys, bounds. Parts without a rule are
 * not reported.
 */
export function checkStructure(context: CompileContext, schema: Grammar, field: Field): void {
  checkPart({ ...context, visited: new Map() }, schema, field);
}

function checkPart(walk: Walk, schema: Grammar, field: Field): void {
  const fault = findFault(schema, field);
  if (fault) walk.problems.error(fault.code, onValue(field), fault.message);
  else if (isListField(field) && isFirstVisit(walk, schema, field.node.items)) checkItems(walk, schema, field);
  else if (isMapField(field) && isFirstVisit(walk, schema, field.node.entries)) checkMap(walk, schema, field);
}

function isFirstVisit({ visited }: Walk, schema: Grammar, content: unknown): boolean {
  const schemas = visited.get(content) ?? new Set();
  if (schemas.has(schema)) return false;
  visited.set(content, schemas.add(schema));
  return true;
}

function findFault(schema: Grammar, field: Field): Fault | undefined {
  const { check, misfit } = schema[RULE] ?? {};
  if (check) return check(field);
  const { node } = field;
  if (node.kind === "scalar") return Check(schema, node.value) ? undefined : misfit?.(field);
  const shapes = toBranches(schema).filter(({ type }) => type === undefined || type === KINDS[node.kind]);
  if (shapes.length === 0) return misfit?.(field);
  const isShort = node.kind === "list" && shapes.every(({ minItems = 0 }) => node.items.length < minItems);
  return isShort ? misfit?.(field) : undefined;
}

const KINDS = { map: "object", list: "array" } as const;

function toBranches(schema: Grammar): readonly Grammar[] {
  return schema.anyOf ?? [schema];
}

function checkItems(walk: Walk, schema: Grammar, field: Field): void {
  const items = toBranches(schema).find((branch) => branch.items)?.items;
  if (items) for (const item of toItems(field)) checkPart(walk, items, item);
}

function checkMap(walk: Walk, schema: Grammar, field: Field): void {
  const shape = chooseShape(schema, field);
  const { closed, name: findNameFault } = shape[RULE] ?? schema[RULE] ?? {};
  const known = listKeys(shape);
  const missing = checkRequired(walk, shape, field);
  const present = [...toFields(field)].filter(([key]) => !missing.has(key));
  const parts = present.map(([key, inner]) => [findPart(shape, key, closed !== undefined), inner] as const);
  for (const [key, inner] of present.filter(([name]) => !known.includes(name))) {
    const fault = findNameFault?.(key);
    if (fault) walk.problems.error(fault.code, onKey(inner), fault.message);
    if (closed && !findPart(shape, key, true)) reportUnknown(walk, inner, { key, known, closed });
  }
  for (const [part, inner] of parts) if (part) checkPart(walk, part, inner);
}

/** Returns the schema of a key's value. In a map with names as keys, also that of a key with a faulty name. */
function findPart(
  { properties = {}, patternProperties = {} }: Grammar,
  key: string,
  isClosed: boolean,
): Grammar | undefined {
  if (Object.hasOwn(properties, key)) return properties[key];
  return Object.entries(patternProperties).find(([pattern]) => !isClosed || new RegExp(pattern, "u").test(key))?.[1];
}

/** Reports the required keys without a value, and returns them. */
function checkRequired({ problems }: CompileContext, { required = [], properties }: Grammar, map: Field): Set<string> {
  const missing = new Set<string>();
  for (const key of required) {
    const fault = properties?.[key]?.[RULE]?.missing;
    const field = findField(map, key);
    if (fault === undefined || (field && !isNull(field))) continue;
    missing.add(key);
    problems.error(fault.code, field ? onValue(field) : onMissing(map, key), fault.message);
  }
  return missing;
}

interface UnknownKey {
  readonly key: string;
  readonly known: readonly string[];
  readonly closed: ClosedKeys;
}

function reportUnknown({ problems }: CompileContext, field: Field, { key, known, closed }: UnknownKey): void {
  // Tools with YAML 1.1 read the key `on` as true, and write it so.
  const isOn = key.toLowerCase() === "true" && known.includes("on");
  const advice = isOn ? " Write on." : (closed.advise?.(key, known) ?? suggestOrList(key, known));
  problems.error(closed.code, onKey(field), `Unknown key ${quote(key)} in ${closed.owner}.${advice}`);
}

/** Reports every key that is not among the known ones. */
export function checkKeys(
  context: CompileContext,
  map: Field,
  { known, ...closed }: ClosedKeys & Pick<UnknownKey, "known">,
): void {
  for (const [key, field] of toFields(map)) {
    if (!known.includes(key)) reportUnknown(context, field, { key, known, closed });
  }
}

/**
 * Returns the branch of a union that a map is checked against: the one whose constant, such as `action: advance`, is in
 * the map; otherwise all of them as one, so that a misspelt constant does not make the other keys unknown.
 */
function chooseShape(schema: Grammar, map: Field): Grammar {
  const branches = toBranches(schema).filter(({ type }) => type === "object");
  const [only, ...others] = branches;
  if (only && others.length === 0) return only;
  const chosen = branches.find(({ properties = {} }) =>
    Object.entries(properties).some(([key, part]) => {
      const field = part.const === undefined ? undefined : findField(map, key);
      return field !== undefined && findText(field) === part.const;
    }),
  );
  return chosen ?? joinBranches(branches);
}

function joinBranches(branches: readonly Grammar[]): Grammar {
  const properties: Record<string, Grammar> = {};
  for (const [key, part] of branches.flatMap((branch) => Object.entries(branch.properties ?? {}))) {
    const before = properties[key];
    properties[key] = before && part.const !== undefined ? joinConstants(before, part) : part;
  }
  const required = Object.keys(properties).filter((key) => branches.every((branch) => branch.required?.includes(key)));
  return withRule({ properties, required }, branches[0]?.[RULE]);
}

function joinConstants(before: Grammar, part: Grammar): Grammar {
  return withRule({ anyOf: [...toBranches(before), part] }, before[RULE] ?? part[RULE]);
}

function withRule(grammar: Grammar, rule: StructureRule | undefined): Grammar {
  return rule ? { ...grammar, [RULE]: rule } : grammar;
}
