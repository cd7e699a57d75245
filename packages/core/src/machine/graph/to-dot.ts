import { toEdgeLabel } from "./to-edge-label.ts";
import type { DrawOptions, Graph, GraphEdge, GraphNode } from "./to-graph.ts";

/** A graph in Graphviz' DOT language. */
export function toDot(graph: Graph, { direction = "horizontal" }: DrawOptions = {}): string {
  const lines = [
    "digraph machine {",
    `  rankdir=${direction === "horizontal" ? "LR" : "TB"};`,
    '  node [shape=box, style=rounded, fontname="sans-serif"];',
    '  edge [fontname="sans-serif"];',
    ...graph.nodes.map(toNodeLine),
    ...graph.edges.map(toEdgeLine),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

function toNodeLine(node: GraphNode): string {
  if (node.kind === "start") return `  ${quote(node.id)} [shape=circle, style=filled, label="", width=0.2];`;
  if (node.kind === "end") return `  ${quote(node.id)} [shape=doublecircle, style=filled, label="", width=0.15];`;
  // \l ends a line and sets it to the left.
  const tasks = node.tasks.map((task) => `• ${escapeText(task)}\\l`).join("");
  const style = node.reachable ? "" : ', style="rounded,dashed"';
  return `  ${quote(node.id)} [label="${escapeText(node.id)}\\n${tasks}"${style}];`;
}

function toEdgeLine(edge: GraphEdge): string {
  const { from, to, event, passing } = edge;
  const attributes = [
    event === undefined ? [] : `label=${quote(toEdgeLabel(edge))}`,
    passing ? "style=dashed" : [],
  ].flat();
  return `  ${quote(from)} -> ${quote(to)}${attributes.length > 0 ? ` [${attributes.join(", ")}]` : ""};`;
}

function quote(text: string): string {
  return `"${escapeText(text)}"`;
}

// A backslash would begin one of Graphviz' escapes, such as \N; control characters have no place in a line.
function escapeText(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll(/\p{Cc}/gu, " ");
}
