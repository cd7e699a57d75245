import { isMap, isScalar, isSeq, type Pair, Scalar, visit, type YAMLMap, type YAMLSeq } from "yaml";
import type { State } from "../machine.ts";
import { findPair, type Nodes, setOwn, withComments } from "./nodes.ts";
import { toShortReaction } from "./to-v2-document.ts";

/** Edits a state in place: what v1 says by default is written out, and handlers get their short form. */
export function editState(nodes: Nodes, map: YAMLMap | undefined, state: State): void {
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

/** The short form; a list of one action that holds comments stays as it is. */
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
