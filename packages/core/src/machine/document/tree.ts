/** A place in a document; both from 1. Documents given as values have no places: everything is at 1, 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A map of a document. Keys are texts, in the order of the document, merges resolved. */
export interface MapNode {
  readonly kind: "map";
  readonly at: Place;
  readonly entries: ReadonlyMap<string, Entry>;
}

/** A value of a map, and the place of its key. */
export interface Entry {
  readonly keyAt: Place;
  readonly value: TreeNode;
}

/** A list of a document. */
interface ListNode {
  readonly kind: "list";
  readonly at: Place;
  readonly items: readonly TreeNode[];
}

/** A text, number, boolean or null. `plain` is what an unquoted YAML scalar looks like in the source. */
export interface ScalarNode {
  readonly kind: "scalar";
  readonly at: Place;
  readonly value: string | number | boolean | null;
  readonly plain?: string;
}

/**
 * A document as plain data with positions. Values behind an alias are shared, not copied, so walk it only where the
 * reader has bounded its expanded size.
 */
export type TreeNode = MapNode | ListNode | ScalarNode;

/** The keys that lead to a value. */
export type Path = readonly string[];

/** A value of the document with its path; `keyAt` is the place of its key, in lists of the value itself. */
export interface Field<Node extends TreeNode = TreeNode> {
  readonly path: Path;
  readonly keyAt: Place;
  readonly node: Node;
}

/** Returns true when the field contains a map. */
export function isMapField(field: Field): field is Field<MapNode> {
  return field.node.kind === "map";
}

/** Returns true when the field contains a list. */
export function isListField(field: Field): field is Field<ListNode> {
  return field.node.kind === "list";
}

/** Returns true when the field is null, explicitly or because its key has no value. */
export function isNull(field: Field): boolean {
  return field.node.kind === "scalar" && field.node.value === null;
}

/** Returns the field's text; undefined when it is anything else. */
export function findText(field: Field | undefined): string | undefined {
  return field?.node.kind === "scalar" && typeof field.node.value === "string" ? field.node.value : undefined;
}

/** Returns the field's scalar, null included; undefined for maps, lists and numbers that JSON does not have. */
export function findScalar({ node }: Field): ScalarNode["value"] | undefined {
  if (node.kind !== "scalar") return undefined;
  return typeof node.value !== "number" || isNumberOfJson(node.value) ? node.value : undefined;
}

/** Returns true for numbers that JSON can represent. */
export function isNumberOfJson(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Returns the value under one key; undefined when the field is not a map. */
export function findField(map: Field | undefined, key: string): Field | undefined {
  const entry = map?.node.kind === "map" ? map.node.entries.get(key) : undefined;
  return map && entry && { path: [...map.path, key], keyAt: entry.keyAt, node: entry.value };
}

/** Returns all values of a map, by key; empty when the field is not a map. */
export function toFields(map: Field | undefined): ReadonlyMap<string, Field> {
  const fields = new Map<string, Field>();
  if (map?.node.kind !== "map") return fields;
  for (const [key, entry] of map.node.entries) {
    fields.set(key, { path: [...map.path, key], keyAt: entry.keyAt, node: entry.value });
  }
  return fields;
}

/** Returns all values of a list; empty when the field is not a list. */
export function toItems(list: Field | undefined): readonly Field[] {
  if (list?.node.kind !== "list") return [];
  return list.node.items.map((node, index) => ({ path: [...list.path, String(index)], keyAt: node.at, node }));
}

/** A text of a list, and its field. */
export interface TextItem {
  readonly text: string;
  readonly field: Field;
}

/** Returns the texts of a list that are not empty. */
export function toTextItems(list: Field | undefined): readonly TextItem[] {
  return toItems(list).flatMap((field) => {
    const text = findText(field);
    return text ? [{ text, field }] : [];
  });
}

/** Returns the flag under a key: false when it is missing, undefined when it is not a boolean. */
export function findFlag(map: Field, key: string): boolean | undefined {
  const field = findField(map, key);
  if (field === undefined) return false;
  return field.node.kind === "scalar" && typeof field.node.value === "boolean" ? field.node.value : undefined;
}

/**
 * Returns the value as JSON: numbers that JSON does not have become null. Every key becomes an own property, so
 * `__proto__` is data like any other.
 */
export function toValue(node: TreeNode): unknown {
  if (node.kind === "list") return node.items.map(toValue);
  if (node.kind === "map") return toRecord(node);
  return typeof node.value === "number" && !Number.isFinite(node.value) ? null : node.value;
}

/** Returns a map as `toValue` does. */
export function toRecord(map: MapNode): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...map.entries].map(([key, entry]) => [key, toValue(entry.value)]));
}

/** Returns the field at a path below another one; if the path ends early, the last existing field. */
export function findInside(field: Field, path: Path): Field {
  let inner = field;
  for (const key of path) {
    const next = findField(inner, key) ?? toItems(inner)[Number(key)];
    if (next === undefined) return inner;
    inner = next;
  }
  return inner;
}

/** Returns the JSON of a tree with sorted keys and no spaces: equal documents have equal texts. */
export function toCanonicalJson(node: TreeNode): string {
  if (node.kind === "scalar") return JSON.stringify(node.value);
  if (node.kind === "list") return `[${node.items.map(toCanonicalJson).join(",")}]`;
  const entries = [...node.entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, { value }]) => `${JSON.stringify(key)}:${toCanonicalJson(value)}`).join(",")}}`;
}
