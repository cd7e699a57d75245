import { type Alias, isAlias, isMap, isScalar, isSeq, type Pair, type Scalar, type YAMLMap, type YAMLSeq } from "yaml";
import { findVersion } from "./find-version.ts";
import type { MachineLimits } from "./machine-limits.ts";
import type { ProblemList, Spot } from "./problem-list.ts";
import type { Entry, MapNode, Path, Place, ScalarNode, TreeNode } from "./tree.ts";
import { quote } from "./wording.ts";

/** What the resolver needs to know besides the nodes. */
export interface ResolveContext {
  readonly limits: MachineLimits;
  readonly toPlace: (offset: number) => Place;
  readonly problems: ProblemList;
}

interface Anchored {
  /** Undefined while the anchored value is being read: an alias to it would contain itself. */
  readonly tree?: TreeNode;
  /** Values in it, with all aliases written out. */
  readonly size: number;
  /** Maps and lists inside each other, itself included, with all aliases written out. */
  readonly height: number;
}

interface Resolution extends ResolveContext {
  readonly anchors: Map<string, Anchored>;
  /** Keys that stand in their map before. */
  readonly duplicates: DuplicateKey[];
  nodes: number;
  deepest: number;
}

interface DuplicateKey extends Spot {
  readonly key: string;
}

interface Position {
  readonly path: Path;
  /** Where to point when a value is empty and its key says more; undefined in lists. */
  readonly keyAt?: Place;
}

const START: Place = { line: 1, column: 1 };

/**
 * Nodes of the YAML library as a tree: aliases and merge keys resolved everywhere, the first of duplicate keys kept with
 * `duplicate-mapping-key`: a warning, in documents of version 2 an error. Undefined when that fails, with `yaml-syntax` or `limit-exceeded`. Expansion is counted,
 * not carried out: shared parts stay shared, so aliases of aliases cost nothing before the limit stops them.
 */
export function resolveYaml(contents: unknown, context: ResolveContext): TreeNode | undefined {
  const resolution: Resolution = { ...context, anchors: new Map(), duplicates: [], nodes: 0, deepest: 0 };
  const tree = resolveNode(resolution, contents, { path: [] });
  if (isTooLarge(resolution)) {
    const { maxDepth, maxNodes } = context.limits;
    const what =
      resolution.deepest > maxDepth
        ? `is nested more than ${maxDepth} levels deep`
        : `has more than ${maxNodes} values`;
    const message = `The document ${what} when its aliases are written out.`;
    context.problems.error("limit-exceeded", { path: [], at: START }, message);
  }
  const failed = context.problems.countErrors() > 0;
  tellDuplicates(resolution, tree);
  return failed ? undefined : tree;
}

function tellDuplicates({ problems, duplicates }: Resolution, tree: TreeNode): void {
  const strict = tree.kind === "map" && findVersion(tree) === 2;
  for (const { key, ...spot } of duplicates) {
    const message = `The key ${quote(key)} stands in this map before; ${strict ? "remove one of them" : "this one is ignored"}.`;
    if (strict) problems.error("duplicate-mapping-key", spot, message);
    else problems.warn("duplicate-mapping-key", spot, message);
  }
}

function isTooLarge({ nodes, deepest, limits }: Resolution): boolean {
  return nodes > limits.maxNodes || deepest > limits.maxDepth;
}

function resolveNode(resolution: Resolution, node: unknown, position: Position): TreeNode {
  if (isAlias(node)) return resolveAlias(resolution, node, position.path);
  const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
  return anchor === undefined
    ? resolveContents(resolution, node, position)
    : resolveAnchored(resolution, node, { ...position, anchor });
}

function resolveAnchored(
  resolution: Resolution,
  node: unknown,
  position: Position & { readonly anchor: string },
): TreeNode {
  const { anchors, nodes, deepest } = resolution;
  const depth = position.path.length;
  anchors.set(position.anchor, { size: 0, height: 0 });
  resolution.deepest = depth;
  const tree = resolveContents(resolution, node, position);
  anchors.set(position.anchor, { tree, size: resolution.nodes - nodes, height: resolution.deepest - depth });
  resolution.deepest = Math.max(deepest, resolution.deepest);
  return tree;
}

function resolveContents(resolution: Resolution, node: unknown, position: Position): TreeNode {
  const at = toPlace(resolution, node, position.keyAt);
  const depth = position.path.length + (isMap(node) || isSeq(node) ? 1 : 0);
  resolution.deepest = Math.max(resolution.deepest, depth);
  resolution.nodes += 1;
  if (isTooLarge(resolution)) return { kind: "scalar", at, value: null };
  if (isMap(node)) return { kind: "map", at, entries: resolveEntries(resolution, node, position.path) };
  if (isSeq(node)) return { kind: "list", at, items: resolveItems(resolution, node, position.path) };
  return isScalar(node) ? toScalar(node, at) : { kind: "scalar", at, value: null, plain: "" };
}

function resolveAlias(resolution: Resolution, alias: Alias, path: Path): TreeNode {
  const at = toPlace(resolution, alias);
  const anchored = resolution.anchors.get(alias.source);
  resolution.nodes += anchored?.size ?? 1;
  resolution.deepest = Math.max(resolution.deepest, path.length + (anchored?.height ?? 0));
  if (anchored?.tree) return { ...anchored.tree, at };
  const why = anchored ? "stands inside the value that it names" : "names no anchor before it";
  resolution.problems.error("yaml-syntax", { path, at }, `The alias ${quote(`*${alias.source}`)} ${why}.`);
  return { kind: "scalar", at, value: null };
}

function resolveItems(resolution: Resolution, list: YAMLSeq, path: Path): readonly TreeNode[] {
  return list.items.map((item, index) => resolveNode(resolution, item, { path: [...path, String(index)] }));
}

interface OpenMap {
  readonly path: Path;
  readonly entries: Map<string, Entry>;
  /** Keys that stand in the map itself: they win over merged ones, and the first of them wins. */
  readonly explicit: Set<string>;
}

function resolveEntries(resolution: Resolution, map: YAMLMap, path: Path): ReadonlyMap<string, Entry> {
  const open: OpenMap = { path, entries: new Map(), explicit: new Set() };
  for (const pair of map.items) {
    if (isTooLarge(resolution)) break;
    if (isMergeKey(pair.key)) mergePair(resolution, pair, open);
    else resolvePair(resolution, pair, open);
  }
  return open.entries;
}

function resolvePair(resolution: Resolution, pair: Pair, { path, entries, explicit }: OpenMap): void {
  const keyAt = toPlace(resolution, pair.key);
  const key = toKey(resolveNode(resolution, pair.key, { path }));
  if (key === undefined) {
    resolution.problems.error("yaml-syntax", { path, at: keyAt }, "A key must be a plain text, not a map or a list.");
    return;
  }
  const here = { path: [...path, key], keyAt };
  // Also where the value is dropped: it may hold an anchor that is used later.
  const value = resolveNode(resolution, pair.value, here);
  if (explicit.has(key)) {
    resolution.duplicates.push({ key, path: here.path, at: keyAt });
    return;
  }
  explicit.add(key);
  entries.set(key, { keyAt, value });
}

function mergePair(resolution: Resolution, pair: Pair, { path, entries }: OpenMap): void {
  // Without "<<" in the path: merged keys are as deep as those beside the merge.
  const here = { path, keyAt: toPlace(resolution, pair.key) };
  const errors = resolution.problems.countErrors();
  const merged = resolveNode(resolution, pair.value, here);
  if (isTooLarge(resolution) || resolution.problems.countErrors() > errors) return;
  for (const source of merged.kind === "list" ? merged.items : [merged]) {
    if (source.kind === "map") addMissing(entries, source);
    else resolution.problems.error("yaml-syntax", { ...here, at: source.at }, NOT_MERGEABLE);
  }
}

const NOT_MERGEABLE = "Only a map, or a list of maps, can be merged by <<.";

function addMissing(entries: Map<string, Entry>, source: MapNode): void {
  for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry);
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === "PLAIN" && key.source === "<<" && key.tag === undefined;
}

// A plain key is the text that stands there: `1.0`, `010` and `true` are names, whatever they mean as values.
function toKey(node: TreeNode): string | undefined {
  return node.kind === "scalar" ? (node.plain ?? String(node.value)) : undefined;
}

function toScalar({ type, source, value }: Scalar, at: Place): ScalarNode {
  const plain = type === "PLAIN" && source !== undefined ? { plain: source } : {};
  const isJson = typeof value === "number" || typeof value === "boolean" || value === null;
  return { kind: "scalar", at, value: isJson ? value : String(value), ...plain };
}

function toPlace(resolution: Resolution, node: unknown, keyAt?: Place): Place {
  if (keyAt && isScalar(node) && node.type === "PLAIN" && node.source === "") return keyAt;
  const range = isAlias(node) || isScalar(node) || isMap(node) || isSeq(node) ? node.range : undefined;
  return range ? resolution.toPlace(range[0]) : (keyAt ?? START);
}
