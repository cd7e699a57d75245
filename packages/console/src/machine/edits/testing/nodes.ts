import { isMergeKey, toKeyText, YAML_OPTIONS } from "@stackyard/core/machine";
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  Pair,
  parseDocument,
  Scalar,
  YAMLMap,
  YAMLSeq,
} from "yaml";
import type { Path } from "../operation.ts";
import type { Step } from "../step.ts";

// What steps mean, said once more on the nodes of the YAML library: the property compares the edited text with it.

/** Parses a text with its tokens. */
export function parse(text: string): Document.Parsed {
  return parseDocument(text, { ...YAML_OPTIONS, keepSourceTokens: true });
}

/** Returns the pair of a key of a map; `<<0` is its first merge key. */
export function findPair(owner: unknown, key: string | number | undefined): Pair | undefined {
  if (!isMap(owner)) return undefined;
  const own = owner.items.find((pair) => !isMergeKey(pair.key) && toKeyText(pair.key) === key);
  return own ?? owner.items.filter((pair) => isMergeKey(pair.key))[Number(String(key).slice(2))];
}

/** Returns the node that is written at a path; undefined where nothing is. */
export function nodeAt(document: Document, path: Path): Node | undefined {
  let node: unknown = document.contents;
  for (const key of path) node = isSeq(node) ? node.items[Number(key)] : findPair(node, key)?.value;
  return isNode(node) ? node : undefined;
}

/** Returns a value as JSON with its order: aliases are replaced by what they refer to, merge keys come last. */
export function toOrdered(document: Document): string {
  const anchors = new Map<string, unknown>();
  const read = (node: unknown): unknown => {
    if (isAlias(node)) return anchors.get(node.source);
    const value = readValue(node);
    if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined) anchors.set(node.anchor, value);
    return value;
  };
  const readValue = (node: unknown): unknown => {
    if (isSeq(node)) return node.items.map(read);
    if (!isMap(node)) return isScalar(node) ? node.value : null;
    const pairs = node.items.map(({ key, value }) => ({
      isMerge: isMergeKey(key),
      key: toKeyText(key),
      value: read(value),
    }));
    return { pairs: pairs.filter(({ isMerge }) => !isMerge), merges: pairs.filter(({ isMerge }) => isMerge) };
  };
  return JSON.stringify(read(document.contents));
}

/** Carries out a step on the nodes of a document. */
export function changeNodes(document: Document, step: Step): void {
  const owner = nodeAt(document, step.path.slice(0, -1));
  const key = step.path.at(-1);
  switch (step.kind) {
    case "set":
    case "replace":
      put(document, step.path, document.createNode(step.value));
      break;
    case "rename-key":
      Object.assign(findPair(owner, key) ?? {}, { key: new Scalar(step.to) });
      break;
    case "insert-entry":
      insertPair(document, step);
      break;
    case "insert-item": {
      const found = nodeAt(document, step.path);
      const list = isSeq(found) ? found : put(document, step.path, new YAMLSeq());
      list.items.splice(step.index, 0, document.createNode(step.value));
      break;
    }
    case "remove":
      changeMembers(owner, key);
      break;
    case "move":
      changeMembers(owner, key, step.to);
      break;
    case "to-block":
      // The same value in another form.
      break;
  }
}

function changeMembers(owner: unknown, key: string | number | undefined, to?: number): void {
  if (isSeq(owner)) owner.items = place(owner.items, owner.items[Number(key)], to);
  if (isMap(owner)) owner.items = placePair(owner, findPair(owner, key), to);
}

function insertPair(document: Document, step: Extract<Step, { kind: "insert-entry" }>): void {
  const found = nodeAt(document, step.path);
  const map = isMap(found) ? found : put(document, step.path, new YAMLMap());
  const after = step.after === undefined ? undefined : findPair(map, step.after);
  const index = after === undefined ? map.items.length : map.items.indexOf(after) + 1;
  map.items.splice(index, 0, new Pair(new Scalar(step.key), document.createNode(step.value)));
}

/** Replaces a node; its anchor stays. */
function put<Kind extends Node>(document: Document, path: Path, node: Kind): Kind {
  const old = nodeAt(document, path);
  const owner = nodeAt(document, path.slice(0, -1));
  if (old !== undefined && !isAlias(old) && old.anchor !== undefined) Object.assign(node, { anchor: old.anchor });
  const pair = findPair(owner, path.at(-1));
  if (pair !== undefined) pair.value = node;
  else if (isSeq(owner)) owner.items[Number(path.at(-1))] = node;
  return node;
}

function place<Item>(items: readonly Item[], member: Item | undefined, to: number | undefined): Item[] {
  const others = items.filter((item) => item !== member);
  if (to !== undefined && member !== undefined) others.splice(to, 0, member);
  return others;
}

/** Merge keys count as members of a map, but not for the steps. */
function placePair({ items }: YAMLMap, pair: Pair | undefined, to: number | undefined): Pair[] {
  const { merges = [], own = [] } = Object.groupBy(items, ({ key }) => (isMergeKey(key) ? "merges" : "own"));
  return [...place(merges, to === undefined ? pair : undefined, undefined), ...place(own, pair, to)];
}
