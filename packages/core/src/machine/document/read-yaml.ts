import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Pair,
  Parser,
  type Scalar,
  YAMLMap,
  type YAMLParseError,
  type YAMLSeq,
  type YAMLWarning,
} from "yaml";
import { findVersion } from "../find-version.ts";
import type { MachineLimits } from "./compile-context.ts";
import type { ProblemList, Spot } from "./problem-list.ts";
import type { Entry, MapNode, Path, Place, ScalarNode, TreeNode } from "./tree.ts";
import { quote } from "./wording.ts";

type Token = Parameters<Composer["next"]>[0];

const START: Place = { line: 1, column: 1 };

/**
 * Options of the package `yaml` with which machines are read. Programs that edit the text of machines read it with the
 * same. `schema` also wins over a %YAML 1.1 directive, so `on` and `yes` are always texts. Duplicate keys and merges
 * are ours.
 */
export const YAML_OPTIONS = {
  version: "1.2",
  schema: "core",
  merge: false,
  uniqueKeys: false,
  prettyErrors: false,
} as const;

/**
 * Reads the document of a YAML 1.2 source, with merges and aliases resolved. Returns undefined when it cannot be used;
 * then a problem `yaml-syntax` or `limit-exceeded` explains why. Cost is bounded: depth is checked while tokens arrive,
 * before the recursive composer gets them.
 */
export function readYaml(source: string, limits: MachineLimits, problems: ProblemList): TreeNode | undefined {
  const lines = new LineCounter();
  const tokens = readTokens(source, lines, limits.maxDepth);
  if (typeof tokens === "string") {
    problems.error("limit-exceeded", { path: [], at: START }, tokens);
    return undefined;
  }
  const [first, second] = composeTwo(tokens, source.length);
  const toPlace = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const mark = /^(?:<{7}|>{7}|\|{7})(?: .*)?\r?$/m.exec(source);
  if (mark !== null && first !== undefined && first.errors.length > 0) {
    const message =
      "A merge has left its marks here: keep one of the two versions, and remove the lines with <<<<<<<, ======= and >>>>>>>.";
    problems.error("yaml-syntax", { path: [], at: toPlace(mark.index) }, message);
    return undefined;
  }
  const faults = chooseFaults(source, [...(first?.errors ?? []), ...(first?.warnings ?? [])]);
  for (const fault of faults) {
    const message = explainFault(source, fault) ?? toMessage(fault);
    problems.error("yaml-syntax", { path: [], at: toPlace(fault.pos[0]) }, message);
  }
  if (second) {
    const message = "A second document begins here. A file has one document: remove the line with ---.";
    problems.error("yaml-syntax", { path: [], at: toPlace(second.range[0]) }, message);
  }
  if (first === undefined || problems.countErrors() > 0) return undefined;
  return resolveYaml(first.contents, { limits, toPlace, problems });
}

const MOST_SYNTAX_FAULTS = 3;

type Fault = YAMLParseError | YAMLWarning;

/** Returns the faults to report: one that can be explained alone, else the first of each of the first places. */
function chooseFaults(source: string, faults: readonly Fault[]): readonly Fault[] {
  const explained = faults.find((fault) => explainFault(source, fault) !== undefined);
  if (explained !== undefined) return [explained];
  // One mistake can break several rules of the grammar at once, and after it the parser goes astray.
  const byPlace = [...Map.groupBy(faults, ({ pos: [offset] }) => offset).values()];
  return byPlace.flatMap(([fault]) => fault ?? []).slice(0, MOST_SYNTAX_FAULTS);
}

/** Anchors and aliases that a document may have: each costs the library much more than its few characters. */
const MAX_ANCHORS = 2_000;
/** The token before the text of a scalar, which may begin with any character. */
const SCALAR = "\u001f";

/** Returns the tokens, or which limit the document exceeds. */
function readTokens(source: string, lines: LineCounter, maxDepth: number): readonly Token[] | string {
  const parser = new Parser(lines.addNewLine);
  // The first step of `parse`: its tokens come document by document, too late to stop at a depth.
  lines.addNewLine(0);
  const tokens: Token[] = [];
  let anchors = 0;
  let before = "";
  for (const lexeme of new Lexer().lex(source)) {
    if (before !== SCALAR && (lexeme.startsWith("&") || lexeme.startsWith("*"))) anchors += 1;
    if (anchors > MAX_ANCHORS) return `The document has more than ${MAX_ANCHORS} anchors and aliases.`;
    before = lexeme;
    for (const token of parser.next(lexeme)) tokens.push(token);
    // The document and the innermost scalar are on the parser's stack too.
    if (parser.stack.length > maxDepth + 2) return `The document is nested more than ${maxDepth} levels deep.`;
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

function composeTwo(tokens: readonly Token[], length: number): readonly Document.Parsed[] {
  const documents: Document.Parsed[] = [];
  for (const document of new Composer(YAML_OPTIONS).compose(tokens, true, length)) {
    documents.push(document);
    if (documents.length === 2) break;
  }
  return documents;
}

/** Explains a fault that causes others, so that they need not be reported; undefined for any other fault. */
function explainFault(source: string, { message, pos: [offset] }: Fault): string | undefined {
  if (source.slice(Math.max(0, offset - 1), offset + 2).includes("${")) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder of machines
    return 'A text with ${…} inside { } or [ ] must be quoted, such as "${metadata.name}".';
  }
  if (!message.startsWith("Alias ending in :")) return undefined;
  return "A name that begins with * is an alias in YAML. Quote it if it is a key.";
}

function toMessage(fault: Fault): string {
  if (fault.code === "TAB_AS_INDENT") return "A tab indents this line. YAML is indented by spaces.";
  return fault.message.length > 200 ? quote(fault.message) : `${fault.message.replace(/\.$/, "")}.`;
}

/** The input of the resolver in addition to the nodes. */
interface ResolveContext {
  readonly limits: MachineLimits;
  readonly toPlace: (offset: number) => Place;
  readonly problems: ProblemList;
}

interface Anchored {
  /** The value; undefined while it is being read: an alias to it would contain itself. */
  readonly tree?: TreeNode;
  /** Values in it, with all aliases written out. */
  readonly size: number;
  /** Maps and lists inside each other, itself included, with all aliases written out. */
  readonly height: number;
}

interface Resolution extends ResolveContext {
  readonly anchors: Map<string, Anchored>;
  /** Keys that are in their map already. */
  readonly duplicates: DuplicateKey[];
  nodes: number;
  deepest: number;
}

interface DuplicateKey extends Spot {
  readonly key: string;
}

interface Position {
  readonly path: Path;
  /** The place to report for an empty value, whose key is more precise; undefined in lists. */
  readonly keyAt?: Place;
}

/**
 * Returns nodes of the YAML library as a tree: aliases and merge keys resolved everywhere, the first of duplicate keys
 * kept with `duplicate-mapping-key`: a warning, in documents of version 2 an error. Undefined when that fails, with
 * `yaml-syntax` or `limit-exceeded`. Expansion is counted, not carried out: shared parts remain shared, so aliases of
 * aliases cost nothing before the limit stops them.
 */
function resolveYaml(contents: unknown, context: ResolveContext): TreeNode | undefined {
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
  reportDuplicates(resolution, tree);
  return failed ? undefined : tree;
}

function reportDuplicates({ problems, duplicates }: Resolution, tree: TreeNode): void {
  const strict = tree.kind === "map" && findVersion(tree) === 2;
  for (const { key, ...spot } of duplicates) {
    const message = `The key ${quote(key)} is already in this map; ${strict ? "remove one of them" : "this one is ignored"}.`;
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
  warnTag(resolution, node, { path: position.path, at });
  const depth = position.path.length + (isMap(node) || isSeq(node) ? 1 : 0);
  resolution.deepest = Math.max(resolution.deepest, depth);
  resolution.nodes += 1;
  if (isTooLarge(resolution)) return { kind: "scalar", at, value: null };
  if (isMap(node)) return { kind: "map", at, entries: resolveEntries(resolution, node, position.path) };
  if (isSeq(node)) return { kind: "list", at, items: resolveItems(resolution, node, position.path) };
  return isScalar(node) ? toScalar(node, at) : { kind: "scalar", at, value: null, plain: "" };
}

const TAG_PREFIX = "tag:yaml.org,2002:";
const READINGS: Readonly<Record<string, string>> = {
  omap: "a list of maps with one key each",
  pairs: "a list of maps with one key each",
  set: "a map of null values",
  binary: "a text",
};

function warnTag({ problems }: Resolution, node: unknown, spot: Spot): void {
  const tag = isScalar(node) || isMap(node) || isSeq(node) ? node.tag : undefined;
  const name = tag?.startsWith(TAG_PREFIX) ? tag.slice(TAG_PREFIX.length) : "";
  if (!Object.hasOwn(READINGS, name)) return;
  problems.warn("scalar-ambiguous", spot, `The tag !!${name} is read as ${READINGS[name]}. Remove the tag.`);
}

function resolveAlias(resolution: Resolution, alias: Alias, path: Path): TreeNode {
  const at = toPlace(resolution, alias);
  const anchored = resolution.anchors.get(alias.source);
  resolution.nodes += anchored?.size ?? 1;
  resolution.deepest = Math.max(resolution.deepest, path.length + (anchored?.height ?? 0));
  if (anchored?.tree) return { ...anchored.tree, at };
  const why = anchored ? "is inside the value that it refers to" : "refers to no anchor before it";
  resolution.problems.error("yaml-syntax", { path, at }, `The alias ${quote(`*${alias.source}`)} ${why}.`);
  return { kind: "scalar", at, value: null };
}

function resolveItems(resolution: Resolution, list: YAMLSeq, path: Path): readonly TreeNode[] {
  return list.items.map((item, index) => {
    const here = { path: [...path, String(index)] };
    if (!isPair(item)) return resolveNode(resolution, item, here);
    // The value of !!omap and !!pairs is a list of maps with one key, as in JSON.
    const map = new YAMLMap();
    map.items.push(item);
    return resolveNode(resolution, map, here);
  });
}

interface OpenMap {
  readonly path: Path;
  readonly entries: Map<string, Entry>;
  /** Keys of the map itself: they override merged ones, and the first of them wins. */
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
  // Also where the value is dropped: it may contain an anchor that is used later.
  const value = resolveNode(resolution, pair.value, here);
  if (explicit.has(key)) {
    resolution.duplicates.push({ key, path: here.path, at: keyAt });
    return;
  }
  explicit.add(key);
  entries.set(key, { keyAt, value });
}

function mergePair(resolution: Resolution, pair: Pair, { path, entries }: OpenMap): void {
  // Without "<<" in the path: merged keys are as deep as the others.
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

/**
 * Returns whether a node of the package `yaml` is the merge key `<<`; in quotes or with a tag it is an ordinary key.
 */
export function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === "PLAIN" && key.source === "<<" && key.tag === undefined;
}

/** Returns the key that a node of the package \`yaml\` is read as; undefined for maps, lists and aliases. */
export function toKeyText(key: unknown): string | undefined {
  return isScalar(key) ? toKey(toScalar(key, START)) : undefined;
}

// A plain key is its source text: `1.0`, `010` and `true` are names, regardless of their meaning as values.
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
