import { isMergeKey, toKeyText, YAML_OPTIONS } from "@stackyard/core/machine";
import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  Parser,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { EditRefused, type Path, type Range } from "./operation.ts";

/** A value of a document. An alias is the same object as its anchored value. */
export type Item = MapItem | ListItem | ScalarItem;

interface Base {
  /** Where it is written, through no alias and no merge key. */
  readonly path: Path;
  readonly range: Range;
  readonly anchor: string | undefined;
}

/** A map; `merges` are the values of its merge keys, in order. */
export interface MapItem extends Base {
  readonly kind: "map";
  readonly node: YAMLMap;
  /** Its keys with their values, merge keys too, in the order of the text. */
  readonly members: readonly Member[];
  readonly entries: readonly Entry[];
  readonly merges: readonly Item[];
}

/** A list. */
export interface ListItem extends Base {
  readonly kind: "list";
  readonly node: YAMLSeq;
  readonly items: readonly Element[];
}

/** A text, number, boolean or null; null too where nothing is written. */
export interface ScalarItem extends Base {
  readonly kind: "scalar";
  readonly node: Scalar | undefined;
  readonly value: string | number | boolean | null;
}

/** A value at its place. */
export interface Element {
  readonly value: Item;
  /** The alias by which it appears here. */
  readonly alias: Range | undefined;
}

/** A key of a map with its value; it may be a merge key. */
export interface Member extends Element {
  readonly keyRange: Range;
  readonly pair: Pair;
  /** Where it is written. */
  readonly path: Path;
}

/** A key of a map with its value. */
export interface Entry extends Member {
  readonly key: string;
  readonly keyNode: Scalar;
}

/** A parsed text. */
export interface Source {
  readonly text: string;
  readonly root: MapItem;
  /** Where aliases of an anchor stand. */
  readonly aliases: ReadonlyMap<string, readonly Range[]>;
}

const OPTIONS = { ...YAML_OPTIONS, keepSourceTokens: true } as const;

/**
 * Parses a text without its byte order mark.
 *
 * @throws EditRefused `edit-syntax` when it is not one YAML document with a map.
 */
export function readSource(text: string): Source {
  const documents: Document.Parsed[] = [];
  for (const document of new Composer(OPTIONS).compose(new Parser().parse(text), true, text.length)) {
    documents.push(document);
    if (documents.length === 2) break;
  }
  const [document, second] = documents;
  const [fault] = document?.errors ?? [];
  if (fault !== undefined) {
    throw new EditRefused("edit-syntax", fault.message, { place: { from: fault.pos[0], to: fault.pos[1] } });
  }
  if (document === undefined || second !== undefined) {
    throw new EditRefused("edit-syntax", "The text must be one YAML document.");
  }
  const reading: Reading = { anchors: new Map(), aliases: new Map() };
  const root = readNode(reading, document.contents, { path: [], at: 0 }).value;
  if (root.kind === "map") return { text, root, aliases: reading.aliases };
  throw new EditRefused("edit-syntax", "A machine is a map.", { place: root.range });
}

interface Reading {
  readonly anchors: Map<string, Item | "open">;
  readonly aliases: Map<string, Range[]>;
}

interface Position {
  readonly path: Path;
  /** Where to point when nothing is written. */
  readonly at: number;
}

function readNode(reading: Reading, node: unknown, position: Position): Element {
  if (isAlias(node)) {
    const range = toRange(node, position.at);
    const target = reading.anchors.get(node.source);
    if (target === undefined || target === "open") {
      const message = `The alias *${node.source} refers to no complete anchor before it.`;
      throw new EditRefused("edit-syntax", message, { place: range });
    }
    reading.aliases.set(node.source, [...(reading.aliases.get(node.source) ?? []), range]);
    return { value: target, alias: range };
  }
  const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined;
  if (anchor !== undefined) reading.anchors.set(anchor, "open");
  const value = readValue(reading, node, { ...position, anchor });
  if (anchor !== undefined) reading.anchors.set(anchor, value);
  return { value, alias: undefined };
}

function readValue(
  reading: Reading,
  node: unknown,
  { path, at, anchor }: Position & { readonly anchor: string | undefined },
): Item {
  const base = { path, range: toRange(node, at), anchor };
  if (isMap(node)) return { kind: "map", node, ...base, ...readEntries(reading, node, path) };
  if (isSeq(node)) {
    const items = node.items.map((item, index) =>
      readNode(reading, item, { path: [...path, index], at: base.range.from }),
    );
    return { kind: "list", node, items, ...base };
  }
  const scalar = isScalar(node) ? node : undefined;
  return { kind: "scalar", node: scalar, value: toValue(scalar), ...base };
}

function readEntries(reading: Reading, map: YAMLMap, path: Path): Pick<MapItem, "members" | "entries" | "merges"> {
  const members: Member[] = [];
  const entries: Entry[] = [];
  const merges: Item[] = [];
  for (const pair of map.items) {
    const { key: keyNode } = pair;
    const keyRange = toRange(keyNode, 0);
    const key = toKeyText(keyNode);
    const read = (last: string): Member => {
      const here = [...path, last];
      return { keyRange, pair, path: here, ...readNode(reading, pair.value, { path: here, at: keyRange.to }) };
    };
    if (isMergeKey(keyNode)) {
      const member = read(`<<${merges.length}`);
      members.push(member);
      merges.push(member.value);
    } else if (isScalar(keyNode) && key !== undefined) {
      const entry = { key, keyNode, ...read(key) };
      members.push(entry);
      entries.push(entry);
    } else {
      throw new EditRefused("edit-syntax", "A key must be a plain text.", { place: keyRange });
    }
  }
  return { members, entries, merges };
}

function toValue(node: Scalar | undefined): ScalarItem["value"] {
  const value = node?.value ?? null;
  return value === null || typeof value === "number" || typeof value === "boolean" ? value : String(value);
}

function toRange(node: unknown, at: number): Range {
  const range = (node as Node | null | undefined)?.range;
  return range ? { from: range[0], to: range[1] } : { from: at, to: at };
}

/** Returns the sources of a map's merge keys, in the order of precedence. */
export function listMerged({ merges }: MapItem): readonly MapItem[] {
  return merges
    .flatMap((merged) => (merged.kind === "list" ? merged.items.map(({ value }) => value) : [merged]))
    .filter((merged) => merged.kind === "map");
}

/** Returns the entry of a key: the map's own first one, else the first from a merge. */
export function findEntry(map: MapItem, key: string): { readonly entry: Entry; readonly owner: MapItem } | undefined {
  const own = map.entries.find((entry) => entry.key === key);
  if (own !== undefined) return { entry: own, owner: map };
  for (const source of listMerged(map)) {
    const found = findEntry(source, key);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Returns the value of a key, also one from a merge. */
export function valueAt(item: Item | undefined, key: string): Item | undefined {
  return item?.kind === "map" ? findEntry(item, key)?.entry.value : undefined;
}

/** Returns the value of a key when it is a map. */
export function mapAt(item: Item | undefined, key: string): MapItem | undefined {
  const value = valueAt(item, key);
  return value?.kind === "map" ? value : undefined;
}

/** Returns all entries of a map, merged ones included, each key once. */
export function allEntries(map: MapItem): readonly Entry[] {
  const found = new Map(ownEntries(map).map((entry) => [entry.key, entry]));
  for (const source of listMerged(map)) {
    for (const entry of allEntries(source)) if (!found.has(entry.key)) found.set(entry.key, entry);
  }
  return [...found.values()];
}

/** Returns the first entry of each key of a map and of all that it merges, also of keys that it overrides. */
export function everyEntry(map: MapItem): readonly Entry[] {
  return [...ownEntries(map), ...listMerged(map).flatMap(everyEntry)];
}

/** Returns the entries of a map itself; of a duplicate key, the first one. */
export function ownEntries({ entries }: MapItem): readonly Entry[] {
  const first = new Map(entries.toReversed().map((entry) => [entry.key, entry]));
  return entries.filter((entry) => first.get(entry.key) === entry);
}

/** Returns the members of a map or list, in the order of the text. */
export function membersOf(item: Item): readonly (Element | Member)[] {
  if (item.kind === "scalar") return [];
  return item.kind === "map" ? item.members : item.items;
}

/** Returns the value written at a path, not through an alias or a merge key. */
export function itemAt(source: Source, path: Path): Item | undefined {
  return path.length === 0 ? source.root : elementAt(source, path)?.value;
}

/** Returns the member of a map or list written at a path. */
export function elementAt(source: Source, path: Path): Element | undefined {
  const owner = itemAt(source, path.slice(0, -1));
  const key = path.at(-1);
  if (owner?.kind === "list") return owner.items[Number(key)];
  if (owner?.kind !== "map") return undefined;
  return owner.entries.find((entry) => entry.key === key) ?? owner.members.find((each) => each.path.at(-1) === key);
}

/** Returns the entry written at a path. */
export function entryAt(source: Source, path: Path): Entry | undefined {
  const map = itemAt(source, path.slice(0, -1));
  return map?.kind === "map" ? map.entries.find(({ key }) => key === path.at(-1)) : undefined;
}
