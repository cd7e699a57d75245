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
  type YAMLSeq,
} from "yaml";
import { formatDuration } from "../document/duration.ts";
import { toKeyText } from "../document/read-yaml.ts";
import { escapeTemplate } from "../expression/compile-template.ts";
import type { Machine, State, Task } from "../machine.ts";
import { V1_TIMEOUT_MS } from "../v1/compile-v1.ts";

/**
 * Edits a valid v1 document into version 2 with its comments, anchors and order. Returns false when a part cannot be
 * edited in place. The caller must check that the result means the same: a part behind an anchor may be used twice.
 */
export function editDocument(document: Document, machine: Machine): boolean {
  const nodes = aliasesOf(document);
  const targets = findTargets(document);
  const root = document.contents;
  if (!isMap(root)) return false;
  dropDuplicates(document);
  editVersion(root);
  const states = nodes.resolve(findPair(nodes, root, "states")?.value);
  const tasks = nodes.resolve(findPair(nodes, root, "tasks")?.value);
  if (!isMap(states) || !isMap(tasks)) return false;
  for (const state of machine.states.values()) editState(nodes, findMap(nodes, states, state.name), state);
  for (const task of machine.tasks.values()) editTask(nodes, findMap(nodes, tasks, task.name), task);
  escapeTexts(nodes, tasks);
  // The replacement of a node does not have its anchor.
  return [...findTargets(document)].every(([alias, target]) => targets.get(alias) === target);
}

function editVersion(root: YAMLMap): void {
  const index = root.items.findIndex(({ key }) => toKeyText(key) === "version");
  const version = root.items[index];
  if (version === undefined) return;
  version.value = withComments(new Scalar(2), version.value);
  root.items.splice(index + 1, 0, toPair("revision", "follow"));
}

/** Editors find the schema by a comment. */
function nameSchema(text: string): string {
  return text.replace(/^(# yaml-language-server: \$schema=\S*)machine-v1\.schema/m, "$1machine-v2.schema");
}

function findMap(nodes: Nodes, map: YAMLMap, key: string): YAMLMap | undefined {
  const node = nodes.resolve(findPair(nodes, map, key)?.value);
  return isMap(node) ? node : undefined;
}

function editTask(nodes: Nodes, map: YAMLMap | undefined, task: Task): void {
  const timeout = findWrittenTimeout(task);
  if (map && timeout !== undefined && findPair(nodes, map, "timeout") === undefined) setOwn(map, "timeout", timeout);
}

/** Edits a state in place: defaults of v1 are written out, and handlers get their short form. */
function editState(nodes: Nodes, map: YAMLMap | undefined, state: State): void {
  if (map === undefined) return;
  setOwn(map, "leaving", "abandon");
  const terminal = findPair(nodes, map, "terminal");
  if (terminal && typeof scalarOf(nodes, terminal.value) === "string") {
    terminal.value = withComments(new Scalar(state.terminal), terminal.value);
  }
  const tasks = nodes.resolve(findPair(nodes, map, "tasks")?.value);
  if (isSeq(tasks)) dropRepeated(nodes, tasks);
  const on = nodes.resolve(findPair(nodes, map, "on")?.value);
  if (isMap(on)) for (const event of state.on.keys()) editHandler(nodes, findPair(nodes, on, event), { state, event });
}

function dropRepeated(nodes: Nodes, list: YAMLSeq): void {
  const seen = new Set<unknown>();
  list.items = list.items.filter((item) => {
    const name = scalarOf(nodes, item);
    const isNew = !seen.has(name);
    seen.add(name);
    return isNew;
  });
}

interface Handled {
  readonly state: State;
  readonly event: string;
}

/** Writes the short form; a list of one action with comments remains unchanged. */
function editHandler(nodes: Nodes, pair: Pair | undefined, { state, event }: Handled): void {
  if (pair === undefined || isScalar(pair.value)) return;
  const list = nodes.resolve(pair.value);
  if (isSeq(list) && isOneAction(nodes, list) && holdsComments(list)) return;
  pair.value = withComments(new Scalar(toShortReaction(state, event)), pair.value);
}

function isOneAction(nodes: Nodes, list: YAMLSeq): boolean {
  const [action] = list.items;
  const map = nodes.resolve(action);
  return list.items.length === 1 && isMap(map) && findPair(nodes, map, "action") !== undefined;
}

function holdsComments(list: YAMLSeq): boolean {
  let found = false;
  visit(list, {
    Node(_key, node) {
      if (node.comment || node.commentBefore) found = true;
    },
  });
  return found;
}

function scalarOf(nodes: Nodes, node: unknown): unknown {
  const value = nodes.resolve(node);
  return isScalar(value) ? value.value : undefined;
}

/** Drops repeated keys of a map, which version 2 refuses; v1 takes the first. */
function dropDuplicates(document: Document): void {
  visit(document, {
    Map(_key, map) {
      const seen = new Set<string>();
      map.items = map.items.filter((pair) => {
        const key = toKeyText(pair.key);
        const isRepeated = key !== undefined && key !== "<<" && seen.has(key);
        if (key !== undefined) seen.add(key);
        return !isRepeated;
      });
    },
  });
}

/** Escapes every text in the tasks, also behind aliases, each once. */
function escapeTexts(nodes: Nodes, tasks: YAMLMap): void {
  const waiting: unknown[] = [tasks];
  const seen = new Set<unknown>();
  // A list that grows during the iteration is iterated to its new end.
  for (const node of waiting) {
    const value = nodes.resolve(node);
    if (seen.has(value)) continue;
    seen.add(value);
    if (isScalar(value) && typeof value.value === "string") value.value = escapeTemplate(value.value);
    waiting.push(...childrenOf(value));
  }
}

function childrenOf(node: unknown): readonly unknown[] {
  if (isSeq(node)) return node.items;
  return isMap(node) ? node.items.map(({ value }) => value) : [];
}

/** Returns the effect of a v1 handler in the short form of version 2: the last state that it enters. */
function toShortReaction(state: State, event: string): string {
  return state.on.get(event)?.[0]?.advance.at(-1) ?? "no-op";
}

/** Returns the time limit to write on a task: v1's default, when its executor has none. */
function findWrittenTimeout({ timeoutMs }: Task): string | undefined {
  return timeoutMs === V1_TIMEOUT_MS ? formatDuration(V1_TIMEOUT_MS) : undefined;
}

/** The reader of one document's nodes. */
interface Nodes {
  /** Returns the target of an alias; any other node itself. */
  resolve(node: unknown): unknown;
}

/** Returns the nodes of a document whose aliases were checked. */
function aliasesOf(document: Document): Nodes {
  return { resolve: (node) => (isAlias(node) ? node.resolve(document) : node) };
}

/** Returns the target of each alias of a document; undefined when its anchor is not before it. */
function findTargets(document: Document): ReadonlyMap<Alias, Node | undefined> {
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

/** Returns the pair of a key: the map's own first one, else that of the first merge that has one. */
function findPair(nodes: Nodes, map: YAMLMap, key: string): Pair | undefined {
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

/** Sets a key of the map itself, where it wins over a merged one. */
function setOwn(map: YAMLMap, key: string, value: string): void {
  if (!map.items.some((pair) => toKeyText(pair.key) === key)) map.items.push(toPair(key, value));
}

/** Returns a new pair of two texts. */
function toPair(key: string, value: string): Pair {
  return new Pair(new Scalar(key), new Scalar(value));
}

/** Returns a new scalar with the comments of the node that it replaces. */
function withComments(scalar: Scalar, old: unknown): Scalar {
  if (!isScalar(old) && !isSeq(old)) return scalar;
  if (old.comment) scalar.comment = old.comment;
  if (old.commentBefore) scalar.commentBefore = old.commentBefore;
  return scalar;
}

/**
 * Prints a document as text: JSON when the old text looks like JSON and `plain` is set, else YAML; line ends as in the
 * old text.
 */
export function printDocument(old: string, document: Document, plain: boolean): string {
  const isJson = plain && old.trimStart().startsWith("{");
  const text = isJson
    ? `${JSON.stringify(document.toJS(), undefined, 2)}\n`
    : nameSchema(document.toString(toStyle(old)));
  return withLineEnds(old, text);
}

/** Returns the style of the old text, as far as the YAML library supports it. */
function toStyle(old: string) {
  return {
    lineWidth: 0,
    flowCollectionPadding: /[{[] /.test(old),
    indentSeq: !/^( *)[^\s#-].*:[ \t]*\r?\n\1- /m.test(old),
  } as const;
}

/** Returns a text with the line ends of another. */
function withLineEnds(old: string, text: string): string {
  return old.includes("\r\n") ? text.replace(/(?<!\r)\r*\n/g, "\r\n") : text;
}
