import { type Document, isMap, Scalar, type YAMLMap } from "yaml";
import type { Machine, Task } from "../machine.ts";
import { dropDuplicates } from "./drop-duplicates.ts";
import { editState } from "./edit-state.ts";
import { escapeTexts } from "./escape-texts.ts";
import { aliasesOf, findPair, findTargets, type Nodes, setOwn, toKeyText, toPair, withComments } from "./nodes.ts";
import { toStyle, withLineEnds } from "./print-document.ts";
import { findWrittenTimeout } from "./to-v2-document.ts";

/** What the edits need besides the document. */
export interface EditInput {
  readonly text: string;
  readonly machine: Machine;
}

/**
 * A v1 document, known to be valid, edited into version 2 with its comments, anchors and order; the new text. Undefined
 * where a part cannot be edited in place. That the result means the same is for the caller to check: a part behind an
 * anchor may serve two ends.
 */
export function editDocument(document: Document.Parsed, { text, machine }: EditInput): string | undefined {
  const nodes = aliasesOf(document);
  const targets = findTargets(document);
  const root = document.contents;
  if (!isMap(root)) return undefined;
  dropDuplicates(document);
  editVersion(root);
  const states = nodes.resolve(findPair(nodes, root, "states")?.value);
  const tasks = nodes.resolve(findPair(nodes, root, "tasks")?.value);
  if (!isMap(states) || !isMap(tasks)) return undefined;
  for (const state of machine.states.values()) editState(nodes, findMap(nodes, states, state.name), state);
  for (const task of machine.tasks.values()) editTask(nodes, findMap(nodes, tasks, task.name), task);
  escapeTexts(nodes, tasks);
  // What was put in the place of a node has not its anchor.
  for (const [alias, target] of findTargets(document)) if (targets.get(alias) !== target) return undefined;
  return withLineEnds(text, nameSchema(document.toString(toStyle(text))));
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
