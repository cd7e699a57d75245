import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  Pair,
  Scalar,
  visit,
  type YAMLMap,
} from "yaml";

/** How the nodes of one document are read. */
export interface Nodes {
  /** What an alias stands for; any other node itself. */
  resolve(node: unknown): unknown;
}

/** The nodes of a document whose aliases are known to be sound. */
export function aliasesOf(document: Document.Parsed): Nodes {
  return { resolve: (node) => (isAlias(node) ? node.resolve(document) : node) };
}

/** What each alias of a document stands for; undefined where no anchor of that name is before it. */
export function findTargets(document: Document): ReadonlyMap<Alias, Node | undefined> {
  const anchored = new Map<string, Node>();
  const targets = new Map<Alias, Node | undefined>();
  visit(document, {
    Alias(_key, alias) {
      targets.set(alias, anchored.get(alias.source));
    },
    Value(_key, node) {
      if (node.anchor !== undefined) anchored.set(node.anchor, node);
    },
  });
  return targets;
}

/** The pair that gives a key its value: the map's own first one, else the first of its merges that has one. */
export function findPair(nodes: Nodes, map: YAMLMap, key: string): Pair | undefined {
  const own = map.items.find((pair) => toKeyText(pair.key) === key);
  if (own !== undefined) return own;
  for (const base of listMerged(nodes, map)) {
    const found = findPair(nodes, base, key);
    if (found !== undefined) return found;
  }
  return undefined;
}

function listMerged(nodes: Nodes, map: YAMLMap): readonly YAMLMap[] {
  const merges = map.items.filter((pair) => toKeyText(pair.key) === "<<").map(({ value }) => nodes.resolve(value));
  const sources = merges.flatMap((value) => (isSeq(value) ? value.items : [value]));
  return sources.map((source) => nodes.resolve(source)).filter((source) => isMap(source));
}

/** A key as the machine reads it: a plain one is the text that stands there. Undefined for keys that are no scalars. */
export function toKeyText(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  return key.type === "PLAIN" && key.source !== undefined ? key.source : String(key.value);
}

/** Sets a key of the map itself, where it wins over a merged one. */
export function setOwn(map: YAMLMap, key: string, value: string): void {
  if (!map.items.some((pair) => toKeyText(pair.key) === key)) map.items.push(toPair(key, value));
}

/** A new pair of two texts. */
export function toPair(key: string, value: string): Pair {
  return new Pair(new Scalar(key), new Scalar(value));
}

/** A new scalar with the comments of the node that it replaces. */
export function withComments(scalar: Scalar, old: unknown): Scalar {
  if (!isScalar(old) && !isSeq(old)) return scalar;
  if (old.comment) scalar.comment = old.comment;
  if (old.commentBefore) scalar.commentBefore = old.commentBefore;
  return scalar;
}
